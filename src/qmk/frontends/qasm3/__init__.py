"""OpenQASM 3 front-end: gates, modifiers, classical feed-forward, subroutines; and a writer."""

from __future__ import annotations

from qmk.frontends.openqasm.recognise import is_braket, score
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source
from qmk.sdk.references import later


def _recognise(data: bytes) -> int:
    found = score(data, 3)
    return found - 1 if found and is_braket(data) else found


def _parse(source: Source) -> Graph:
    from qmk.frontends.openqasm.interpreter import parse

    return parse(source, 3)


FRONTEND = Frontend(
    format="qasm3",
    doc="OpenQASM 3.0 and 3.1 with stdgates.inc",
    suffixes=(".qasm", ".qasm3"),
    recognise=_recognise,
    parse=_parse,
    emit=later("qmk.frontends.qasm3.emit:emit"),
    inputs=later("qmk.frontends.openqasm.declared:declared_inputs"),
)
