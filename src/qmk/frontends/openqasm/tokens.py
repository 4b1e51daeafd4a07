"""Tokens of OpenQASM 2 and 3: one regular expression, matched at a position; no token list is kept.

Every alternative is bounded by possessive or disjoint repetition, so a token costs time linear in its length.
"""

from __future__ import annotations

import re

TRIVIA = r"(?:\s|//[^\n]*+|/\*(?s:.*?)\*/)*+"

_NUMBER_TOKEN = (
    r"0[xX][0-9a-fA-F_]++|0[oO][0-7_]++|0[bB][01_]++"
    r"|(?:\d[\d_]*+(?:\.(?:\d[\d_]*+)?)?|\.\d[\d_]*+)(?:[eE][+-]?\d++)?"
)
_PARTS = (
    ("string", r'"[^"\n]*+"|\'[^\'\n]*+\''),
    ("number", _NUMBER_TOKEN),
    ("hardware", r"\$\d++"),
    ("name", r"[^\W\d]\w*+"),
    ("op", r"\*\*=|<<=|>>=|->|\+\+|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~]=|/(?!\*)|[-+*%&|^~<>=!;:,.@()\[\]{}]"),
    ("pragma", r"\#pragma\b"),
    ("dim", r"\#dim\b"),
    ("end", r"\Z"),
    ("bad", r"."),
)  # fmt: skip

TOKEN = re.compile(TRIVIA + "(?:" + "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PARTS) + ")", re.S)

BITSTRING = re.compile(r'"[01](?:_?[01])*"')

_PI = r"(?:pi|π)"
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
SIMPLE_ANGLE = re.compile(
    rf"\s*([+-]?)\s*(?:({_NUMBER})\s*\*\s*)?({_PI})(?:\s*\*\s*({_NUMBER}))?(?:\s*/\s*({_NUMBER}))?\s*"
)
"""[sign][number*]pi[*number][/number]: the usual angle, read without building a tree."""

GATE_LINE = re.compile(
    TRIVIA
    + r"(?P<name>[A-Za-z_]\w*+)\s*+(?:\(([-+*/.\dEepiπ\s,]*+)\))?\s*+"
    + r"([A-Za-z_]\w*+(?:\[\d++\])?(?:\s*+,\s*+[A-Za-z_]\w*+(?:\[\d++\])?)*+)\s*+;",
    re.A,
)
"""A whole gate statement in its commonest form: name, simple parameters, operands with literal indexes."""


def simple_angle(text: str) -> float | None:
    """The value of a simple parameter, computed left to right as the expression would be, or None."""
    try:
        return float(text)
    except ValueError:
        pass
    found = SIMPLE_ANGLE.fullmatch(text)
    if found is None:
        return None
    sign, before, _, times, over = found.groups()
    value = 3.141592653589793 if sign != "-" else -3.141592653589793
    if before is not None:
        number = float(before)
        value = (-number if sign == "-" else number) * 3.141592653589793
    if times is not None:
        value *= float(times)
    if over is not None:
        divisor = float(over)
        if divisor == 0:
            return None
        value /= divisor
    return value
