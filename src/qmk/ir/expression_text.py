"""Arithmetic as text, such as ``2*a/pi + sin(b)**2``, to a number or an expression of parameters.

Python's own grammar is read, never run: numbers, names, ``+ - * / **``, functions, and elements such as ``theta[0]``.
"""

from __future__ import annotations

import ast
import cmath
import math
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from qmk.ir.parameters import Expression

MAX_CHARS = 10_000

Number: TypeAlias = "float | Expression | complex"

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
_NAMES = {"sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
          "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan",
          "exp": "exp", "log": "log", "ln": "log", "sqrt": "sqrt"}  # fmt: skip
_PLAIN = {ours: theirs for theirs, ours in _NAMES.items() if hasattr(cmath, theirs)}


def read_expression(text: str, name: Callable[[str, int | None], Number]) -> Number:
    """The value of ``text``. ``name(x, k)`` gives that of a name or of its element k, and raises ValueError where there
    is none. Raises ValueError saying what cannot be read."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"an expression of {len(text)} characters, more than {MAX_CHARS}")
    try:
        return _read(ast.parse(text.strip(), mode="eval").body, name)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"'{text[:40]}' is not an expression") from None
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"'{text[:40]}' has no value: {error}") from None


def _read(node: ast.expr, name: Callable[[str, int | None], Number]) -> Number:
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id="pi"):
            return math.pi
        case ast.Name(id=word):
            return name(word, None)
        case ast.Subscript(value=ast.Name(id=word), slice=ast.Constant(value=index)) if type(index) is int:
            return name(word, index)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_read(inner, name)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _read(inner, name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](_read(left, name), _read(right, name))
            if found is NotImplemented:
                raise TypeError("a complex number beside a parameter")
            return found
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]):
            return _apply(function, _read(argument, name))
        case _:
            raise ValueError(f"'{ast.unparse(node)[:40]}' is not arithmetic")


def _apply(function: str, value: Number) -> Number:
    if function == "cis" and not isinstance(value, Expression):
        return cmath.exp(1j * value)
    ours = _NAMES.get(function)
    if ours is None:
        raise ValueError(f"there is no function '{function}' for it")
    if isinstance(value, Expression):
        return Expression(ours, (value,))
    if isinstance(value, complex) or (ours in ("sqrt", "log") and value < 0):
        return getattr(cmath, _PLAIN[ours])(value)
    return getattr(math, _PLAIN[ours])(value)
