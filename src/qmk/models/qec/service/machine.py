"""The decoder service as discrete events on a virtual clock: regions of patches, a queue, cores, and the signals.

The rules. A patch emits a window every window time; its windows are decoded in order, one at a time; cores take the
patch that has waited longest. No window is dropped, whatever the level: a late answer costs time, not correctness.
From THROTTLE on, merges and T gates do not start, and regions that hold them extract syndromes at a slower rate while
they wait; from SHED on, every region does. The slower rounds and the idle windows are reported, since they have to be
charged to the logical error. A T gate's result is there when every window up to its end is decoded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from qmk.base.errors import QmkError
from qmk.models.qec.service.signals import Level, Thresholds

HEAVY = ("merge", "t")
MEMORY_WINDOWS = 8  # how many window times the measured load looks back
PACE_KEPT = 1 - 1 / 256  # of the sums behind the pace of the cores, by window: they look back about 256 windows


@dataclass(frozen=True)
class Work:
    """One window to decode: its detection events, its estimated and its real CPU time."""

    events: int
    estimate_us: float
    cpu_us: float


@dataclass(frozen=True)
class Region:
    """Patches that run a program together. ``program``: "idle", "merge" or "t", a window each, repeated for ever."""

    name: str
    patches: int
    program: tuple[str, ...] = ("idle",)

    def __post_init__(self) -> None:
        if self.patches < 1 or not self.program or not set(self.program) <= set(Progress().done):
            raise QmkError(
                "INVALID_PARAMS",
                f"region {self.name}: {self.patches} patches, program {self.program}",
                field="regions",
                help="give 1 patch or more, and a program of one or more of idle, merge, t",
            )

    @property
    def heavy(self) -> bool:
        return any(op in HEAVY for op in self.program)


@dataclass
class Progress:
    """How a region fared: operations done; windows in which one was held back by a signal (``stalled``) or by a result
    that was not there (``waited``); windows at the slower rate (``stretched``)."""

    done: dict[str, int] = field(default_factory=lambda: {"idle": 0, "merge": 0, "t": 0})
    stalled: int = 0
    waited: int = 0
    stretched: int = 0


@dataclass(frozen=True)
class Sample:
    """The service at one moment, as the scheduler sees it."""

    at_windows: float
    level: Level
    load: float
    age_windows: float
    backlog: int


@dataclass(frozen=True)
class Report:
    """What happened. Latency is from a window's last round to its answer. ``mean_backlog``: windows in the service,
    averaged over time."""

    emitted: int
    decoded: int
    latency_us: np.ndarray
    missed_deadlines: int
    mean_backlog: float
    utilisation: float
    samples: list[Sample]
    progress: dict[str, Progress]

    def latency_percentile_us(self, percent: float) -> float:
        return float(np.percentile(self.latency_us, percent))

    def first(self, level: Level) -> Sample | None:
        """The first sample at this level or above."""
        return next((sample for sample in self.samples if sample.level >= level), None)


@dataclass
class _Patch:
    region: int
    waiting: deque[tuple[float, Work]] = field(default_factory=deque[tuple[float, Work]])
    busy: bool = False
    emitted: int = 0
    since: float = 0.0
    item: Work = Work(0, 0.0, 0.0)


@dataclass
class _Run:
    region: Region
    at: int = 0
    open: int = 0
    needs: bool = False
    slow: bool = False
    progress: Progress = field(default_factory=Progress)


class _Machine:
    def __init__(
        self, regions: Sequence[Region], work: Callable[[int, int], Work], cores: int, window_us: float,
        thresholds: Thresholds, rate: Callable[[float], float], stretch: float, throttling: bool,
    ) -> None:  # fmt: skip
        self.work, self.cores, self.window_us, self.thresholds = work, cores, window_us, thresholds
        self.rate, self.stretch, self.throttling = rate, stretch, throttling
        self.runs = [_Run(region) for region in regions]
        self.patches = [_Patch(r) for r, region in enumerate(regions) for _ in range(region.patches)]
        self.heap: list[tuple[float, int, str, int]] = []
        self.ready: deque[int] = deque()
        self.free = cores
        self.now = self.area = self.busy_us = 0.0
        self.inside = self.serial = self.missed = 0
        self.level = Level.OK
        self.latency: list[float] = []
        self.samples: list[Sample] = []
        self.recent: deque[tuple[float, float]] = deque()
        self.recent_us = self.spent_us = self.expected_us = 0.0
        for p in range(len(self.patches)):  # patches are out of step, evenly
            self.push(window_us * (p + 1) / len(self.patches), "emit", p)

    def push(self, at: float, kind: str, patch: int) -> None:
        self.serial += 1
        heapq.heappush(self.heap, (at, self.serial, kind, patch))

    def go(self, windows: int) -> None:
        end = windows * self.window_us
        while self.heap and (self.heap[0][0] <= end or self.inside):
            at, _, kind, p = heapq.heappop(self.heap)
            self.area += self.inside * (at - self.now) if at <= end else 0.0
            self.now = at
            if kind == "done":
                self.finish(p)
            elif at <= end:
                self.emit(p)
            while self.free and self.ready:
                self.start(self.ready.popleft())

    def emit(self, p: int) -> None:
        patch = self.patches[p]
        run = self.runs[patch.region]
        item = self.work(p, patch.emitted)
        patch.emitted += 1
        patch.waiting.append((self.now, item))
        self.inside += 1
        run.open += 1
        if not patch.busy and len(patch.waiting) == 1:
            self.ready.append(p)
        self.recent.append((self.now, item.estimate_us))
        self.recent_us += item.estimate_us
        self.look()
        if p == 0 or self.patches[p - 1].region != patch.region:
            self.advance(run)
        slow = self.stretch if run.slow else 1.0
        self.push(self.now + self.window_us * slow / self.rate(self.now / self.window_us), "emit", p)

    def start(self, p: int) -> None:
        patch = self.patches[p]
        patch.since, patch.item = patch.waiting.popleft()
        patch.busy = True
        self.free -= 1
        self.busy_us += patch.item.cpu_us
        self.push(self.now + patch.item.cpu_us, "done", p)

    def finish(self, p: int) -> None:
        patch = self.patches[p]
        patch.busy = False
        self.free += 1
        self.inside -= 1
        self.runs[patch.region].open -= 1
        self.latency.append(self.now - patch.since)
        self.spent_us = PACE_KEPT * self.spent_us + patch.item.cpu_us
        self.expected_us = PACE_KEPT * self.expected_us + patch.item.estimate_us
        self.missed += self.latency[-1] > self.thresholds.deadline_windows * self.window_us
        if patch.waiting:
            self.ready.append(p)

    def look(self) -> None:
        """Load over the last windows, age of the oldest window in the service, and the level that follows.

        The load is that of the estimates times the pace: what the decoded windows took over what was estimated. Cores
        that are slower than when they were calibrated are then throttled in time, too."""
        while self.recent and self.recent[0][0] < self.now - MEMORY_WINDOWS * self.window_us:
            self.recent_us -= self.recent.popleft()[1]
        over = min(self.now, MEMORY_WINDOWS * self.window_us)
        pace = self.spent_us / self.expected_us if self.expected_us else 1.0
        load = pace * self.recent_us / (self.cores * over) if self.now >= self.window_us else 0.0
        oldest = min(
            (
                patch.since if patch.busy else patch.waiting[0][0]
                for patch in self.patches
                if patch.busy or patch.waiting
            ),
            default=self.now,
        )
        age = (self.now - oldest) / self.window_us
        self.level = self.thresholds.level(load, age, self.level)
        self.samples.append(Sample(self.now / self.window_us, self.level, load, age, self.inside))

    def advance(self, run: _Run) -> None:
        """A window of the region has ended: finish its operation, or wait, and choose what the next window does."""
        held = self.throttling and self.level >= Level.THROTTLE
        run.slow = self.throttling and (self.level >= Level.SHED or (held and run.region.heavy))
        run.progress.stretched += run.slow
        if run.needs and run.open > run.region.patches:  # more than the windows that have just ended
            run.progress.waited += 1
            return
        run.needs = False
        op = run.region.program[run.at % len(run.region.program)]
        if op in HEAVY and held:
            run.progress.stalled += 1
            return
        run.at += 1
        run.progress.done[op] += 1
        run.needs = op == "t"


def run(
    regions: Sequence[Region],
    work: Callable[[int, int], Work],
    *,
    cores: int,
    window_us: float,
    windows: int,
    thresholds: Thresholds | None = None,
    rate: Callable[[float], float] = lambda at_windows: 1.0,
    stretch: float = 2.0,
    throttling: bool = True,
) -> Report:
    """Run the service for ``windows`` window times, then until all is decoded.

    ``work(patch, number)`` is what window ``number`` of a patch asks. ``rate(at)`` is how fast windows come at a time,
    in window times: 5 is five times as fast. ``throttling`` False: signals are given and nobody heeds them. Raises
    INVALID_PARAMS for numbers that are not above 0.
    """
    for name, value in (("cores", cores), ("window_us", window_us), ("windows", windows), ("stretch", stretch)):
        if not value > 0:
            raise QmkError("INVALID_PARAMS", f"{name}: {value} is not above 0", field=name)
    machine = _Machine(regions, work, cores, window_us, thresholds or Thresholds(), rate, stretch, throttling)
    machine.go(windows)
    over = windows * window_us
    return Report(
        emitted=sum(patch.emitted for patch in machine.patches),
        decoded=len(machine.latency),
        latency_us=np.array(machine.latency),
        missed_deadlines=machine.missed,
        mean_backlog=machine.area / over,
        utilisation=machine.busy_us / (cores * over),
        samples=machine.samples,
        progress={run.region.name: run.progress for run in machine.runs},
    )
