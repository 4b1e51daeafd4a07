"""Gates of another language as several gates of QMK: texts as ``qvm.steps`` reads them, with angles that may be
expressions. The letters a, b, c and so on are the parameters in order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from qmk.ir.parameters import Angle
from qmk.qvm.steps import Angle as Sum
from qmk.qvm.steps import Line, script

LETTERS = "abcdefgh"

Made = tuple[str, tuple[Angle, ...], tuple[int, ...]]
"""A gate's short name, its angles in radians, and its qubits among those of the op."""


def follow(recipe: str, angles: Sequence[Angle]) -> list[Made]:
    """The gates of a recipe at these angles."""
    given = dict(zip(LETTERS, angles, strict=False))
    return [
        (line.op.removeprefix("core."), tuple(_value(angle, given) for _, angle in line.angles), line.operands)
        for line in _lines(recipe)
    ]


@cache
def _lines(recipe: str) -> tuple[Line, ...]:
    return script(recipe).lines


def _value(angle: Sum, given: dict[str, Angle]) -> Angle:
    found: Angle | None = angle.constant or None
    for name, factor in angle.terms:
        term = given[name] if factor == 1 else factor * given[name]
        found = term if found is None else found + term
    return 0.0 if found is None else found
