"""Telling OpenQASM 2 from OpenQASM 3 and from other texts, by the first statements."""

from __future__ import annotations

import re

_HEAD_BYTES = 65_536
_TRIVIA = re.compile(r"(?:\s|//[^\n]*+(?:\n|\Z)|/\*(?s:.*?)\*/)*+")
_VERSION = re.compile(r"OPENQASM\s+(\d+)(?:\.\d+)?\s*;?")
_ONLY_2 = re.compile(r'include\s+"qelib1\.inc"|\b[qc]reg\s+\w+\s*\[|\bopaque\s+\w+')
_ONLY_3 = re.compile(
    r'include\s+"stdgates\.inc"|\b(?:qubit|bit)\s*(?:\[[^\]\n]*\])?\s+\w+\s*[;=]|\binput\s+\w+|\bdef\s+\w+\s*\('
    r"|\b(?:ctrl|negctrl|inv|pow)\b[^;\n]*@|\blet\s+\w+\s*=|\bgphase\s*\("
)
_BRAKET = re.compile(rb"^[ \t]*#?pragma[ \t]+braket\b", re.MULTILINE)
_STATEMENT = re.compile(r"(?:[A-Za-z_@$#{]|\Z)")


def score(data: bytes, dialect: int) -> int:
    """0 to 100: how surely ``data`` is OpenQASM of this dialect. A version statement decides."""
    text = data[:_HEAD_BYTES].decode("utf-8-sig", "replace")
    found = _TRIVIA.match(text)
    start = found.end() if found else 0
    version = _VERSION.match(text, start)
    if version is not None:
        major = int(version[1]) if len(version[1]) < 4 else 99
        if major == dialect:
            return 100
        return 90 if dialect == 3 and major not in (2, 3) else 0  # to be refused by name
    if not _STATEMENT.match(text, start) or "\0" in text:
        return 0
    old, new = len(_ONLY_2.findall(text)), len(_ONLY_3.findall(text))
    if dialect == 3:
        return 80 if new else 0
    return 75 if old and not new else 0


def is_braket(data: bytes) -> bool:
    """Whether a pragma of Amazon Braket's stands in OpenQASM 3."""
    return _BRAKET.search(data[:_HEAD_BYTES]) is not None
