"""Front-end ``quil``: programs in Quil, as pyQuil writes them.

What it pins. BIT memory is printed, the region that is declared last leftmost, its highest bit leftmost; a measurement
without a target goes nowhere. Memory of numbers that nothing has written is a parameter: a region of one value by its
name, others a list of values. Jumps forward may depend on measurements, loops may not. ADD-KRAUS and READOUT-POVM are
the noise of the whole program. Qubits that are numbered without gaps are register q, others one each, ``q5``. A ``-``
in the name of memory is read as ``_``.
"""

from __future__ import annotations

import re

from qmk.frontends.quil.rules import QUIL_RULES
from qmk.sdk.frontend import Frontend, first_lines
from qmk.sdk.references import later

__all__ = ["FRONTEND", "QUIL_RULES"]

_SURE = re.compile(
    r"(DECLARE [\w-]+ (BIT|OCTET|INTEGER|REAL)\b|DEFGATE [\w-]+|DEFCIRCUIT [\w-]+|JUMP(-WHEN|-UNLESS)? @|LABEL @|"
    r"PRAGMA [A-Z_-]+|DEFCAL |DEFFRAME |MEASURE \d+( [A-Za-z_][\w-]*(\[\d+\])?)?\s*$)"
)
_GATE = re.compile(r"((CONTROLLED|DAGGER|FORKED) )*[A-Z][A-Za-z0-9_-]*(\([^)]*\))?( \d+)+\s*$")


def recognise(data: bytes) -> int:
    """Judges by the first lines: instructions that only Quil has, or gates on numbered qubits in capitals."""
    lines = first_lines(data, "#")
    sure = sum(_SURE.match(line) is not None for line in lines)
    gates = sum(_GATE.match(line) is not None for line in lines)
    if not lines or not sure + gates or (not sure and gates < len(lines)):
        return 0
    return 99 if sure and (sure + gates) * 2 >= len(lines) else 70 if gates == len(lines) else 40


FRONTEND = Frontend(
    "quil",
    "Programs in Quil, with classical memory and noise pragmas",
    (".quil",),
    recognise,
    later("qmk.frontends.quil.reader:read"),
    later("qmk.frontends.quil.emit:emit"),
    later("qmk.frontends.quil.reader:inputs"),
)
