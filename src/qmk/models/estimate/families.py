"""Codes of our own as machines: surface, honeycomb, Bacon-Shor, SHYPS and bicycle, from measured error rates.

Rates are interpolated (both axes logarithmic) between the physical rates that were simulated; below them they fall by
the power of the fewest faults that can fail, ceil(d/2), which is the slowest they can fall; above them nothing is known
and the estimate is refused. Rates of one basis are doubled. A block of k logical qubits is charged rate/k for each.
A logical cycle is d rounds for every code, and T factories are on the surface code: what Clifford gates inside a block
cost is not modelled, so these are estimates of memory with surface-code factories, and say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qmk.models.estimate.patch import Patch
from qmk.models.estimate.qubits import Qubit
from qmk.models.estimate.rates import TableCode, calibrated
from qmk.models.estimate.scheme import FormulaCode
from qmk.models.estimate.wrong import near, refuse_unknown, shown, wrong

PREFIX = "qmk/"


@dataclass(frozen=True, slots=True)
class Member:
    """One code. ``rows``: physical rate and failures of the block per ``rounds`` rounds, both bases together."""

    label: str
    distance: int
    qubits: int
    logical_qubits: int
    rows: tuple[tuple[float, float], ...]
    rounds: int = 1

    def rate_per_cycle(self, p: float) -> float:
        """Of one of its logical qubits, in d rounds."""
        return min(0.5, self._rate(p) * self.distance / self.rounds / self.logical_qubits)

    def _rate(self, p: float) -> float:
        low, rate = self.rows[0]
        if p <= low:
            return rate * (p / low) ** ((self.distance + 1) // 2)
        for (a, rate_a), (b, rate_b) in zip(self.rows, self.rows[1:], strict=False):
            if p <= b:
                return rate_a * (rate_b / rate_a) ** (math.log(p / a) / math.log(b / a))
        raise wrong("qubitParams", f"{self.label} was simulated up to p = {self.rows[-1][0]:g}", "take better qubits")


@dataclass(frozen=True, slots=True)
class Family:
    """``layers`` of a round: those whose longest operation is a two-qubit gate, and those that measure, be it beside
    gates; a honeycomb only measures."""

    name: str
    members: tuple[Member, ...]
    layers: tuple[int, int]
    instruction_set: str
    source: str
    note: str = ""


def _both(*rows: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Rates of one basis, for both."""
    return tuple((p, 2 * rate) for p, rate in rows)


def _bacon_shor(d: int, *rates: float) -> Member:
    physical = (5e-4, 1e-3, 3e-3, 5e-3)
    return Member(f"bacon_shor(d={d})", d, d * d + 2 * d * (d - 1), 1, _both(*zip(physical, rates, strict=True)))


def _honeycomb(d: int, *rates: float) -> Member:
    return Member(f"honeycomb, {6 * d * d} qubits", d, 6 * d * d, 1, _both(*zip((2.5e-3, 5e-3), rates, strict=True)))


_ONE_BASIS = "memory of one basis doubled, noise of stim's generator (circuit=P), simulated with stim"
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "bacon_shor",
            (
                _bacon_shor(3, 1.09e-4, 4.11e-4, 3.48e-3, 8.56e-3),
                _bacon_shor(5, 1.47e-5, 1.11e-4, 2.52e-3, 1.03e-2),
                _bacon_shor(7, 2.97e-6, 4.46e-5, 3.05e-3, 1.62e-2),
                _bacon_shor(9, 6.4e-7, 2.46e-5, 4.40e-3, 2.64e-2),
            ),
            (3, 2),
            "GateBased",
            f"{_ONE_BASIS}, matching on chains",
            "Bacon-Shor codes have no threshold: beyond some distance a larger code is worse",
        ),
        Family(
            "shyps",
            (
                Member("[[49,9,4]]", 4, 147, 9, _both((1e-3, 2.0e-3), (2e-3, 8.8e-3), (3e-3, 2.1e-2), (4e-3, 4.1e-2))),
                Member("[[225,16,8]]", 8, 675, 16, _both((2e-3, 4.9e-3), (3e-3, 2.9e-2), (4e-3, 1.0e-1))),
            ),
            (5, 2),
            "GateBased",
            f"{_ONE_BASIS}, BP-LSD with all cyclic checks",
        ),
        Family(
            "bicycle",
            (
                Member(
                    "[[144,12,12]]",
                    12,
                    288,
                    12,
                    ((1e-3, 2.9e-6), (2e-3, 2.97e-4), (3e-3, 5.98e-3), (4e-3, 5.09e-2)),
                    rounds=12,
                ),
            ),
            (6, 2),
            "GateBased",
            "published failures of 12 cycles, BP-OSD CS10, X and Z (data of arXiv:2506.01779)",
        ),
        Family(
            "honeycomb",
            (_honeycomb(2, 8.1e-3, 1.9e-2), _honeycomb(4, 2.2e-4, 3.3e-3), _honeycomb(6, 1.7e-5, 1.2e-3)),
            (0, 3),
            "Majorana",
            f"{_ONE_BASIS}, native two-qubit measurements on a torus, the worse of its two logical qubits; one is used",
        ),
    )
}
NAMES = tuple(f"{PREFIX}{name}" for name in ("surface", *FAMILIES))


def parse(given: Mapping[str, Any], qubit: Qubit, field: str = "qecScheme") -> TableCode:
    """The code that ``{"name": "qmk/bicycle"}`` and its like name."""
    refuse_unknown(given, ("name",), field)
    name = given["name"].removeprefix(PREFIX)
    if name == "surface":
        return calibrated(FormulaCode({"name": "surface_code"}, qubit))
    family = FAMILIES.get(name)
    if family is None:
        raise wrong(f"{field}/name", f"no code is named {shown(given['name'])}", near(given["name"], NAMES, "names"))
    if family.instruction_set != qubit.instruction_set:
        said = f"{name} is for {family.instruction_set} qubits, not {qubit.instruction_set}"
        raise wrong(f"{field}/name", said, "take other qubits or another code", "InvalidFaultToleranceProtocol")
    surface = FormulaCode({"name": "surface_code"}, qubit)
    fitted = calibrated(surface).factory_patches if qubit.instruction_set == "GateBased" else surface.patches
    gates, measurements = family.layers
    round_ns = (
        gates * qubit.times_ns.get("twoQubitGateTime", 0) + measurements * qubit.times_ns["oneQubitMeasurementTime"]
    )
    patches = [
        Patch(
            each.distance,
            each.qubits,
            each.logical_qubits,
            round_ns * each.distance,
            each.rate_per_cycle(qubit.physical_rate),
            each.label,
        )
        for each in family.members
    ]
    resolved = {"name": given["name"], "members": [each.label for each in family.members], "source": family.source}
    return TableCode(resolved, patches, fitted, _warnings(family, qubit, patches))


def _warnings(family: Family, qubit: Qubit, patches: list[Patch]) -> tuple[str, ...]:
    found = [f"{family.name}: an estimate of memory; T factories are on the surface code"]
    low = min(each.rows[0][0] for each in family.members)
    if qubit.physical_rate < low:
        found.append(f"rates below p = {low:g} are extrapolated by the fewest faults that can fail")
    best = min(patches, key=lambda each: each.rate_per_cycle)
    if best is not patches[-1]:
        note = family.note or "a larger code is worse at this rate"
        found.append(f"{note}; at p = {qubit.physical_rate:g} the best distance is {best.distance}")
    return tuple(found)
