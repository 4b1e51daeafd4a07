"""Finds with few calls how the angles of a program depend on its parameters, if the dependence is affine.

Almost every angle is a multiple of one parameter plus a constant. All parameters are then changed at once, twice, each
by steps in a ratio of its own: the ratio of an angle's two changes says which parameter it depends on. The map is
checked at a point of its own; where it fails, every parameter is changed alone, and where that fails too, the
dependence is not affine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Angles = Callable[[Vector], Vector | None]
"""Parameters to angles; None where the program has another structure there."""

TOLERANCE = 1e-9


class Affine:
    """``angles(point) = matrix @ point + constant``."""

    def __init__(self, matrix: Matrix, constant: Vector) -> None:
        self.matrix = matrix
        self.constant = constant
        used = matrix != 0
        single = bool(matrix.shape[1]) and int(used.sum(axis=1).max(initial=0)) <= 1
        which = used.argmax(axis=1)
        self._single = (which, matrix[np.arange(len(matrix)), which]) if single else None

    def at(self, points: Matrix) -> Matrix:
        """Shape (points, parameters) to shape (points, angles)."""
        if self._single is not None:  # a multiple of one parameter each, as in most programs
            which, factor = self._single
            return points[:, which] * factor + self.constant
        return points @ self.matrix.T + self.constant

    def pull(self, slopes: Vector) -> Vector:
        """Derivatives by the angles as derivatives by the parameters: the chain rule."""
        if self._single is not None:
            which, factor = self._single
            return np.bincount(which, slopes * factor, self.matrix.shape[1]).astype(np.float64)
        return slopes @ self.matrix

    @property
    def is_varied(self) -> npt.NDArray[np.bool_]:
        """For each angle, whether it depends on a parameter."""
        return (self.matrix != 0).sum(axis=1) > 0


def affine(angles: Angles, n_parameters: int, near: Vector | None = None) -> Affine | None:
    """The map, or None where there is none. ``near``: a point at which the program is known to make sense."""
    rng = np.random.Generator(np.random.PCG64(7))
    base = rng.uniform(0.2, 1.1, n_parameters) if near is None else near + rng.uniform(-0.01, 0.01, n_parameters)
    first = angles(base)
    if first is None:
        return None
    if not n_parameters:
        return Affine(np.zeros((len(first), 0)), first)
    steps = rng.uniform(0.3, 0.9, n_parameters) * (1.0 if near is None else 0.01)
    check = base + rng.uniform(-1.0, 1.0, n_parameters) * steps
    wanted = angles(check)
    if wanted is None or len(wanted) != len(first):
        return None
    for look in (_by_ratios, _one_by_one):
        matrix = look(angles, base, first, steps)
        if matrix is None:
            continue
        found = Affine(matrix, first - matrix @ base)
        if np.allclose(found.at(check[None])[0], wanted, rtol=0, atol=TOLERANCE):
            return found
    return None


def _by_ratios(angles: Angles, base: Vector, first: Vector, steps: Vector) -> Matrix | None:
    """Finds the map, which is right if every angle depends on at most one parameter."""
    ratios = np.linspace(0.5, 1.0, len(base))
    changes: list[Vector] = []
    for move in (steps, steps * ratios):
        moved = angles(base + move)
        if moved is None or len(moved) != len(first):
            return None
        changes.append(moved - first)
    rows = np.flatnonzero(np.abs(changes[0]) > TOLERANCE)
    change = changes[0][rows]
    places = (changes[1][rows] / change - 0.5) * 2 * max(len(base) - 1, 1)
    which = np.rint(places).astype(np.int64) if len(base) > 1 else np.zeros(len(rows), dtype=np.int64)
    if len(rows) and not 0 <= which.min() <= which.max() < len(base):
        return None
    matrix = np.zeros((len(first), len(base)))
    matrix[rows, which] = change / steps[which]
    return _tidy(matrix)


def _one_by_one(angles: Angles, base: Vector, first: Vector, steps: Vector) -> Matrix | None:
    columns: list[Vector] = []
    for k, step in enumerate(steps):
        point = base.copy()
        point[k] += step
        moved = angles(point)
        if moved is None or len(moved) != len(first):
            return None
        columns.append((moved - first) / step)
    return _tidy(np.array(columns).T)


def _tidy(matrix: Matrix) -> Matrix:
    """Replaces factors that are fractions of small numbers up to rounding by these fractions."""
    near = np.round(matrix * 64) / 64
    return np.where(np.abs(matrix - near) < TOLERANCE, near, matrix)
