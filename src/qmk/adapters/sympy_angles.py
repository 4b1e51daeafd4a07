"""Between sympy's expressions, in which several frameworks have their parameters, and ours."""

from __future__ import annotations

# sympy comes with those frameworks, and has no types
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any, cast

import sympy

from qmk.base.errors import QmkError
from qmk.ir.parameters import FUNCTIONS, Angle, Expression, Parameter
from qmk.models.arguments import show
from qmk.sdk.adapter import name_element

Refuse = Callable[[str, str], QmkError]
"""Makes the refusal of what cannot be read, with the way out."""

_READ: dict[Any, str] = {
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "arcsin",
    sympy.acos: "arccos",
    sympy.atan: "arctan",
    sympy.exp: "exp",
    sympy.log: "log",
}
_WRITTEN: dict[str, Any] = {
    **{name: function for function, name in _READ.items()},
    "sqrt": sympy.sqrt,
    "-": operator.neg,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
assert _WRITTEN.keys() >= FUNCTIONS.keys()


def read(value: Any, refuse: Refuse) -> Angle:
    """An expression of sympy's as a number or an expression of parameters with the same value. Raises ``refuse`` for a
    complex or infinite number, a function that QMK does not have, and a symbol whose name is not an identifier."""
    args = value.args
    if isinstance(value, sympy.Symbol):
        name = str(value.name)
        if not name.isidentifier():
            raise refuse(f"symbol {show(name)} is not a name", "name it with letters, digits and _")
        return Parameter(name)
    if value.is_number:
        found = complex(value)
        if found.imag or not math.isfinite(found.real):
            raise refuse(f"'{value}' is not a finite real number", "give real angles")
        return found.real
    if isinstance(value, (sympy.Add, sympy.Mul)):
        return _join(isinstance(value, sympy.Add), [read(each, refuse) for each in args])
    if isinstance(value, sympy.Pow):
        base, exponent = read(args[0], refuse), read(args[1], refuse)
        if exponent == 0.5:
            return cast("Expression", base).sqrt()
        return 1 / base if exponent == -1.0 else base**exponent
    name = _READ.get(value.func)
    if name is None or len(args) != 1:
        fix = "write it with + - * / ** and sin, cos, tan, asin, acos, atan, exp, log, sqrt, or give its value"
        raise refuse(f"function '{value.func}' of '{show(str(value), 60)}'", fix)
    return getattr(read(args[0], refuse), name)()


def _join(adds: bool, parts: list[Angle]) -> Angle:
    """The sum or the product, with what is known as one number."""
    known = [part for part in parts if not isinstance(part, Expression)]
    rest = [part for part in parts if isinstance(part, Expression)]
    if adds:
        total = reduce(operator.add, rest)
        return total + sum(known) if known else total
    factor, product = math.prod(known), reduce(operator.mul, rest)
    return -product if factor == -1.0 else product if factor == 1.0 else factor * product


def write(value: Any) -> Any:
    """An angle of ours as a number or an expression of sympy's. An element of a vector is a symbol such as theta_0."""
    if not isinstance(value, Expression):
        return value
    if isinstance(value, Parameter):
        return sympy.Symbol(value.name)
    if value.op == "element":
        vector, at = value.args
        return sympy.Symbol(name_element(vector.name, at))
    args = [write(each) for each in value.args]
    return reduce(operator.add, args) if value.op == "+" else _WRITTEN[value.op](*args)
