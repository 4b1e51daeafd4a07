"""Logical error rates from simulated circuits instead of a rule of thumb, with what is not known about them.

The surface-code fit is of the memory rows in ``models.qec.tables``: circuits of stim's generator with noise of
probability p at every gate, reset and measurement and on data before each round, 3d rounds, X and Z errors together,
decoded by uncorrelated matching. d = 3 is left out: it lies off the asymptote. No number of it is written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from qmk.models.estimate.patch import Patch
from qmk.models.estimate.scheme import FormulaCode, power
from qmk.models.estimate.wrong import unsolvable, wrong

SIGMAS = 2.0
"""The half width of an interval, in standard deviations."""


class RateFit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fitted error rate of a patch: p_L per round = ``prefactor_per_round`` (p/``threshold``)^((d+1)/2).
    ``scatter``: rms of log p_L about the fit; ``model``: doubt about the form itself, once within ``distances`` and
    once more for each step of 2 beyond; ``covariance``: variances of log prefactor and log threshold, and their
    covariance."""

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


FORM_DOUBT = 0.12
"""Relative doubt about the fitted form: p_L at 1e-3 and d = 7 to 11 is off it by this much."""
_BEYOND_POINTS = 0.55
"""The largest physical rate, as a part of the threshold: the fit is of points below half of it, and rows at 5e-3 still
lie within its interval."""


@lru_cache(maxsize=1)
def surface() -> RateFit:
    """The fit to the rows of the default table. Raises UNSUPPORTED where they are too few."""
    from qmk.models.qec import tables  # and with it numpy and stim

    rows = tables.default()
    found = tables.fit(tables.points(rows, "surface", "matching"))
    used = found.points
    misses = [math.log(each.per_round / found.per_round(each.d, each.p)[0]) for each in used]
    spread = [[float(x) for x in line] for line in found.covariance.tolist()]
    distances = [each.d for each in used]
    ps = [each.p for each in used]
    reach = f"p = {min(ps):g} to {max(ps):g}, d = {min(distances)} to {max(distances)}"
    return RateFit(
        "surface",
        "p=P, as stim's generator places it",
        "matching",
        found.amplitude,
        found.threshold,
        math.sqrt(sum(x * x for x in misses) / len(misses)),
        FORM_DOUBT,
        (spread[0][0], spread[1][1], spread[0][1]),
        (min(distances), max(distances)),
        f"{len(used)} points, {reach}, of {rows.label}",
    )


class TableCode:
    """A code given by its patches, whatever their rates do with the distance. ``factory_patches`` may be of another
    code, which then also bounds the distances of factories. ``off`` gives the same code with rates so many standard
    deviations off; None where nothing is known of their spread."""

    def __init__(
        self,
        resolved: dict[str, Any],
        patches: list[Patch],
        factory_patches: tuple[Patch | None, ...],
        warnings: tuple[str, ...],
        source: str,
        off: Callable[[float], TableCode] | None,
        own_factories: bool = False,
    ) -> None:
        self.resolved, self.patches, self.warnings = resolved, patches, warnings
        self.factory_patches = factory_patches
        self.source, self.off = source, off
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

    def patches_down_to(self, patch: Patch) -> list[Patch]:
        return [each for each in reversed(self.patches) if each.distance >= patch.distance]

    def factory_distance(self, patch: Patch) -> int:
        """Of factories on another code: the smallest distance that errs as rarely as this patch."""
        if self._own:
            return patch.distance
        good = (each for each in self.factory_patches if each and each.rate_per_cycle <= patch.rate_per_cycle)
        return next((each.distance for each in good), 2 * len(self.factory_patches) - 1)


def calibrate_code(code: FormulaCode, fit: RateFit | None = None, sigmas: float = 0.0, name: str = "") -> TableCode:
    """The same patches from distance 3 on, as a distance of 1 is not a code, with the rates of ``fit``, ``sigmas``
    standard deviations off. Raises INVALID_PARAMS where the physical rate is not well below the threshold: nearer to it
    the fitted form does not hold."""
    p = code.qubit.physical_rate
    if not code.is_surface or code.qubit.instruction_set != "GateBased":
        raise wrong("qecScheme", "there is a fit of the surface code on gates only", "take surface_code on such qubits")
    fit = fit or surface()
    if p > _BEYOND_POINTS * fit.threshold:
        said = f"the fit holds up to p = {_BEYOND_POINTS * fit.threshold:.2g}, not at {p:g}"
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

    def off(by: float) -> TableCode:
        return calibrate_code(code, fit, by, name)

    resolved = {
        "name": name or "calibrated surface_code",
        "fit": msgspec.to_builtins(fit),
        "maxCodeDistance": code.max_distance,
    }
    formula = f"p_L per round = {fit.prefactor_per_round:.3g} (p/{fit.threshold:.3g})^((d+1)/2)"
    source = f"{formula}; {fit.noise}; {fit.decoder}; {fit.source}"
    coded = [each for each in patches if each.distance > 1]
    return TableCode(resolved, coded, tuple(patches), (), source, off, own_factories=True)
