"""How far the state of atoms winds in an evolution: what a run of it takes grows with that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

from qmk.qvm.families.dynamics import Envelope, Factor, Model, subsystems

MANY = 256
"""Beyond so many atoms a tree finds neighbours, in place of all distances."""


def winding(args: Mapping[str, Any]) -> float:
    """Radians that the state winds at most, as far as it is not kept from it by the blockade: duration times the
    largest amplitude, detuning, and interaction of an atom with its two nearest partners. Of subsystems: duration times
    bounds on all terms and rates."""
    if "levels" in args:
        return _of_subsystems(args)
    strengths = sum(_strength(drive) for drive in args["drives"])
    return float(args["duration"]) * (_largest_interaction(args["positions"], float(args["c6"])) + strengths)


def _largest_interaction(positions: Sequence[Sequence[float]], c6: float) -> float:
    """The interaction of an atom with its two nearest partners, in rad/us, for the atom with the most."""
    points = np.asarray(positions, dtype=np.float64)
    if len(points) < 2:
        return 0.0
    nearest = _nearest_two(points)
    return float((abs(c6) / nearest**6).sum(axis=1).max())


def _nearest_two(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The distances of each point from the two nearest others, inf where there is one other: shape (points, 2)."""
    if len(points) > MANY:
        import scipy.spatial  # pyright: ignore[reportMissingTypeStubs]

        spatial: Any = scipy.spatial
        return np.asarray(spatial.KDTree(points).query(points, k=3)[0])[:, 1:]
    apart = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    return np.sort(apart, axis=1)[:, :2]


def _strength(drive: Mapping[str, Any]) -> float:
    largest = max((abs(w) for w in cast("Sequence[float]", drive.get("pattern", (1.0,)))), default=0.0)
    fields = (drive[name]["values"] for name in ("amplitude", "detuning") if name in drive)
    return largest * sum(max(abs(v) for v in values) for values in fields)


def _of_subsystems(args: Mapping[str, Any]) -> float:
    model = msgspec.convert(args, Model)
    rows = [
        (abs(complex(*row)) if isinstance(row := t.factor, tuple) else abs(row), t.of, t.time)
        for t in model.hamiltonian
    ]
    rows += [(row.rate, 2 * part.of, row.time) for row in model.collapse for part in row.operator]
    found = sum(factor * _bound(of, model.levels) * _largest(time) for factor, of, time in rows)
    return (model.times[-1] - model.times[0]) * found


def _bound(of: Sequence[Factor], levels: Sequence[int]) -> float:
    """A bound on the norm of a product of factors, within small numbers."""
    found = 1.0
    for part in of:
        if part.entries:
            found *= max(math.hypot(re, im) for _, _, re, im in part.entries) * 2
        else:
            found *= (levels[subsystems(part.on)[0]] - 1.0) ** {
                "n": 1.0,
                "a": 0.5,
                "adag": 0.5,
                "x": 0.5,
                "p": 0.5,
            }.get(part.op, 0.0)
    return found


def _largest(time: Envelope | None) -> float:
    return max((abs(v) for v in time.values), default=1.0) if time is not None else 1.0
