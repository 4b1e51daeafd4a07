"""Front-end of Amazon Braket's OpenQASM 3: its gates without an include, and its pragmas."""

from __future__ import annotations

from qmk.frontends.openqasm.recognise import is_braket, score
from qmk.sdk.frontend import CERTAIN, Frontend
from qmk.sdk.references import later


def _recognise(data: bytes) -> int:
    return CERTAIN if is_braket(data) and score(data, 3) else 0


FRONTEND = Frontend(
    format="braket",
    doc="OpenQASM 3 as Amazon Braket has it, with its gates and pragmas",
    suffixes=(".braket.qasm",),
    recognise=_recognise,
    parse=later("qmk.frontends.braket.reader:parse"),
    inputs=later("qmk.frontends.openqasm.declared:declared_inputs"),
)
