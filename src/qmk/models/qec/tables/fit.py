"""How logical errors fall with the distance: a fit, its covariance, and where it may be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qmk.base.errors import QmkError
from qmk.models.noise import resolve
from qmk.models.qec.rates import flip_per_round
from qmk.models.qec.tables.angles import Floats
from qmk.models.qec.tables.rows import Row, Table

LEAST_DISTANCE = 5
"""The smallest distance in a fit; 3 is not on the line yet: Lambda is 8.8 from 3 to 5 and 10.1 from 5 to 7 at p =
1e-3."""
MOST_STEPS = 2
MODEL_ERROR = (0.05, 0.085, 0.12)
"""Relative error by the steps in distance beyond what was measured."""
LEAST_ERRORS = 20
"""A row with fewer counted errors says too little for a fit."""
FITTED = ("surface",)
"""Families whose errors follow the line; Bacon-Shor has a best distance and no threshold (Napp and Preskill, Quantum
Inf. Comput. 13, 490 (2013))."""


@dataclass(frozen=True)
class Point:
    """X and Z errors together, per round."""

    d: int
    p: float
    per_round: float
    relative_sd: float


@dataclass(frozen=True)
class Fit:
    """The fitted line log p_per_round = log_a + (d + 1)/2 (log p - log_threshold) (Fowler, Mariantoni, Martinis,
    Cleland, Phys. Rev. A 86, 032324 (2012), with a free amplitude). ``covariance`` is of (log_a, log_threshold)."""

    log_a: float
    log_threshold: float
    covariance: Floats
    chi2_per_point: float
    points: tuple[Point, ...]

    @property
    def amplitude(self) -> float:
        return math.exp(self.log_a)

    @property
    def threshold(self) -> float:
        return math.exp(self.log_threshold)

    def per_round(self, d: int, p: float) -> tuple[float, float]:
        """X and Z errors together, and the relative standard deviation: the fit's and the model's. Raises UNSUPPORTED
        where the fit does not reach."""
        steps = self.steps(d, p)
        k = (d + 1) / 2
        spread = self.relative_sd(k, steps)
        return math.exp(self.log_a + k * (math.log(p) - self.log_threshold)), spread

    def relative_sd(self, k: float, steps: int) -> float:
        row = np.array([1.0, -k])
        return math.sqrt(float(row @ self.covariance @ row) + MODEL_ERROR[steps] ** 2)

    def ratio(self, base_d: int, d: int, p: float) -> tuple[float, float]:
        """From the errors per round at ``base_d``, measured at this p, to those at ``d``, and its relative standard
        deviation: the amplitude is in both and cancels. Raises UNSUPPORTED where the fit does not reach."""
        steps = reach(d, base_d, p, self.threshold)
        k = (d - base_d) / 2
        spread = math.hypot(k * math.sqrt(float(self.covariance[1, 1])), MODEL_ERROR[steps])
        return math.exp(k * (math.log(p) - self.log_threshold)), spread

    def steps(self, d: int, p: float) -> int:
        """Steps of two in distance beyond what was measured at this p or above it."""
        largest = max((point.d for point in self.points if point.p >= p * (1 - 1e-9)), default=0)
        return reach(d, largest, p, self.threshold)


def reach(d: int, largest: int, p: float, threshold: float) -> int:
    """Steps of two from ``largest`` to ``d``. Raises UNSUPPORTED for an extrapolation that the fit does not carry,
    among them any from a distance that is not on its line."""
    if p >= threshold / 2:
        raise QmkError(
            "UNSUPPORTED",
            f"no extrapolation at p = {p:g}: the fit holds below half the threshold, {threshold / 2:.2g}",
            field="noise",
            help="use a distance that was measured, or less noise",
        )
    if 0 < largest < LEAST_DISTANCE <= d:
        raise QmkError(
            "UNSUPPORTED",
            f"no extrapolation to distance {d} from distance {largest}: errors follow the fit from {LEAST_DISTANCE} on",
            field="code",
            help=f"use a distance that was measured, or measure distance {LEAST_DISTANCE}",
        )
    if d < LEAST_DISTANCE or d > largest + 2 * MOST_STEPS:
        raise QmkError(
            "UNSUPPORTED",
            f"no extrapolation to distance {d}: measured up to {largest}, and the fit goes {MOST_STEPS} steps of two "
            "beyond that",
            field="code",
            help="measure a larger distance, with a method for rare events, and put its rows into the table",
        )
    return max(0, (d - largest) // 2)


def strength(row: Row) -> float | None:
    """The p of a row under the noise ``p=P``: by its hash, not by its name. None for other models."""
    number = row.noise.rpartition("=")[2]
    try:
        p = float(number)
    except ValueError:
        return None
    return p if 0 < p < 0.5 and resolve(f"p={p!r}").hash == row.noise_hash else None


def points(table: Table, family: str, decoder: str) -> tuple[Point, ...]:
    """Of memory rows in both bases, X and Z added up; they are not taken for equal."""
    found: list[Point] = []
    rows = [row for row in table.rows if (row.kind, row.family, row.decoder) == ("memory", family, decoder)]
    for row in rows:
        p = strength(row)
        other = next((r for r in rows if (r.d, r.noise_hash, r.basis) == (row.d, row.noise_hash, "Z")), None)
        if row.basis == "X" and other is not None and p is not None and min(row.errors_any, other.errors_any) > 0:
            both = [flip_per_round(r.any_per_shot, r.rounds) for r in (row, other)]
            sd = math.hypot(*(rate / math.sqrt(r.errors_any) for rate, r in zip(both, (row, other), strict=True)))
            found.append(Point(row.d, p, sum(both), sd / sum(both)))
    return tuple(sorted(found, key=lambda point: (point.p, point.d)))


def fit(measured: Sequence[Point]) -> Fit:
    """Weighted least squares on points of distance 5 and more and below half the threshold that comes out. Raises
    UNSUPPORTED where fewer than three points are left."""
    used = [x for x in measured if x.d >= LEAST_DISTANCE and x.relative_sd <= LEAST_ERRORS**-0.5]
    for _ in range(20):
        if len(used) < 3 or len({point.d for point in used}) < 2:
            raise QmkError(
                "UNSUPPORTED",
                f"{len(used)} points are too few to fit: distance {LEAST_DISTANCE} and more below half the threshold",
                help="measure memory rows at more distances",
            )
        found = _solve(used)
        kept = [point for point in used if point.p < found.threshold / 2]
        if len(kept) == len(used):
            return found
        used = kept
    raise AssertionError("points are only ever dropped")


def _solve(used: Sequence[Point]) -> Fit:
    k = np.array([(point.d + 1) / 2 for point in used])
    y = np.array([math.log(point.per_round) for point in used]) - k * np.log([point.p for point in used])
    design = np.stack([np.ones_like(k), -k], axis=1)
    weight = np.array([1 / (point.relative_sd**2 + MODEL_ERROR[0] ** 2) for point in used])
    covariance = np.linalg.inv(design.T @ (design * weight[:, None]))
    solved = covariance @ design.T @ (weight * y)
    chi2 = float(np.sum(weight * (y - design @ solved) ** 2)) / len(used)
    return Fit(float(solved[0]), float(solved[1]), covariance * max(1.0, chi2), chi2, tuple(used))
