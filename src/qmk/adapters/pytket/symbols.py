"""Between sympy's expressions and those of QMK's parameters."""

from __future__ import annotations

import math
import operator
from functools import reduce
from typing import Any

import sympy  # pyright: ignore[reportMissingTypeStubs]

from qmk.adapters.pytket.places import Place
from qmk.ir.parameters import FUNCTIONS, Angle, Expression, Parameter
from qmk.sdk.adapter import name_element

_NAMES = {"sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "log"}
_SYMPY = {ours: theirs for theirs, ours in _NAMES.items()} | {"exp": "exp", "sqrt": "sqrt"}

lib: Any = sympy


def radians(half_turns: Any, place: Place) -> Angle:
    """An angle in half turns, a number or an expression of sympy's, in radians."""
    if type(half_turns) is float:
        return math.pi * half_turns
    return from_sympy(half_turns * lib.pi, place)


def from_sympy(expr: Any, place: Place) -> Angle:
    """An expression with the same value. Raises UNSUPPORTED for a function that QMK has not, or a complex number."""
    expr = lib.sympify(expr)
    if not expr.free_symbols:
        try:
            return float(expr)
        except TypeError:
            raise place.refuse(f"the number {expr}", "give a real number") from None
    if isinstance(expr, lib.Symbol):
        if not expr.name.isidentifier():
            raise place.refuse(f"a symbol named '{expr.name}'", "name it with letters, digits and _")
        return Parameter(expr.name)
    if isinstance(expr, (lib.Add, lib.Mul)):
        terms = [from_sympy(each, place) for each in expr.args]
        join: Any = operator.add if isinstance(expr, lib.Add) else operator.mul
        return reduce(join, terms)
    if isinstance(expr, lib.Pow):
        base, exponent = expr.args
        if exponent == -1:
            return 1 / from_sympy(base, place)
        return from_sympy(base, place) ** from_sympy(exponent, place)
    name = "exp" if isinstance(expr, lib.exp) else _NAMES.get(type(expr).__name__)
    if name is None or len(expr.args) != 1:
        known = ", ".join(FUNCTIONS)
        raise place.refuse(f"the function '{type(expr).__name__}' of a symbol", f"use + - * / ** and {known}")
    return Expression(name, (from_sympy(expr.args[0], place),))


def to_sympy(value: Angle) -> Any:
    """An expression as one of sympy's; a number as it is. An element of a vector is a symbol such as w_2."""
    if not isinstance(value, Expression):
        return value
    match value.op:
        case "parameter":
            return lib.Symbol(value.args[0])
        case "element":
            vector, at = value.args
            return lib.Symbol(name_element(vector.name, at))
        case "-":
            return -to_sympy(value.args[0])
        case "+":
            return sum(map(to_sympy, value.args))
        case "*" | "/" | "**" as op:
            left, right = map(to_sympy, value.args)
            return left * right if op == "*" else left / right if op == "/" else left**right
        case name:
            return getattr(lib, _SYMPY[name])(to_sympy(value.args[0]))


def half_turns(radians: Angle) -> Any:
    """An angle in radians as pytket has it."""
    return to_sympy(radians) / (lib.pi if isinstance(radians, Expression) else math.pi)
