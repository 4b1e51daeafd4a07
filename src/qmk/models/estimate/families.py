"""Codes of our own as machines: surface, honeycomb, Bacon-Shor, SHYPS and bicycle, from measured error rates.

Rates of surface and Bacon-Shor codes are those of the rows in ``models.qec.tables``, those of the others stand here.
They are interpolated (both axes logarithmic) between the physical rates that were simulated; below them they fall by
the power of the fewest faults that can fail, ceil(d/2), which is the slowest they can fall; above them nothing is known
and the estimate is refused. Where failures were counted, their spread gives an interval. Rates of one basis are
doubled. A block of k logical qubits is charged rate/k for each.
A logical cycle is d rounds for every code, and T factories are on the surface code: what Clifford gates inside a block
cost is not modelled, so these are estimates of memory with surface-code factories, and say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from qmk.models.estimate.patch import Patch
from qmk.models.estimate.qubits import Qubit
from qmk.models.estimate.rates import TableCode, calibrate_code
from qmk.models.estimate.scheme import FormulaCode
from qmk.models.estimate.wrong import hint_at, refuse_unknown, show, wrong

PREFIX = "qmk/"


class Row(NamedTuple):
    """``rate``: failures of the block in both bases, at the physical rate ``p``; ``spread``: relative standard
    deviation by the number of failures counted, None where it is not known."""

    p: float
    rate: float
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One code. The rates of ``rows`` are per ``rounds`` rounds."""

    label: str
    distance: int
    qubits: int
    logical_qubits: int
    rows: tuple[Row, ...]
    rounds: int = 1

    @property
    def is_counted(self) -> bool:
        return all(row.spread is not None for row in self.rows)

    def rate_per_cycle(self, p: float, sigmas: float = 0.0) -> float:
        """Of one of its logical qubits, in d rounds, with rows so many standard deviations off."""
        rows = [(row.p, row.rate * math.exp(sigmas * (row.spread or 0.0))) for row in self.rows]
        return min(0.5, self._rate(p, rows) * self.distance / self.rounds / self.logical_qubits)

    def _rate(self, p: float, rows: list[tuple[float, float]]) -> float:
        low, rate = rows[0]
        if p <= low:
            return rate * (p / low) ** ((self.distance + 1) // 2)
        for (a, rate_a), (b, rate_b) in pairwise(rows):
            if p <= b:
                return rate_a * (rate_b / rate_a) ** (math.log(p / a) / math.log(b / a))
        raise wrong("qubitParams", f"{self.label} was simulated up to p = {rows[-1][0]:g}", "take better qubits")


@dataclass(frozen=True, slots=True)
class Family:
    """``load`` gives its members, by distance. ``layers`` of a round: those whose longest operation is a two-qubit
    gate, and those that measure, be it beside gates; a honeycomb only measures."""

    name: str
    load: Callable[[], tuple[Member, ...]]
    layers: tuple[int, int]
    instruction_set: str
    source: str
    note: str = ""

    @property
    def members(self) -> tuple[Member, ...]:
        return self.load()


def _double(*rows: tuple[float, float]) -> tuple[Row, ...]:
    """Rates of one basis, for both."""
    return tuple(Row(p, 2 * rate) for p, rate in rows)


def _rows_from_counts(*rows: tuple[float, int, int, int]) -> tuple[Row, ...]:
    """Physical rate, failures in either basis, and shots of each."""
    return tuple(Row(p, (x + z) / shots, (x + z) ** -0.5) for p, x, z, shots in rows)


@lru_cache(maxsize=1)
def _bacon_shor() -> tuple[Member, ...]:
    """Those that the table has rows of."""
    from qmk.models.qec import tables  # and with it numpy and stim

    points = tables.points(tables.default(), "bacon_shor", "matching")
    found: list[Member] = []
    for d in sorted({point.d for point in points}):
        own = tuple(Row(point.p, point.per_round, point.relative_sd) for point in points if point.d == d)
        found.append(Member(f"bacon_shor(d={d})", d, d * d + 2 * d * (d - 1), 1, own))
    return tuple(found)


def _honeycomb(d: int, *rates: float) -> Member:
    return Member(f"honeycomb, {6 * d * d} qubits", d, 6 * d * d, 1, _double(*zip((2.5e-3, 5e-3), rates, strict=True)))


_ONE_BASIS = "memory of one basis doubled, noise of stim's generator (circuit=P), simulated with stim"
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            "bacon_shor",
            _bacon_shor,
            (3, 2),
            "GateBased",
            "memory rows of the table of logical errors, X and Z, noise p=P of stim's generator, matching on chains",
            "Bacon-Shor codes have no threshold: beyond some distance a larger code is worse",
        ),
        Family(
            "shyps",
            lambda: (
                Member(
                    "[[49,9,4]]",
                    4,
                    147,
                    9,
                    _double((1e-3, 2.0e-3), (2e-3, 8.8e-3), (3e-3, 2.1e-2), (4e-3, 4.1e-2)),
                ),
                Member("[[225,16,8]]", 8, 675, 16, _double((2e-3, 4.9e-3), (3e-3, 2.9e-2), (4e-3, 1.0e-1))),
            ),
            (5, 2),
            "GateBased",
            f"{_ONE_BASIS}, BP-LSD with all cyclic checks",
        ),
        Family(
            "bicycle",
            lambda: (
                Member(
                    "[[144,12,12]]",
                    12,
                    288,
                    12,
                    _rows_from_counts(
                        *((1e-3, 13, 16, 10**7), (2e-3, 151, 146, 10**6)),
                        *((3e-3, 282, 316, 10**5), (4e-3, 244, 265, 10**4)),
                    ),
                    rounds=12,
                ),
            ),
            (6, 2),
            "GateBased",
            "published failures of 12 cycles, BP-OSD CS10, X and Z (data of arXiv:2506.01779)",
        ),
        Family(
            "honeycomb",
            lambda: (_honeycomb(2, 8.1e-3, 1.9e-2), _honeycomb(4, 2.2e-4, 3.3e-3), _honeycomb(6, 1.7e-5, 1.2e-3)),
            (0, 3),
            "Majorana",
            f"{_ONE_BASIS}, native two-qubit measurements on a torus, the worse of its two logical qubits; one is used",
        ),
    )
}
NAMES = tuple(f"{PREFIX}{name}" for name in ("surface", *FAMILIES))


def parse(given: Mapping[str, Any], qubit: Qubit, field: str = "qecScheme", sigmas: float = 0.0) -> TableCode:
    """The code that ``{"name": "qmk/bicycle"}`` and its like name, with rates so many standard deviations off."""
    refuse_unknown(given, ("name",), field)
    name = given["name"].removeprefix(PREFIX)
    surface = FormulaCode({"name": "surface_code"}, qubit)
    if name == "surface":
        return calibrate_code(surface, None, sigmas, given["name"])
    family = FAMILIES.get(name)
    if family is None:
        raise wrong(f"{field}/name", f"no code is named {show(given['name'])}", hint_at(given["name"], NAMES, "names"))
    if family.instruction_set != qubit.instruction_set:
        said = f"{name} is for {family.instruction_set} qubits, not {qubit.instruction_set}"
        raise wrong(f"{field}/name", said, "take other qubits or another code", "InvalidFaultToleranceProtocol")
    p = qubit.physical_rate
    members = [each for each in family.members if p <= each.rows[-1].p]
    if not members:
        most = max(each.rows[-1].p for each in family.members)
        raise wrong("qubitParams", f"{name} was simulated up to p = {most:g}, not at {p:g}", "take better qubits")
    fits = qubit.instruction_set == "GateBased"
    fitted = calibrate_code(surface, None, sigmas).factory_patches if fits else surface.patches
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
            each.rate_per_cycle(p, sigmas),
            each.label,
        )
        for each in members
    ]
    resolved = {"name": given["name"], "members": [each.label for each in members], "source": family.source}

    def off(by: float) -> TableCode:
        return parse(given, qubit, field, by)

    is_counted = all(each.is_counted for each in members)
    warnings = _warnings(family, p, members, patches)
    return TableCode(resolved, patches, fitted, warnings, family.source, off if is_counted else None)


def _warnings(family: Family, p: float, members: list[Member], patches: list[Patch]) -> tuple[str, ...]:
    found = [f"{family.name}: an estimate of memory; T factories are on the surface code"]
    below = [f"{each.label} below p = {each.rows[0].p:g}" for each in members if p < each.rows[0].p]
    if below:
        found.append(f"extrapolated by the fewest faults that can fail: {', '.join(below)}")
    best = min(patches, key=lambda each: each.rate_per_cycle)
    if best is not patches[-1]:
        note = family.note or "a larger code is worse at this rate"
        found.append(f"{note}; at p = {p:g} the best distance is {best.distance}")
    return tuple(found)
