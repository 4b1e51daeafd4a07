"""How far the state of atoms winds in an evolution: what a run of it takes grows with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

ROWS = 256
"""Atoms whose distances from all others are in memory at once."""


def winding(args: Mapping[str, Any]) -> float:
    """Radians that the state winds at most, as far as it is not kept from it by the blockade: duration times the
    largest amplitude, detuning, and interaction of an atom with its two nearest partners."""
    strengths = sum(_strength(drive) for drive in args["drives"])
    return float(args["duration"]) * (_largest_interaction(args["positions"], float(args["c6"])) + strengths)


def _largest_interaction(positions: Sequence[Sequence[float]], c6: float) -> float:
    """The interaction of an atom with its two nearest partners, in rad/us, for the atom with the most."""
    points = np.asarray(positions, dtype=np.float64)
    if len(points) < 2:
        return 0.0
    largest = 0.0
    for first in range(0, len(points), ROWS):
        rows = points[first : first + ROWS]
        squares = np.zeros((len(rows), len(points)))
        for axis in range(points.shape[1]):
            squares += (rows[:, axis, None] - points[None, :, axis]) ** 2
        squares[np.arange(len(rows)), first + np.arange(len(rows))] = np.inf
        nearest = np.partition(squares, 1, axis=1)[:, :2]
        largest = max(largest, float((abs(c6) / nearest**3).sum(axis=1).max()))
    return largest


def _strength(drive: Mapping[str, Any]) -> float:
    largest = max((abs(w) for w in cast("Sequence[float]", drive.get("pattern", (1.0,)))), default=0.0)
    fields = (drive[name]["values"] for name in ("amplitude", "detuning") if name in drive)
    return largest * sum(max(abs(v) for v in values) for values in fields)
