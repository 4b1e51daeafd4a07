"""Between pytket's angles, in half turns with sympy's expressions, and ours."""

from __future__ import annotations

import math
from typing import Any

import sympy  # pyright: ignore[reportMissingTypeStubs]

from qmk.adapters import sympy_angles
from qmk.adapters.pytket.places import Place
from qmk.ir.parameters import Angle, Expression

lib: Any = sympy


def radians(half_turns: Any, place: Place) -> Angle:
    """An angle in half turns, a number or an expression of sympy's, in radians. Raises UNSUPPORTED for what QMK cannot
    say."""
    if type(half_turns) is float:
        return math.pi * half_turns
    return sympy_angles.read(lib.sympify(half_turns * lib.pi), place.refuse)


def half_turns(radians: Angle) -> Any:
    """An angle in radians as pytket has it."""
    return sympy_angles.write(radians) / (lib.pi if isinstance(radians, Expression) else math.pi)
