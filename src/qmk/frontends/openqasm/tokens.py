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
