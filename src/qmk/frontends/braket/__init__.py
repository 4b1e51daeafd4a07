"""Front-end of Amazon Braket's OpenQASM 3: its gates without an include, and its pragmas."""

from __future__ import annotations

from qmk.frontends.openqasm.recognise import is_braket, score
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import CERTAIN, Frontend, Inputs, Source


def _recognise(data: bytes) -> int:
    return CERTAIN if is_braket(data) and score(data, 3) else 0


def _parse(source: Source) -> Graph:
    from qmk.frontends.braket.reader import parse

    return parse(source)


def _inputs(source: Source) -> Inputs:
    from qmk.frontends.openqasm.declared import declared_inputs

    return declared_inputs(source)


FRONTEND = Frontend(
    format="braket",
    doc="OpenQASM 3 as Amazon Braket has it, with its gates and pragmas",
    suffixes=(".braket.qasm",),
    recognise=_recognise,
    parse=_parse,
    inputs=_inputs,
)
