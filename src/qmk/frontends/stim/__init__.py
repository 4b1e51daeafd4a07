"""Front-end ``stim``: circuits in Stim's language, with the tags that Bloqade and tsim give a meaning.

What it pins. Bits: the register ``record`` has the measurements, the first leftmost; ``detectors`` and ``observables``
are parities of the record as it is, not compared with a noiseless run. A lost atom: in a circuit with
``I_ERROR[loss]``, ``[correlated_loss:k]`` or ``[leakage]`` measurements are ``atoms.mz``; the bit of a lost atom is 0
(before ``!`` inverts it) and the register ``lost`` says so. Angles in tags are radians, written as multiples of pi.
``[leakage](p0, p1)`` is ``noise.leak``: from |0> with p0, from |1> with p1. Sweep bits are the parameter ``sweep``.

Tagged gates are run: ``S[T]`` is T, ``I[R_X(theta=0.3*pi)]`` a rotation. Plain Stim ignores tags.
"""

from __future__ import annotations

import re

from qmk.frontends.stim.gates import ALIASES, NAMES
from qmk.frontends.stim.rules import STIM_RULES
from qmk.sdk.frontend import Frontend, first_lines
from qmk.sdk.references import later

__all__ = ["FRONTEND", "STIM_RULES"]

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(\[[^\]]*\])?(\([^)]*\))?(\s+[!XYZ0-9rs*][^;]*|\s*\{|\s*#.*)?\Z")


def recognise(data: bytes) -> int:
    """Judges by the first lines that are not comments: at least half are instructions of Stim, with targets as
    Stim writes them."""
    lines = first_lines(data, "#")
    found = [match for line in lines if (match := _instruction(line)) is not None]
    known = len(found) + lines.count("}")
    if known == len(lines):
        return 100 if known else 0
    sure = known * 2 >= len(lines) and any(match[3] or match[4] for match in found)  # a word alone may be any text's
    return round(60 * known / len(lines)) if sure else 0


def _instruction(line: str) -> re.Match[str] | None:
    match = _LINE.match(line)
    if match is None or (match[3] and match[1] in ("RX", "RY", "RZ")):  # with an angle they are rotations, of Quil
        return None
    return match if match[1] in NAMES or match[1] in ALIASES else None


FRONTEND = Frontend(
    "stim",
    "Circuits of Stim, tagged gates and lost atoms included",
    (".stim",),
    recognise,
    later("qmk.frontends.stim.reader:read"),
    later("qmk.frontends.stim.emit:emit"),
)
