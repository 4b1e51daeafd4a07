"""OpenQASM 2 front-end: full language, with qelib1.inc built in."""

from __future__ import annotations

from qmk.frontends.openqasm.recognise import score
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Source
from qmk.sdk.references import later


def _parse(source: Source) -> Graph:
    from qmk.frontends.openqasm.interpreter import parse

    return parse(source, 2)


FRONTEND = Frontend(
    format="qasm2",
    doc="OpenQASM 2 (arXiv:1707.03429) with qelib1.inc",
    suffixes=(".qasm", ".qasm2"),
    recognise=lambda data: score(data, 2),
    parse=_parse,
    emit=later("qmk.frontends.qasm2.emit:emit"),
)
