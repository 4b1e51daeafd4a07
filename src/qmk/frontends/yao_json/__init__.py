"""Front-end ``yao-json``: blocks of Yao.jl in the JSON that ``docs/howto/yao.md`` describes, which
``packaging/julia/yao_to_qmk.jl`` writes, and the list of instructions that Yao itself writes.

What it pins. Positions count from 1, and position 1 is the lowest bit of a matrix's index and of a measured number, as
in Yao. Angles are radians: a rotation is exp(-i angle/2 G), ``shift`` is diag(1, e^{i angle}), ``phase`` e^{i angle}.
A measurement makes a register of its own, printed with the last position leftmost, unless it names bits of the
document's registers. An angle may be a text with parameters.
"""

from __future__ import annotations

from qmk.frontends.yao_json.rules import YAO_RULES
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Inputs, Source, json_object

__all__ = ["FRONTEND", "YAO_RULES"]

NAME = "yao-json"


def recognise(data: bytes) -> int:
    """A JSON object whose head names the format, or has the keys of Yao's own list of instructions."""
    head = json_object(data)[:4096]
    if f'"{NAME}"'.encode() in head and b'"format"' in head:
        return 100
    return 90 if b'"nqubits"' in data and b'"instructions"' in head else 0


def parse(source: Source) -> Graph:
    from qmk.frontends.yao_json.reader import read

    return read(source)


def inputs(source: Source) -> Inputs:
    from qmk.frontends.yao_json.reader import inputs

    return inputs(source)


def emit(graph: Graph) -> bytes:
    from qmk.frontends.yao_json.emit import emit

    return emit(graph)


FRONTEND = Frontend(NAME, "Blocks of Yao.jl as JSON", (".yao.json",), recognise, parse, emit, inputs)
