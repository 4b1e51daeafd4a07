"""Between the expressions of Braket's free parameters, which are sympy's, and ours."""

from __future__ import annotations

# the SDK has no types
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from typing import Any

from braket.circuits import FreeParameter, FreeParameterExpression

from qmk.adapters import sympy_angles
from qmk.ir.parameters import Angle, Expression
from qmk.sdk.adapter import cannot


def to_expression(found: Any, place: str) -> Angle:
    """A sympy expression as ours. Raises UNSUPPORTED for a function that QMK does not have."""
    return sympy_angles.read(found, lambda what, fix: cannot("braket", what, place, fix))


def from_expression(value: Angle, place: str) -> Any:
    """Our expression as a free parameter of Braket's. Raises UNSUPPORTED for one value of a vector."""
    if not isinstance(value, Expression):
        return float(value)
    if any(size is not None for size in value.parameters().values()):
        fix = "use single parameters, or give the vector its values with bind(...)"
        raise cannot("braket", f"'{value}' has one value of a vector of parameters", place, fix)
    found = sympy_angles.write(value)
    return FreeParameter(found.name) if found.is_Symbol else FreeParameterExpression(found)
