"""``python -m benchmarks.scheduler [--json FILE]``: the time of one step of the scheduler, by length of the queue.

A step is a launch that ends, the decision that fills its place, and a job that arrives, so that the queue keeps its
length. *Turns*: every job fits. *Backfilling*: the first job waits for memory, and each step looks for jobs to pass
it. *Asking*: place in the queue and predicted start of a waiting job. Times are medians; what carries over to another
machine is the ratio to the queue of ten jobs, and the counters: nodes of queues looked at, and placements tried, a
step.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import median, samples
from qmk.base.units import seconds_text
from qmk.kernel.capacity import Settings
from qmk.kernel.scheduling import Clock, Left, Place, Queued, Started, Stopped, Task
from qmk.policy.schedule import forecast
from qmk.policy.schedule.plan import decide
from qmk.policy.schedule.state import Schedule

WORKERS = 8
MEMORY = 1000
LENGTHS = (10, 1_000, 100_000)
TENANTS = (1, 200)
STEPS = 400


@dataclass(frozen=True)
class Figure:
    what: str
    tenants: int
    queued: int
    seconds: float
    ratio: float
    visits: float
    placements: float


class Load:
    """A scheduler with ``queued`` jobs waiting and all workers busy (``blocked``: with a job that waits for memory)."""

    def __init__(self, tenants: int, queued: int, blocked: bool) -> None:
        self.state = Schedule(Settings(workers=WORKERS, memory_bytes=MEMORY))
        self._dice = random.Random(1)
        self._tenants = tenants
        self._blocked = blocked
        self._now_ns = 10**18
        self._number = 0
        self.out: list[str] = []
        if blocked:
            self._tell(Queued(self._task(MEMORY // 2, 10**6, "runner")))
            self._tell(Queued(self._task(MEMORY * 3 // 4, 1, "head")))
        for _ in range(queued + WORKERS):
            self._tell(Queued(self.arrival()))

    def arrival(self) -> Task:
        memory = self._dice.randrange(1, 100) if self._blocked else 1
        return self._task(memory, self._dice.choice((0.1, 1.0, 10.0)), f"t{self._dice.randrange(self._tenants)}")

    def step(self) -> None:
        job = self.out.pop(1 if self._blocked and len(self.out) > 1 else 0)
        self._tell(Stopped(job, 1_000_000_000), Left(job), Queued(self.arrival()))

    def ask(self) -> None:
        job = f"j{self._number - 1}"
        if forecast.place(self.state, job) is not None:
            forecast.start_ns(self.state, job)

    def visits(self) -> int:
        return sum(share.queue.visits for share in self.state.shares)

    def _task(self, memory: int, seconds: float, tenant: str) -> Task:
        self._number += 1
        cost_ns = round(seconds * 1e9)
        return Task(
            job=f"j{self._number}",
            tenant=tenant,
            seq=self._number,
            cost_ns=cost_ns,
            memory_bytes=memory,
            qubits=self._dice.randrange(1, 50),
            priority=self._dice.randrange(3),
        )

    def _tell(self, *events: Stopped | Left | Queued) -> None:
        self._now_ns += 1_000_000
        for action in decide(self.state, [Clock(self._now_ns), *events]):
            if isinstance(action, Place):
                self.out.append(action.job)
                self.state.apply(Started(action.job))


def figure(what: str, tenants: int, queued: int, base_s: float | None) -> Figure:
    load = Load(tenants, queued, blocked=what == "backfilling")
    work: Callable[[], None] = load.ask if what == "asking" else load.step
    taken = samples(work, STEPS)
    visits, tests = load.visits(), load.state.tests
    for _ in range(STEPS):
        work()
    seconds = median(taken)
    return Figure(
        what,
        tenants,
        queued,
        seconds,
        seconds / base_s if base_s else 1.0,
        (load.visits() - visits) / STEPS,
        (load.state.tests - tests) / STEPS,
    )


def measure() -> list[Figure]:
    found: list[Figure] = []
    for what in ("turns", "backfilling", "asking"):
        for tenants in TENANTS:
            base_s: float | None = None
            for queued in LENGTHS:
                found.append(figure(what, tenants, queued, base_s))
                base_s = base_s or found[-1].seconds
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    rows = measure()
    print(f"{'':12} {'tenants':>8} {'queued':>8} {'step':>10} {'ratio':>6} {'nodes':>6} {'tried':>6}")
    for row in rows:
        text = seconds_text(row.seconds)
        print(
            f"{row.what:12} {row.tenants:8} {row.queued:8} {text:>10} {row.ratio:6.2f} {row.visits:6.1f} "
            f"{row.placements:6.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
