"""Between the expressions of Braket's free parameters, which are sympy's, and ours."""

from __future__ import annotations

# sympy comes with the SDK and is not among our dependencies
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
import functools
import operator
from typing import Any

import sympy
from braket.circuits import FreeParameter, FreeParameterExpression

from qmk.ir.parameters import FUNCTIONS, Expression, Parameter
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot

_TO_SYMPY: dict[str, Any] = {
    "+": sympy.Add,
    "-": operator.neg,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt")},
}
_FROM_SYMPY: dict[Any, str] = {kind: name for name, kind in _TO_SYMPY.items() if name in FUNCTIONS and name != "sqrt"}


def to_expression(found: Any, place: str) -> Expression | float:
    """A sympy expression as ours. Raises UNSUPPORTED for a function that QMK does not have."""
    if found.is_Symbol:
        return Parameter(found.name)
    if found.is_number:
        return float(found)
    args: list[Any] = [to_expression(each, place) for each in found.args]
    if found.is_Add:
        return functools.reduce(operator.add, args)
    if found.is_Mul:
        return functools.reduce(operator.mul, args)
    if found.is_Pow:
        base, exponent = args
        return Expression("/", (1.0, base)) if exponent == -1.0 else base**exponent
    name = _FROM_SYMPY.get(found.func)
    if name is None:
        fix = f"use + - * / ** and {', '.join(FUNCTIONS)}, or give the parameter its value"
        raise cannot("braket", f"'{show(str(found), 40)}' is not an expression that is read", place, fix)
    return Expression(name, tuple(args))


def from_expression(value: Expression | float, place: str) -> Any:
    """Our expression as a free parameter of Braket's. Raises UNSUPPORTED for one value of a vector."""
    if not isinstance(value, Expression):
        return float(value)
    found = _symbol(value, place)
    return FreeParameter(found.name) if found.is_Symbol else FreeParameterExpression(found)


def _symbol(value: Any, place: str) -> Any:
    if not isinstance(value, Expression):
        return value
    if isinstance(value, Parameter) and value.size is None:
        return sympy.Symbol(value.name)
    if value.op not in _TO_SYMPY:
        fix = "use single parameters, or give the vector its values with bind(...)"
        raise cannot("braket", f"'{value}' is one value of a vector of parameters", place, fix)
    return _TO_SYMPY[value.op](*(_symbol(each, place) for each in value.args))
