"""From counts, budget and a machine to patches, cycles and factories.

The rules are those of Azure's estimator (arXiv:2211.07629, appendix E, and the sources of its release 1.33). A distance
fixes how many cycles C_max the logical budget allows; where no factory fits into the cycles that the program needs, the
program is stretched up to C_max, and beyond it with a larger distance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from qmk.models.estimate.budget import Budget
from qmk.models.estimate.constraints import Constraints
from qmk.models.estimate.counts import LogicalCounts
from qmk.models.estimate.factory import Factory, FactoryDesigns
from qmk.models.estimate.patch import Patch
from qmk.models.estimate.wrong import unsolvable, wrong

_STEPS = 10_000
_FOREVER = 1 << 62
_MOST_TRADES = 1_000_000

Trade = tuple[Patch, int, Factory, int]
"""Patch, cycles, factory and how many of it."""


class Code(Protocol):
    """What the solver needs of a code."""

    def smallest(self, rate_per_cycle: float) -> Patch: ...
    def patches_down_to(self, patch: Patch) -> list[Patch]: ...
    def factory_distance(self, patch: Patch) -> int: ...


@dataclass(frozen=True, slots=True)
class Point:
    """One machine that runs the program. ``factory`` None: no T states. ``depth`` counts logical cycles."""

    patch: Patch
    layout_qubits: int
    algorithmic_depth: int
    depth: int
    t_states: int
    t_per_rotation: int | None
    factory: Factory | None
    factories: int
    required_rate_per_cycle: float
    required_t_rate: float | None

    @property
    def patches(self) -> int:
        return -(-self.layout_qubits // self.patch.logical_qubits)

    @property
    def algorithm_qubits(self) -> int:
        return self.patches * self.patch.physical_qubits

    @property
    def factory_qubits(self) -> int:
        return self.factory.qubits * self.factories if self.factory else 0

    @property
    def physical_qubits(self) -> int:
        return self.algorithm_qubits + self.factory_qubits

    @property
    def runtime_ns(self) -> int:
        return self.depth * self.patch.cycle_ns

    @property
    def factory_runs(self) -> int:
        return -(-self.t_states // (self.factories * self.factory.outputs)) if self.factory else 0


class Problem:
    """A program on a machine. ``point`` and ``frontier`` solve it."""

    def __init__(
        self, counts: LogicalCounts, budget: Budget, bounds: Constraints, code: Code, designs: FactoryDesigns
    ) -> None:
        self.budget, self.bounds, self.code, self.designs = budget, bounds, code, designs
        self.layout_qubits = counts.layout_qubits
        self.algorithmic_depth = counts.depth(budget.rotations)
        self.t_states = counts.t_states(budget.rotations)
        self.t_per_rotation = counts.t_per_rotation(budget.rotations)
        factor = bounds.logical_depth_factor
        self.least_depth = self.algorithmic_depth if factor is None else math.ceil(self.algorithmic_depth * factor)
        if self.least_depth == 0 and not self.t_states:
            help = "a program of Clifford gates alone needs no time: measure something"
            raise wrong("logicalCounts", "no T states and no measurements", help, "AlgorithmHasNoResources")
        self.required_t_rate = budget.t_states / self.t_states if self.t_states else None

    def point(self) -> Point:
        """The estimate: the fewest qubits x time, or the best within a bound on one of them."""
        if self.bounds.max_duration_ns is not None:
            return self._within_duration(self.bounds.max_duration_ns)
        if self.bounds.max_physical_qubits is not None:
            return self._within_qubits(self.bounds.max_physical_qubits)
        depth = self.least_depth
        for _ in range(_STEPS):
            required = self._required_rate(depth)
            patch = self.code.smallest(required)
            most = self._most_depth(patch)
            if not self.t_states:
                return self._point(patch, depth, None, 0, required)
            found = self._pick(patch, depth, most)
            if found is not None:
                factory, depth = found
                return self._point(patch, depth, factory, self._copies(patch, factory, depth), required)
            depth = max(most, depth) + 1
        raise unsolvable("NoFactory", "no factory was found", "raise the error budget")

    def frontier(self) -> list[Point]:
        """Every best trade of qubits for time, the fastest first."""
        bounds = self.bounds
        if bounds[1:4] != (None, None, None):
            reason = "ConstraintsProvidedForFrontierEstimation"
            said = "a frontier takes no maxTFactories, maxDuration or maxPhysicalQubits"
            raise wrong("constraints", said, "leave them out, or ask for a single point", reason)
        required = self._required_rate(self.least_depth)
        least = self.code.smallest(required)
        if not self.t_states:
            return [self._point(least, self.least_depth, None, 0, required)]
        points = [
            self._point(patch, depth, factory, copies, required)
            for patch, depth, factory, copies in _drop_dominated(self._trades(least), self._qubits)
        ]
        if not points:
            raise unsolvable("NoFactory", "no factory reaches the error rate of T states", "raise the error budget")
        points.sort(key=lambda each: -each.physical_qubits)
        return sorted(points, key=lambda each: each.runtime_ns)

    def _qubits(self, patch: Patch, factory: Factory, copies: int) -> int:
        return -(-self.layout_qubits // patch.logical_qubits) * patch.physical_qubits + copies * factory.qubits

    def _trades(self, least: Patch) -> Iterator[Trade]:
        trades = 0
        for patch, factory, copies in self._fewest(least):
            while True:
                trades += 1
                if trades > _MOST_TRADES:
                    said = f"the frontier is of more than {_MOST_TRADES:,} machines"
                    raise unsolvable("FrontierTooLarge", said, "ask for single points under maxDuration")
                needed = self._depth_for(patch, factory, copies)
                yield patch, max(needed, self.least_depth), factory, copies
                if needed <= self.least_depth or copies * factory.outputs >= self.t_states:
                    break
                copies += 1

    def _fewest(self, least: Patch, limit_ns: int | None = None) -> Iterator[tuple[Patch, Factory, int]]:
        """Patches from ``least`` on, the factories beside each, and how few of them give all T states within the limit
        and the cycles that the budget allows."""
        for patch, factories in self._descend(least):
            most = self._most_depth(patch)
            if limit_ns is not None:
                most = min(most, limit_ns // patch.cycle_ns)
            if most < self.least_depth:
                continue
            for factory in factories:
                if -(-factory.duration_ns // patch.cycle_ns) <= most:
                    yield patch, factory, self._copies(patch, factory, most)

    def _descend(self, least: Patch) -> Iterator[tuple[Patch, Sequence[Factory]]]:
        """Patches from the largest distance down, each with factories no larger; a search serves every distance down
        to the largest that its factories use."""
        factories: Sequence[Factory] = ()
        largest: int | None = None
        for patch in self.code.patches_down_to(least):
            distance = self.code.factory_distance(patch)
            if largest is None or largest > distance:
                factories = self._factories(distance)
                largest = max((each.distance for each in factories), default=None)
            yield patch, factories

    def _factories(self, distance: int) -> Sequence[Factory]:
        assert self.required_t_rate is not None
        return self.designs.front(self.required_t_rate, distance, self.bounds.max_distillation_rounds)

    def _within_duration(self, limit_ns: int) -> Point:
        required = self._required_rate(self.least_depth)
        least = self.code.smallest(required)
        too_small = unsolvable(
            "MaxDurationTooSmall", "no machine keeps maxDuration", "allow more time or more factories"
        )
        if not self.t_states:
            if self.least_depth * least.cycle_ns > limit_ns:
                raise too_small
            return self._point(least, self.least_depth, None, 0, required)
        most_factories, best = self.bounds.max_t_factories, None
        for patch, factory, copies in self._fewest(least, limit_ns):
            if most_factories is not None and copies > most_factories:
                continue
            if best is None or self._qubits(patch, factory, copies) < best.physical_qubits:
                depth = max(self._depth_for(patch, factory, copies), self.least_depth)
                best = self._point(patch, depth, factory, copies, required)
        if best is None:
            raise too_small
        return best

    def _within_qubits(self, limit: int) -> Point:
        required = self._required_rate(self.least_depth)
        least = self.code.smallest(required)
        best: Point | None = None
        if not self.t_states:
            best = self._point(least, self.least_depth, None, 0, required)
            if best.physical_qubits <= limit:
                return best
            best = None
        for patch, factories in self._descend(least) if self.t_states else ():
            left = limit - -(-self.layout_qubits // patch.logical_qubits) * patch.physical_qubits
            most = self._most_depth(patch)
            fitting = [each for each in factories if each.qubits <= left]
            if left <= 0 or most < self.least_depth or not fitting:
                continue
            factory = min(fitting, key=lambda each: each.volume)
            copies = left // factory.qubits
            if self.bounds.max_t_factories is not None:
                copies = min(copies, self.bounds.max_t_factories)
            depth = max(self._depth_for(patch, factory, copies), self.least_depth)
            if depth <= most and (best is None or depth * patch.cycle_ns < best.runtime_ns):
                best = self._point(patch, depth, factory, copies, required)
        if best is None:
            help = "allow more qubits or a larger error budget"
            raise unsolvable("MaxPhysicalQubitsTooSmall", "no machine keeps maxPhysicalQubits", help)
        return best

    def _pick(self, patch: Patch, depth: int, most: int) -> tuple[Factory, int] | None:
        """The factory of the least qubits x time per T state that fits into ``depth`` cycles, else into ``most``."""
        factories = self._factories(self.code.factory_distance(patch))
        limit = self.bounds.max_t_factories
        duration = depth * patch.cycle_ns
        fitting = [
            each
            for each in factories
            if each.duration_ns <= duration and (limit is None or self._copies(patch, each, depth) <= limit)
        ]
        if fitting:
            return min(fitting, key=lambda each: each.volume), depth
        longer = [(each.volume, self._stretch(patch, each, limit), index) for index, each in enumerate(factories)]
        longer = [each for each in longer if each[1] <= most]
        if not longer:
            return None
        _, cycles, index = min(longer)
        return factories[index], cycles

    def _stretch(self, patch: Patch, factory: Factory, limit: int | None) -> int:
        """Cycles for one run of a factory, or for all T states of as many factories as there may be."""
        return -(-factory.duration_ns // patch.cycle_ns) if limit is None else self._depth_for(patch, factory, limit)

    def _depth_for(self, patch: Patch, factory: Factory, copies: int) -> int:
        runs = -(-self.t_states // (copies * factory.outputs))
        return -(-(runs * factory.duration_ns) // patch.cycle_ns)

    def _copies(self, patch: Patch, factory: Factory, depth: int) -> int:
        """Factories that give all T states in ``depth`` cycles: whole runs only, in integers (a quotient of floats here
        made Azure's estimator exceed maxTFactories by one)."""
        per_copy = (depth * patch.cycle_ns // factory.duration_ns) * factory.outputs
        return -(-self.t_states // per_copy)

    def _required_rate(self, depth: int) -> float:
        return self.budget.logical / float(self.layout_qubits * depth) if depth else self.budget.logical

    def _most_depth(self, patch: Patch) -> int:
        failures = float(self.layout_qubits) * patch.rate_per_cycle
        return math.floor(self.budget.logical / failures) if failures > 1e-300 else _FOREVER

    def _point(self, patch: Patch, depth: int, factory: Factory | None, copies: int, required: float) -> Point:
        return Point(
            patch,
            self.layout_qubits,
            self.algorithmic_depth,
            depth,
            self.t_states,
            self.t_per_rotation,
            factory,
            copies,
            required,
            self.required_t_rate if factory else None,
        )


def _drop_dominated(trades: Iterator[Trade], qubits_of: Callable[[Patch, Factory, int], int]) -> list[Trade]:
    """Those that no other beats in qubits and runtime; equal ones stay."""
    valued = [(qubits_of(trade[0], trade[2], trade[3]), trade[1] * trade[0].cycle_ns, trade) for trade in trades]
    valued.sort(key=lambda each: each[:2])
    kept: list[tuple[int, int, Trade]] = []
    for qubits, runtime, trade in valued:
        if not kept or runtime < kept[-1][1] or (qubits, runtime) == kept[-1][:2]:
            kept.append((qubits, runtime, trade))
    return [trade for _, _, trade in kept]
