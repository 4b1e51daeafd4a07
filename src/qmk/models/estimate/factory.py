"""T factories: rounds of distillation units, each round fed by the one before, and the search for the cheapest.

A factory succeeds with 99 %: the units of each of its R rounds are the fewest of which enough succeed but for a chance
0.01/R (arXiv:2211.07629, appendix C). Rounds share their qubits, so a factory is as wide as its widest round. The
search follows Azure's estimator step by step, its shortcuts among them: it looks at non-decreasing odd distances, stops
raising them once a factory is good enough or is dominated, and keeps the front in (qubits per T state, duration).

Everything that does not depend on the error rate asked for is kept: factories by units and distances, and the fronts
that searches found, each with the interval of error rates for which every decision of that search would be the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from qmk.models.estimate.binomial import quantile
from qmk.models.estimate.distances import Check, iterate, search
from qmk.models.estimate.patch import Patch
from qmk.models.estimate.units import TRIVIAL, Unit
from qmk.models.estimate.wrong import unsolvable

FAILURE = 0.01
"""The chance that a factory gives fewer T states than it says."""
MOST_UNITS = 10**15
MOST_ROUNDS = 4
"""The most rounds that are tried if the rounds asked for give no factory."""
_UNFILTERED = 1000
MOST_TRIES = 200_000
"""The most factories that one search looks at; the named units and codes need some ten thousand at most."""
_KEPT_FRONTS = 4096
_KEPT_FACTORIES = 200_000


class Round(NamedTuple):
    unit: str
    distance: int
    units: int
    inputs: int
    qubits: int
    duration_ns: int


class Factory(NamedTuple):
    """``error_rate``: of each T state it gives. ``volume``: qubits x duration per T state."""

    rounds: tuple[Round, ...]
    qubits: int
    duration_ns: int
    outputs: int
    inputs: int
    error_rate: float
    qubits_per_output: float
    volume: float

    @property
    def distance(self) -> int:
        return self.rounds[-1].distance


def _factory(rounds: tuple[Round, ...], outputs: int, inputs: int, error_rate: float) -> Factory:
    qubits = duration = 0
    for each in rounds:
        duration += each[5]
        if each[4] > qubits:
            qubits = each[4]
    return Factory(rounds, qubits, duration, outputs, inputs, error_rate, qubits / outputs, qubits * duration / outputs)


def trivial(patch: Patch, t_rate: float) -> Factory:
    """Where the T states of the qubits are good enough: one logical qubit, one cycle, and the physical T error rate."""
    spec = TRIVIAL.logical
    assert spec is not None
    qubits, duration = spec.qubits * patch.physical_qubits, spec.cycles * patch.cycle_ns
    return _factory((Round(TRIVIAL.name, patch.distance, 1, 1, qubits, duration),), 1, 1, t_rate)


class Station(NamedTuple):
    """A unit on the qubits of one distance: what it costs in a first and in a later round."""

    unit: Unit
    distance: int
    clifford_rate: float
    readout_rate: float
    first: tuple[int, int]
    later: tuple[int, int]


class FactoryDesigns:
    """The factories that one kind of qubit and one code can have. ``patches[i]``: the patch of distance 2i + 1, None
    where the code has none."""

    def __init__(
        self,
        patches: Sequence[Patch | None],
        units: Sequence[Unit],
        t_rate: float,
        t_time_ns: int,
        clifford_rate: float,
        readout_rate: float,
    ) -> None:
        self.patches = patches
        self.t_rate = t_rate
        self._physical = (1, t_time_ns, clifford_rate, readout_rate)
        both = [unit for unit in units if unit.physical and unit.logical]
        logical = [unit for unit in units if unit.logical and not unit.physical]
        bare = [unit for unit in units if unit.physical and not unit.logical and clifford_rate <= 0.1 * t_rate]
        self.units = (*both, *logical, *bare)
        self._n_logical = len(both) + len(logical)
        self._bare_ok = clifford_rate <= 0.1 * t_rate
        self._stations: dict[tuple[int, int, bool], Station] = {}
        self.built: dict[tuple[tuple[int, ...], tuple[int, ...]], Factory | bool] = {}
        self._needed: dict[tuple[float, int, int, int], tuple[int, int]] = {}
        self._fronts: dict[tuple[int, int], list[tuple[float, float, tuple[Factory, ...]]]] = {}
        self._kept = 0
        low = next((i for i, each in enumerate(patches) if each and each.rate_per_cycle <= 0.1 * t_rate), None)
        self._lowest = low

    def front(self, error_rate: float, distance: int, max_rounds: int) -> tuple[Factory, ...]:
        """The factories of distances up to ``distance`` whose T states err at most with ``error_rate``: none other has
        both fewer qubits per T state and a shorter duration. Wide ones first."""
        if error_rate > self.t_rate:
            patch = self.patches[(distance - 1) // 2]
            return (trivial(patch, self.t_rate),) if patch else ()
        key = (distance, max_rounds)
        fronts = self._fronts.setdefault(key, [])
        for low, high, found in fronts:
            if low <= error_rate < high:
                return found
        if self._kept >= _KEPT_FRONTS:
            self._fronts.clear()
            fronts, self._kept = self._fronts.setdefault(key, []), 0
        hunt = _Hunt(self, error_rate, (distance - 1) // 2)
        found = hunt.run(max_rounds)
        fronts.append((hunt.low, hunt.high, found))
        self._kept += 1
        return found

    def combinations(self, rounds: int) -> list[tuple[int, ...]]:
        """Units of each round, by index; units on bare qubits come first or not at all."""
        found = [(index,) for index in range(len(self.units))]
        for _ in range(rounds - 1):
            found = [(*head, index) for head in found for index in range(self._n_logical)]
        return found

    def lowest(self, unit_indexes: tuple[int, ...]) -> list[int] | None:
        """The smallest distance index of each round, None where some unit has none that is good enough."""
        least: list[int] = []
        for position, index in enumerate(unit_indexes):
            unit = self.units[index]
            own: int | None = self._lowest
            if position == 0 and not unit.logical:
                own = 0
            elif position == 0:
                own = 0 if unit.physical and self._bare_ok else None if own is None else max(1, own)
            if own is None:
                return None
            least.append(max(own, least[-1]) if least else own)
        return least

    def highest(self, unit_indexes: tuple[int, ...], top: int) -> list[int]:
        return [top if self.units[index].logical else 0 for index in unit_indexes]

    def build(self, unit_indexes: tuple[int, ...], distance_indexes: tuple[int, ...]) -> Factory | bool:
        """The factory, or whether larger distances could give one."""
        key = (unit_indexes, distance_indexes)
        found = self.built.get(key)
        if found is None:
            if len(self.built) > _KEPT_FACTORIES:
                self.built.clear()
            found = self.built[key] = self._build(unit_indexes, distance_indexes)
        return found

    def _build(self, unit_indexes: tuple[int, ...], distance_indexes: tuple[int, ...]) -> Factory | bool:
        rate = self.t_rate
        stations: list[Station] = []
        rates = [rate]
        for unit, distance in zip(unit_indexes, distance_indexes, strict=True):
            key = (unit, distance, not stations)
            at = self._stations.get(key) or self._station(*key)
            stations.append(at)
            risen = at.unit.output_rate(rate, at.clifford_rate, at.readout_rate)
            if risen > rate:
                return True
            rate = risen
            rates.append(rate)
        length = len(stations)
        need = stations[-1].unit.outputs
        rounds: list[Round] = []
        outputs = 0
        for position in range(length - 1, -1, -1):
            at = stations[position]
            fails = at.unit.failure_rate(rates[position], at.clifford_rate, at.readout_rate)
            if fails <= 0.0:
                return False
            if fails >= 1.0:
                return True
            asked = (fails, length, need, at.unit.outputs)
            count, given = self._needed.get(asked) or self._fewest(asked)
            if not count:
                return True
            if position == length - 1:
                outputs = given
            qubits, duration = at.first if position == 0 else at.later
            need = at.unit.inputs * count
            rounds.append(Round(at.unit.name, at.distance, count, need, count * qubits, duration))
        rounds.reverse()
        return _factory(tuple(rounds), outputs, rounds[0].inputs, rates[-1])

    def _fewest(self, asked: tuple[float, int, int, int]) -> tuple[int, int]:
        """The fewest units that give the states needed, and what they give; no units beyond any reason."""
        fails, length, need, outputs = asked
        if len(self._needed) > _KEPT_FACTORIES:
            self._needed.clear()
        found = self._needed[asked] = _fewest(fails, FAILURE / length, need, outputs)
        return found

    def _station(self, unit_index: int, distance_index: int, first: bool) -> Station:
        found = self._make_station(self.units[unit_index], distance_index, first and distance_index == 0)
        self._stations[unit_index, distance_index, first] = found
        return found

    def _make_station(self, unit: Unit, distance_index: int, bare: bool) -> Station:
        if bare:
            qubits, time, clifford, readout = self._physical
            spec = unit.physical
            assert spec is not None
            cost = (spec.qubits * qubits, spec.cycles * time)
            return Station(unit, 1, clifford, readout, cost, cost)
        patch, spec = self.patches[distance_index], unit.logical
        assert patch is not None
        assert spec is not None
        costs = [
            (each.qubits * patch.physical_qubits, each.cycles * patch.cycle_ns)
            for each in (unit.logical_first or spec, spec)
        ]
        return Station(unit, patch.distance, patch.rate_per_cycle, 0.0, costs[0], costs[1])


def _fewest(fails: float, chance: float, need: int, outputs: int) -> tuple[int, int]:
    count = -(-need // outputs)
    while (given := quantile(count, fails, chance) * outputs) < need:
        count *= 2
        if count >= MOST_UNITS:
            return 0, 0
    low, high = count // 2, count
    while low < high:
        middle = (low + high) // 2
        found = quantile(middle, fails, chance) * outputs
        if found >= need:
            high, given = middle, found
        else:
            low = middle + 1
    return high, given


class _Hunt:
    """One search. ``low <= error_rate < high``: every factory it compared falls on the same side of both ends."""

    def __init__(self, designs: FactoryDesigns, error_rate: float, top: int) -> None:
        self.designs = designs
        self.error_rate = error_rate
        self.top = top
        self.low, self.high = 0.0, math.inf
        self.found: list[Factory] = []
        self.front: list[tuple[float, int]] = []
        """Qubits per T state and duration of each factory found."""
        self._unfiltered = 0
        self._tries = 0

    def run(self, max_rounds: int) -> tuple[Factory, ...]:
        for rounds in range(1, max_rounds + 1):
            self._rounds(rounds)
        rounds = max_rounds
        while not self.found and rounds < MOST_ROUNDS:
            rounds += 1
            self._rounds(rounds)
        self._filter()
        return tuple(sorted(self.found, key=lambda each: (-each.qubits_per_output, -each.duration_ns)))

    def _rounds(self, rounds: int) -> None:
        for unit_indexes in self.designs.combinations(rounds):
            least = self.designs.lowest(unit_indexes)
            if least is None or least[-1] > self.top or least[0] > self.designs.highest(unit_indexes, self.top)[0]:
                continue
            most = self.designs.highest(unit_indexes, self.top)
            check = self._check(unit_indexes)
            start = search(least, most, check)
            if start is not None:
                iterate(least, most, start, check)

    def _check(self, unit_indexes: tuple[int, ...]) -> Check:
        """Whether larger distances can improve on these."""
        built, build, rate = self.designs.built, self.designs.build, self.error_rate
        found, fronts = self.found, self.front

        def check(distance_indexes: list[int]) -> bool:
            self._tries += 1
            if self._tries > MOST_TRIES:
                said = f"the search for T factories looks at more than {MOST_TRIES:,}"
                help = "give fewer distillation units, fewer maxDistillationRounds or a smaller maxCodeDistance"
                raise unsolvable("FactorySearchTooLarge", said, help)
            key = (unit_indexes, tuple(distance_indexes))
            factory = built.get(key)
            if factory is None:
                factory = build(*key)
            if factory is True or factory is False:
                return factory
            wide, long, errs = factory[6], factory[2], factory[5]
            for a, b in fronts:
                if a <= wide and b <= long and (a < wide or b < long):
                    return False
            if errs > rate:
                if errs < self.high:
                    self.high = errs
                return True
            if errs > self.low:
                self.low = errs
            found.append(factory)
            fronts.append((wide, long))
            self._unfiltered += 1
            if self._unfiltered > _UNFILTERED + 1:
                self._filter()
            return False

        return check

    def _filter(self) -> None:
        """Take out what is dominated, in the order that Azure's estimator leaves, which decides between equals."""
        items, at, size = self.found, 0, len(self.found)
        while at < size:
            wide, long = items[at].qubits_per_output, items[at].duration_ns
            if any(
                (o.qubits_per_output < wide and o.duration_ns <= long)
                or (o.qubits_per_output <= wide and o.duration_ns < long)
                for o in items
            ):
                size -= 1
                items[at], items[size] = items[size], items[at]
            else:
                at += 1
        del items[size:]
        self.front[:] = [(each.qubits_per_output, each.duration_ns) for each in items]
        self._unfiltered = 0
