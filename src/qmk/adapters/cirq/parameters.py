"""Cirq's exponents and angles, which may be expressions of sympy's, as ours."""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import functools
import math
from typing import Any

import sympy

from qmk.adapters import sympy_angles
from qmk.base.errors import QmkError
from qmk.ir.parameters import Angle
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot

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
    radians = value if half_turns == _RADIANS else value * (sympy.pi * sympy.Rational(half_turns))
    return sympy_angles.read(radians, _refuse)


def _refuse(what: str, fix: str) -> QmkError:
    return cannot("cirq", what, "a parameter", fix)
