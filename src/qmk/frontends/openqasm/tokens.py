"""Tokens of OpenQASM 2 and 3: one regular expression, matched at a position; no token list is kept.

Every alternative is bounded by possessive or disjoint repetition, so a token costs time linear in its length.
"""

from __future__ import annotations

import math
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

_FACTOR = r"(?:pi|π|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_PRODUCT = re.compile(rf"\s*([+-]?)\s*({_FACTOR})((?:\s*[*/]\s*{_FACTOR})*+)\s*", re.A)
_NEXT_FACTOR = re.compile(rf"\s*([*/])\s*({_FACTOR})", re.A)

GATE_LINE = re.compile(
    TRIVIA
    + r"(?P<name>[A-Za-z_]\w*+)\s*+(?:\(([-+*/.\dEepiπ\s,]*+)\))?\s*+"
    + r"([A-Za-z_]\w*+(?:\[\d++\])?(?:\s*+,\s*+[A-Za-z_]\w*+(?:\[\d++\])?)*+)\s*+;",
    re.A,
)
"""A whole gate statement in its commonest form: name, simple parameters, operands with literal indexes."""


MEASURE_LINE = re.compile(
    TRIVIA
    + r"(?:(?P<measure>measure)\s++(\w++)\[(\d{1,9}+)\]\s*+->\s*+(\w++)\[(\d{1,9}+)\]"
    + r"|(?P<target>[A-Za-z_]\w*+)\[(\d{1,9}+)\]\s*+=\s*+measure\s++(\w++)\[(\d{1,9}+)\])\s*+;",
    re.A,
)
"""A whole measurement of one qubit into one bit, both with literal indexes, in either of its two spellings."""


def simple_angles(text: str) -> tuple[float, ...] | None:
    """The values of ``0.5,pi/2``, or None when one of them needs the expression parser."""
    if not text:
        return ()
    values = [simple_angle(part) for part in text.split(",")]
    known = tuple(value for value in values if value is not None and math.isfinite(value))
    return known if len(known) == len(values) else None


def simple_angle(text: str) -> float | None:
    """The value of a product of numbers and pi, computed left to right as the expression would be, or None.

    A quotient of whole numbers is left to the expression rules, which differ between the dialects.
    """
    try:
        return float(text)
    except ValueError:
        found = _PRODUCT.fullmatch(text)
    if found is None:
        return None
    sign, first, rest = found.groups()
    value, whole = _factor(first)
    if sign == "-":
        value = -value
    for op, factor in _NEXT_FACTOR.findall(rest):
        number, integer = _factor(factor)
        whole = whole and integer
        if op == "*":
            value *= number
        elif whole or number == 0:
            return None
        else:
            value /= number
    return value


def _factor(text: str) -> tuple[float, bool]:
    """A factor's value, and whether it is a whole number as written."""
    return (math.pi, False) if text in ("pi", "π") else (float(text), text.isdecimal())
