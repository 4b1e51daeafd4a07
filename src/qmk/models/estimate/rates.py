"""Logical error rates from simulated circuits instead of a rule of thumb, with what is not known about them.

The surface-code fit is of 12 points (d = 5 to 11 at p = 1e-3, 3e-3, 5e-3) of memory experiments of stim's generated
circuits: noise of probability p at every gate, reset and measurement and on data before each round, 3d rounds, X and Z
errors together, decoded by uncorrelated matching. d = 3 is left out: it lies off the asymptote. A table of other fits
replaces it through ``RateFit``; no number of it is written elsewhere.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from qmk.models.estimate.patch import Patch
from qmk.models.estimate.scheme import FormulaCode, power
from qmk.models.estimate.wrong import unsolvable, wrong

SIGMAS = 2.0
"""half width of an interval, in standard deviations"""


class RateFit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """p_L per round = ``prefactor_per_round`` (p/``threshold``)^((d+1)/2). ``scatter``: rms of log p_L about the fit;
    ``model``: doubt about the form itself, once within ``distances`` and once more for each step of 2 beyond;
    ``covariance``: variances of log prefactor and log threshold, and their covariance."""

    code: str
    noise: str
    decoder: str
    prefactor_per_round: float
    threshold: float
    scatter: float
    model: float
    covariance: tuple[float, float, float]
    distances: tuple[int, int]
    source: str

    def rate_per_round(self, p: float, distance: int) -> float:
        return self.prefactor_per_round * power(p / self.threshold, (distance + 1) // 2)

    def log_sigma(self, distance: int) -> float:
        """Standard deviation of log p_L at this distance."""
        slope = (distance + 1) / 2
        variance, variance_threshold, mixed = self.covariance
        steps = max(0, distance - self.distances[1]) / 2 + max(0, self.distances[0] - distance) / 2
        fitted = variance + slope * slope * variance_threshold - 2 * slope * mixed
        return math.sqrt(fitted + self.scatter**2 + (self.model * (1 + steps)) ** 2)

    def interval_per_round(self, p: float, distance: int) -> tuple[float, float]:
        """Two standard deviations to each side."""
        factor = math.exp(SIGMAS * self.log_sigma(distance))
        rate = self.rate_per_round(p, distance)
        return rate / factor, rate * factor


def covariance(slopes: list[float], scatter: float) -> tuple[float, float, float]:
    """Of a least-squares line log p_L = log A - slope log p* + ..., all points with the same ``scatter``."""
    n, total, squares = len(slopes), sum(slopes), sum(x * x for x in slopes)
    spread = n * squares - total * total
    return (scatter**2 * squares / spread, scatter**2 * n / spread, scatter**2 * total / spread)


SURFACE = RateFit(
    "surface",
    "stim-generated, circuit=P",
    "matching",
    0.0435,
    0.0092,
    0.05,
    0.12,
    covariance([3.0, 4.0, 5.0, 6.0] * 3, 0.05),
    (5, 11),
    "memory experiments of QMK: stim 1.16, PyMatching 2.4, 3d rounds, 12 points",
)


class TableCode:
    """A code given by its patches, whatever their rates do with the distance. ``factory_patches`` may be of another
    code, which then also bounds the distances of factories."""

    def __init__(
        self,
        resolved: dict[str, Any],
        patches: list[Patch],
        factory_patches: tuple[Patch | None, ...],
        warnings: tuple[str, ...],
        own_factories: bool = False,
    ) -> None:
        self.resolved, self.patches, self.warnings = resolved, patches, warnings
        self.factory_patches = factory_patches
        self._own = own_factories

    def smallest(self, rate_per_cycle: float) -> Patch:
        """The first patch that errs at most so often. Raises when there is none, and names the best there is."""
        for patch in self.patches:
            if patch.rate_per_cycle <= rate_per_cycle:
                return patch
        best = min(self.patches, key=lambda each: each.rate_per_cycle)
        said = (
            f"{self.resolved['name']} needs {rate_per_cycle:.3g} errors per logical qubit and cycle; its best is "
            f"{best.rate_per_cycle:.3g} at distance {best.distance}"
        )
        help = "raise the error budget, or take better qubits or another code"
        raise unsolvable("CodeParameterComputationFailed", said, help, distance=best.distance)

    def downwards(self, patch: Patch) -> list[Patch]:
        return [each for each in reversed(self.patches) if each.distance >= patch.distance]

    def factory_distance(self, patch: Patch) -> int:
        """Of factories on another code: the smallest distance that errs as rarely as this patch."""
        if self._own:
            return patch.distance
        good = (each for each in self.factory_patches if each and each.rate_per_cycle <= patch.rate_per_cycle)
        return next((each.distance for each in good), 2 * len(self.factory_patches) - 1)


def calibrated(code: FormulaCode, fit: RateFit = SURFACE, sigmas: float = 0.0) -> TableCode:
    """The same patches with the rates of ``fit``, ``sigmas`` standard deviations off. Raises INVALID_PARAMS where the
    physical rate is not below half the threshold: nearer to it the fitted form does not hold."""
    p = code.qubit.physical_rate
    if not code.is_surface or code.qubit.instruction_set != "GateBased":
        raise wrong("qecScheme", "there is a fit of the surface code on gates only", "take surface_code on such qubits")
    if p > 0.55 * fit.threshold:
        said = f"the fit holds up to p = {0.55 * fit.threshold:.2g}, not at {p:g}"
        raise wrong("qubitParams", said, "take better qubits", "CodeParameterComputationFailed")
    patches = [
        each._replace(
            rate_per_cycle=each.distance
            * fit.rate_per_round(p, each.distance)
            * math.exp(sigmas * fit.log_sigma(each.distance))
        )
        for each in code.patches
        if each is not None
    ]
    resolved = {
        "name": "calibrated surface_code",
        "fit": msgspec.to_builtins(fit),
        "maxCodeDistance": code.max_distance,
    }
    return TableCode(resolved, patches, tuple(patches), (), own_factories=True)
