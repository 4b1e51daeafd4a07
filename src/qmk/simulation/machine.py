"""A machine of made-up workers under the kernel's own scheduler.

Workers take no time to start, a job takes exactly what the trace says, and one that is asked to yield does so at its
next fence. Everything else is ``decide``, as the kernel calls it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from qmk.base.limits import LIMITS
from qmk.base.units import SECOND_NS
from qmk.kernel import scheduling as ms
from qmk.kernel.capacity import Settings
from qmk.policy.schedule.plan import decide
from qmk.policy.schedule.state import Schedule
from qmk.simulation.trace import Arrival, Machine, Trace

EVERYBODY = "everybody"


@dataclass(frozen=True)
class Policy:
    """``fair`` False: all jobs are one tenant's, without priority, deadline or fence: first come, first served."""

    name: str
    fair: bool
    backfill: bool


POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("fifo", fair=False, backfill=False),
        Policy("fair", fair=True, backfill=False),
        Policy("fair+backfill", fair=True, backfill=True),
    )
}


@dataclass
class Run:
    """The outcome of one job. Times in seconds since the start of the trace."""

    arrival: Arrival
    number: int
    done_ns: int = 0
    launched_ns: int = -1
    launches: int = 0
    started_s: float = -1.0
    ended_s: float = -1.0
    preemptions: int = 0

    @property
    def total_ns(self) -> int:
        return round(self.arrival.actual_s * SECOND_NS)


@dataclass
class Stretch:
    """Between two moments of the run: how many jobs of each tenant wait, and run."""

    begin_s: float
    end_s: float
    waiting: dict[str, int]
    running: dict[str, int]


@dataclass
class Outcome:
    """``tape``: every list of events that ``decide`` was given, with its actions: a replay gives the same."""

    policy: str
    machine: Machine
    runs: list[Run]
    stretches: list[Stretch]
    tape: list[tuple[list[ms.Event], list[ms.Action]]] = field(repr=False)
    state: Schedule = field(repr=False)


def settings_of(machine: Machine, policy: Policy) -> Settings:
    regions = machine.regions or tuple((f"r{number}", LIMITS.region_qubits) for number in range(machine.workers))
    return Settings(
        workers=machine.workers,
        memory_bytes=machine.memory_bytes,
        regions=regions,
        slots=not machine.regions,
        epoch_ns=machine.epoch_ms * 1_000_000,
        backfill=policy.backfill,
        preempt=policy.fair,
    )


def simulate(trace: Trace, policy: Policy, until_s: float = math.inf) -> Outcome:
    """Runs the trace to its end, or to ``until_s``: times of what had not happened by then are -1."""
    return _Simulation(trace, policy).run(until_s)


class _Simulation:
    """``_agenda`` holds (time, order, what, job, launch); a launch that is over leaves its row behind."""

    def __init__(self, trace: Trace, policy: Policy) -> None:
        self._trace = trace
        self._policy = policy
        self._state = Schedule(settings_of(trace.machine, policy))
        self._runs = {str(number): Run(job, number) for number, job in enumerate(trace.arrivals, 1)}
        self._agenda: list[tuple[int, int, str, str, int]] = []
        self._order = 0
        self._events: list[ms.Event] = []
        self._tape: list[tuple[list[ms.Event], list[ms.Action]]] = []
        self._waiting: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._stretches: list[Stretch] = []

    def run(self, until_s: float) -> Outcome:
        for tenant in sorted({job.tenant for job in self._trace.arrivals}):
            weight = self._trace.machine.weights.get(tenant, 1.0)
            self._events.append(ms.ShareSet(tenant if self._policy.fair else EVERYBODY, weight, LIMITS.queued_jobs))
        for job, run in self._runs.items():
            self._at(round(run.arrival.at_s * SECOND_NS), "arrive", job)
        then_ns = 0
        while self._agenda and self._agenda[0][0] <= until_s * SECOND_NS:
            now_ns = self._agenda[0][0]
            self._note(then_ns, now_ns)
            then_ns = now_ns
            self._events.append(ms.Clock(now_ns))
            while self._agenda and self._agenda[0][0] == now_ns:
                _, _, what, job, launch = heapq.heappop(self._agenda)
                self._happen(now_ns, what, job, launch)
            events, self._events = self._events, []
            actions = decide(self._state, events)
            self._tape.append((events, actions))
            for action in actions:
                self._carry_out(now_ns, action)
        runs = list(self._runs.values())
        return Outcome(self._policy.name, self._trace.machine, runs, self._stretches, self._tape, self._state)

    def _at(self, at_ns: int, what: str, job: str = "", launch: int = 0) -> None:
        self._order += 1
        heapq.heappush(self._agenda, (at_ns, self._order, what, job, launch))

    def _note(self, then_ns: int, now_ns: int) -> None:
        if now_ns > then_ns:
            waiting = {tenant: count for tenant, count in self._waiting.items() if count}
            running = {tenant: count for tenant, count in self._running.items() if count}
            self._stretches.append(Stretch(then_ns / SECOND_NS, now_ns / SECOND_NS, waiting, running))

    def _happen(self, now_ns: int, what: str, job: str, launch: int) -> None:
        if what == "wake":
            return
        run = self._runs[job]
        if what == "arrive":
            self._queue(run)
            return
        if run.launched_ns < 0 or run.launches != launch:
            return
        used_ns = now_ns - run.launched_ns
        run.launched_ns = -1
        run.done_ns += used_ns
        _count(self._running, run, -1)
        self._events.append(ms.Stopped(job, used_ns, continued=what == "yield"))
        if what == "yield":
            run.preemptions += 1
            self._queue(run)
        else:
            run.ended_s = now_ns / SECOND_NS
            self._events.append(ms.Left(job))

    def _queue(self, run: Run) -> None:
        _count(self._waiting, run, 1)
        self._events.append(ms.Queued(_task(run, self._policy)))

    def _carry_out(self, now_ns: int, action: ms.Action) -> None:
        match action:
            case ms.WakeAt():
                self._at(action.at_ns, "wake")
            case ms.Place():
                run = self._runs[action.job]
                run.launches += 1
                run.launched_ns = now_ns
                run.started_s = now_ns / SECOND_NS if run.launches == 1 else run.started_s
                _count(self._waiting, run, -1)
                _count(self._running, run, 1)
                self._events.append(ms.Started(action.job))
                self._at(now_ns + run.total_ns - run.done_ns, "end", action.job, run.launches)
            case ms.Preempt():
                run = self._runs[action.job]
                fence_ns = max(1, round(run.arrival.fence_s * SECOND_NS))
                done_ns = run.done_ns + now_ns - run.launched_ns
                next_ns = (done_ns // fence_ns + 1) * fence_ns
                if next_ns < run.total_ns:
                    self._at(now_ns + next_ns - done_ns, "yield", action.job, run.launches)
                else:
                    self._events.append(ms.Declined(action.job))


def _count(counts: dict[str, int], run: Run, by: int) -> None:
    counts[run.arrival.tenant] = counts.get(run.arrival.tenant, 0) + by


def _task(run: Run, policy: Policy) -> ms.Task:
    job = run.arrival
    predicted_s = job.actual_s if job.predicted_s is None else job.predicted_s
    return ms.Task(
        job=str(run.number),
        tenant=job.tenant if policy.fair else EVERYBODY,
        seq=run.number,
        cost_ns=round(predicted_s * SECOND_NS),
        memory_bytes=job.memory_bytes,
        qubits=job.qubits,
        priority=job.priority if policy.fair else 0,
        deadline_epochs=job.deadline_epochs if policy.fair else None,
        fenced=policy.fair and job.fence_s > 0,
    )


def replay(outcome: Outcome, settings: Settings) -> tuple[Schedule, Sequence[list[ms.Action]]]:
    """Sends the tape's events through a fresh state."""
    state = Schedule(settings)
    return state, [decide(state, events) for events, _ in outcome.tape]
