"""Front-end ``qir``: programs in QIR, as text or bitcode of LLVM, and Q#.

What it pins. The results that an array or tuple records are one register, named by its label, the first leftmost;
values that are recorded by themselves are one register each. A branch on a measurement becomes a condition; loops that
known values end are written out, and functions are put in the place of their calls. A result that nothing has measured
reads 0. Qubits that are released and allocated again are reset.
"""

from __future__ import annotations

import re

from qmk.frontends.qir.rules import QIR_RULES
from qmk.sdk.frontend import Frontend, first_lines
from qmk.sdk.references import later

__all__ = ["BITCODE", "FRONTEND", "QIR_RULES"]

BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
"""The first bytes of bitcode, without and with its wrapper."""
_LINE = re.compile(
    r"(source_filename|target (datalayout|triple)) = \"|define .*@.*\(|declare .*@.*\(|%[\w.\"]+ = type |"
    r"@[\w.\"]+ = .*(constant|global) |attributes #\d+ = "
)


def recognise(data: bytes) -> int:
    """Bitcode by its first bytes; text by lines that begin as those of a module of LLVM, or by QIR's names."""
    if data.startswith(BITCODE):
        return 100
    lines = first_lines(data, ";")
    if not lines or not _LINE.match(lines[0]):
        return 0
    return 100 if b"@__quantum__" in data[:65536] else 80


FRONTEND = Frontend(
    "qir",
    "QIR of the base and adaptive profiles, as text and bitcode",
    (".ll", ".bc"),
    recognise,
    later("qmk.frontends.qir.reader:read"),
    later("qmk.frontends.qir.emit:emit"),
    later("qmk.frontends.qir.reader:inputs"),
)
