"""OpenQASM 3 front-end: gates, modifiers, classical feed-forward, subroutines; and a writer."""

from __future__ import annotations

from qmk.frontends.openqasm.recognise import score
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Inputs, Source


def _parse(source: Source) -> Graph:
    from qmk.frontends.openqasm.interpreter import parse

    return parse(source, 3)


def _inputs(source: Source) -> Inputs:
    from qmk.frontends.openqasm.declared import declared_inputs

    return declared_inputs(source)


def _emit(graph: Graph) -> bytes:
    from qmk.frontends.qasm3.emit import emit

    return emit(graph)


FRONTEND = Frontend(
    format="qasm3",
    doc="OpenQASM 3.0 and 3.1 with stdgates.inc",
    suffixes=(".qasm", ".qasm3"),
    recognise=lambda data: score(data, 3),
    parse=_parse,
    emit=_emit,
    inputs=_inputs,
)
