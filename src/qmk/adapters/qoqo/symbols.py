"""Between qoqo's arithmetic, which is text, and expressions of QMK's parameters.

A sign in qoqo binds before a power, ``-x^2`` is ``(-x)^2``, and ``pi`` is a symbol like others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from qmk.ir.expression_text import read_expression
from qmk.ir.parameters import Angle, Expression, Parameter
from qmk.sdk.adapter import cannot

_SIGN = re.compile(r"(?:^|[-+*/^(,])\s*-")
_PI = re.compile(r"\bpi\b")
_FUNCTIONS = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}


def from_text(text: str, values: Mapping[str, float], place: str) -> Angle:
    """The number or the expression that ``text`` is, symbols in ``values`` replaced. Raises UNSUPPORTED for what
    QMK's expressions do not have, and where Python would read another number than qoqo."""

    def symbol(name: str, index: int | None) -> Angle:
        if index is not None:
            raise ValueError(f"'{name}[{index}]' is not a symbol")
        return values.get(name, Parameter(name))

    if _PI.search(text):
        raise cannot("qoqo", "a symbol named pi", place, "give it another name, or a value")
    if "^" in text and _SIGN.search(text):
        raise cannot(
            "qoqo", f"'{text[:40]}' has a sign and a power", place, "write the sign as 0 - x, with parentheses"
        )
    try:
        found = read_expression(text.replace("^", "**"), symbol)
    except ValueError as error:
        raise cannot("qoqo", str(error), place, "use + - * / ^ and common functions, or give a value") from None
    if isinstance(found, complex):
        raise cannot("qoqo", f"'{text[:40]}' is not real", place, "give a real number")
    return found


def to_text(value: Angle, place: str) -> Any:
    """The number, or the expression as qoqo reads it. Raises UNSUPPORTED for an element of a vector."""
    return _write(value, place) if isinstance(value, Expression) else float(value)


def _write(value: Any, place: str) -> str:
    if not isinstance(value, Expression):
        return repr(float(value)) if value >= 0 else f"(0-{-float(value)!r})"
    if isinstance(value, Parameter) and value.size is None and value.name != "pi":
        return value.name
    if value.op in ("parameter", "element"):
        raise cannot("qoqo", f"'{value}' is not a name of a symbol", place, "bind it, or take a parameter by itself")
    args = [_write(each, place) for each in value.args]
    match value.op:
        case "-":
            return f"(0-{args[0]})"
        case "+" | "*" | "/":
            return f"({value.op.join(args)})"
        case "**":
            return f"({args[0]}^{args[1]})"
        case function:
            return f"{_FUNCTIONS.get(function, function)}({args[0]})"
