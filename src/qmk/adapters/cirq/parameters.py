"""Between sympy's expressions, in which Cirq's parameters stand, and ours."""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import functools
import math
from functools import reduce
from typing import Any, cast

import sympy

from qmk.ir.parameters import FUNCTIONS, Angle, Expression, Parameter
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot, name_element

_FUNCTIONS: dict[Any, str] = {
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "arcsin",
    sympy.acos: "arccos",
    sympy.atan: "arctan",
    sympy.exp: "exp",
    sympy.log: "log",
}
_BACK: dict[str, Any] = {name: function for function, name in _FUNCTIONS.items()} | {"sqrt": sympy.sqrt}
assert _BACK.keys() == FUNCTIONS.keys()

_RADIANS = 1 / math.pi

Number = Any
"""An exponent or angle of Cirq's: any real number, or an expression of sympy."""


def angle(value: Number, half_turns: float = 1 / math.pi) -> Angle:
    """``value`` times ``half_turns`` times pi. Raises UNSUPPORTED for what is not a finite real number, or has a
    function that has no place in our expressions."""
    if isinstance(value, sympy.Basic):
        return _expression(value, half_turns)
    try:
        found = float(value) if half_turns == _RADIANS else float(value) * (half_turns * math.pi)
    except (TypeError, ValueError):
        found = math.nan
    if found - found != 0.0:
        fix = "give finite real exponents and angles"
        raise cannot("cirq", f"{show(value)} is not a finite real number", "a gate", fix)
    return found


@functools.lru_cache(maxsize=4096)
def _expression(value: Any, half_turns: float) -> Angle:
    return _read(value if half_turns == _RADIANS else value * (sympy.pi * sympy.Rational(half_turns)))


def _read(value: sympy.Basic) -> Angle:
    args = value.args
    if isinstance(value, sympy.Symbol):
        return Parameter(symbol_name(value))
    if value.is_number:
        return _number(value)
    if isinstance(value, (sympy.Add, sympy.Mul)):
        parts = [_read(each) for each in args]
        known = [part for part in parts if not isinstance(part, Expression)]
        rest = [part for part in parts if isinstance(part, Expression)]
        if isinstance(value, sympy.Add):
            total = reduce(lambda a, b: a + b, rest)
            return total + sum(known) if known else total
        factor, product = math.prod(known), reduce(lambda a, b: a * b, rest)
        return -product if factor == -1.0 else product if factor == 1.0 else factor * product
    if isinstance(value, sympy.Pow):
        base, exponent = _read(args[0]), _read(args[1])
        return cast("Expression", base).sqrt() if exponent == 0.5 else base**exponent
    name = _FUNCTIONS.get(value.func)
    if name is None or len(args) != 1:
        fix = "write it with + - * / ** and sin, cos, tan, asin, acos, atan, exp, log, sqrt, or give its value"
        raise cannot("cirq", f"function '{value.func}' of '{show(str(value), 60)}'", "a parameter", fix)
    return getattr(_read(args[0]), name)()


def _number(value: Any) -> float:
    found = complex(value)
    if found.imag or not math.isfinite(found.real):
        raise cannot("cirq", f"'{value}' is not a finite real number", "a parameter", "give real angles")
    return found.real


def symbol_name(symbol: sympy.Symbol) -> str:
    """The name of a parameter. Raises UNSUPPORTED for one that is not an identifier."""
    name = str(symbol)
    if not name.isidentifier():
        fix = f"rename it: cirq.resolve_parameters(circuit, {{{name!r}: sympy.Symbol('theta')}}, recursive=False)"
        raise cannot("cirq", f"symbol {show(name)} is not a name of letters, digits and _", "a parameter", fix)
    return name


def write(value: Any) -> Any:
    """An angle of ours as a number or an expression of sympy. An element of a vector is a symbol such as theta_0."""
    if not isinstance(value, Expression):
        return value
    if isinstance(value, Parameter):
        return sympy.Symbol(value.name)
    if value.op == "element":
        vector, at = value.args
        return sympy.Symbol(name_element(vector.name, at))
    args = [write(each) for each in value.args]
    if value.op in _BACK:
        return _BACK[value.op](*args)
    match value.op:
        case "-":
            return -args[0]
        case "+":
            return reduce(lambda a, b: a + b, args)
        case "*":
            return args[0] * args[1]
        case "/":
            return args[0] / args[1]
        case _:
            return args[0] ** args[1]
