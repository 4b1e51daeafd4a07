"""The life of jobs as ``docs/spec/qsyscall.md`` (job states, q_submit, q_cancel, q_wait) and ADRs 0016 and 0064 say it.

One tenant submits jobs to a daemon with one worker. A request has an idempotency key, so that it may be repeated; a job
is validated, queued, launched and ended once. Answers of launches that are over come late. Whatever ended first gives
way when more ended jobs are kept than may be; its request may then be made anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

VALIDATING, QUEUED, RUNNING = "VALIDATING", "QUEUED", "RUNNING"
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
ENDED = (COMPLETED, FAILED, CANCELLED)
LAST = ("completed", "failed", "cancelled", "timeout")
"""Outcomes of the launch that ends a job; the others are followed by another launch."""


class Job(NamedTuple):
    """``state`` empty: there is none. ``out``: a launch of it is. ``launches`` were taken by a worker, ``losses`` lost
    theirs and were followed by another. ``callers`` of q_submit and ``waits`` are not answered yet. ``charges``: the
    ledger's (launch, outcome)."""

    state: str = ""
    out: bool = False
    launches: int = 0
    losses: int = 0
    callers: int = 0
    waits: int = 0
    charges: tuple[tuple[int, str], ...] = ()


class State(NamedTuple):
    """``order``: jobs that were accepted and have not ended; ``ended``: those that have. The oldest first."""

    jobs: tuple[Job, ...]
    order: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()

    def put(self, number: int, job: Job) -> State:
        return self._replace(jobs=(*self.jobs[:number], job, *self.jobs[number + 1 :]))


@dataclass(frozen=True)
class Act:
    """Something that is done to job ``number``. ``late``: it is said of a launch that is over, or of a job that is
    gone."""

    what: str
    number: int
    late: bool = False


ACTS = (
    "submit",
    "other",
    "route",
    "refuse",
    "start",
    "finish",
    "fail",
    "crash",
    "cancel",
    "deadline",
    "wait",
    "result",
)
OF_LAUNCHES = ("start", "finish", "fail", "crash")


@dataclass(frozen=True)
class Bounds:
    """``timed`` jobs have a time limit. ``kept`` ended jobs are remembered; ``attempts``: workers that may crash."""

    jobs: int
    timed: tuple[int, ...] = ()
    kept: int = 2
    attempts: int = 2
    callers: int = 2
    waits: int = 1
    leave_out: tuple[str, ...] = ()


class Jobs:
    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds

    def start(self) -> State:
        return State((Job(),) * self.bounds.jobs)

    def actions(self, state: State) -> Iterator[Act]:
        yield Act("disconnect", 0)
        for number, job in enumerate(state.jobs):
            for what in ACTS:
                full = (what == "submit" and job.callers == self.bounds.callers) or (
                    what == "wait" and job.waits == self.bounds.waits
                )
                if full or what in self.bounds.leave_out or (what == "other" and not job.state):
                    continue
                yield Act(what, number)
                if what in OF_LAUNCHES:
                    yield Act(what, number, late=True)

    def step(self, state: State, act: Act) -> State | None:
        if act.what == "disconnect":
            return self.disconnect(state)
        if act.late:
            return self.hear_late(state, act)
        return getattr(self, "start_of" if act.what == "start" else act.what)(state, act.number, state.jobs[act.number])

    def hear_late(self, state: State, act: Act) -> State | None:
        return None

    def submit(self, state: State, number: int, job: Job) -> State | None:
        """The same key and request give the same job."""
        if not job.state:
            return state.put(number, Job(VALIDATING, callers=1))
        if job.state == VALIDATING:
            return state.put(number, job._replace(callers=job.callers + 1))
        return state  # answered at once

    def other(self, state: State, number: int, job: Job) -> State | None:
        """Another request with the key of this one is refused."""
        return None

    def route(self, state: State, number: int, job: Job) -> State | None:
        if job.state != VALIDATING:
            return None
        state = state.put(number, job._replace(state=QUEUED, callers=0))
        return self.launch(state._replace(order=(*state.order, number)))

    def refuse(self, state: State, number: int, job: Job) -> State | None:
        """A program refused while VALIDATING leaves no job."""
        return state.put(number, Job()) if job.state == VALIDATING else None

    def launch(self, state: State) -> State:
        """The job that came first gets the worker, if that is free."""
        if any(job.out for job in state.jobs):
            return state
        for number in state.order:
            return state.put(number, state.jobs[number]._replace(out=True))
        return state

    def begin(self, state: State, number: int) -> State:
        """A worker that says anything of a launch has taken it."""
        job = state.jobs[number]
        if job.state == RUNNING:
            return state
        return state.put(number, job._replace(state=RUNNING, launches=job.launches + 1))

    def start_of(self, state: State, number: int, job: Job) -> State | None:
        return self.begin(state, number) if job.out and job.state == QUEUED else None

    def finish(self, state: State, number: int, job: Job) -> State | None:
        return self.end(self.begin(state, number), number, COMPLETED, "completed") if job.out else None

    def fail(self, state: State, number: int, job: Job) -> State | None:
        return self.end(self.begin(state, number), number, FAILED, "failed") if job.out else None

    def crash(self, state: State, number: int, job: Job) -> State | None:
        """The worker died. A launch that none took is no launch, but its worker is lost all the same."""
        if not job.out:
            return None
        if job.losses + 1 == self.bounds.attempts:
            return self.end(state, number, FAILED, "lost")
        charges = self.charge(job, "lost") if job.state == RUNNING else job.charges
        job = job._replace(state=QUEUED, out=False, losses=job.losses + 1, charges=charges)
        return self.launch(state.put(number, job))

    def cancel(self, state: State, number: int, job: Job) -> State | None:
        return self.end(state, number, CANCELLED, "cancelled") if job.state in (QUEUED, RUNNING) else None

    def deadline(self, state: State, number: int, job: Job) -> State | None:
        if number not in self.bounds.timed or job.state not in (QUEUED, RUNNING):
            return None
        return self.end(state, number, FAILED, "timeout")

    def wait(self, state: State, number: int, job: Job) -> State | None:
        """Answered at once where the job has ended, else with its end."""
        if job.state in ("", VALIDATING):
            return None
        return state if job.state in ENDED else state.put(number, job._replace(waits=job.waits + 1))

    def result(self, state: State, number: int, job: Job) -> State | None:
        return state if job.state == COMPLETED else None

    def disconnect(self, state: State) -> State:
        """Nobody is left to answer; jobs go on."""
        return state._replace(jobs=tuple(job._replace(callers=0, waits=0) for job in state.jobs))

    def charge(self, job: Job, outcome: str) -> tuple[tuple[int, str], ...]:
        return (*job.charges, (job.launches, outcome))

    def end(self, state: State, number: int, how: str, outcome: str) -> State:
        job = state.jobs[number]
        charges = self.charge(job, outcome) if job.state == RUNNING else job.charges
        state = state.put(number, job._replace(state=how, out=False, waits=0, charges=charges))
        order = tuple(each for each in state.order if each != number)
        state = state._replace(order=order, ended=(*state.ended, number))
        while len(state.ended) > self.bounds.kept:
            oldest, *rest = state.ended
            state = state.put(oldest, Job())._replace(ended=tuple(rest))
        return self.launch(state)

    def broken(self, state: State) -> str:
        if sum(job.out for job in state.jobs) > 1:
            return "two launches have one worker"
        if state.order and not any(job.out for job in state.jobs):
            return "a job waits for a worker that is free"
        for number, job in enumerate(state.jobs):
            final = [launch for launch, outcome in job.charges if outcome in LAST]
            if (job.waits or job.callers) and job.state in ("", *ENDED):
                return f"job {number} is over, and somebody is not answered"
            if job.callers and job.state != VALIDATING:
                return f"job {number} was accepted, and a caller is not answered"
            if len({launch for launch, _ in job.charges}) < len(job.charges):
                return f"a launch of job {number} is charged twice"
            if len(final) > 1 or (final and (job.state not in ENDED or final[0] != job.launches)):
                return f"job {number} is charged after its end, or twice"
            if (job.state in (QUEUED, RUNNING)) != (number in state.order):
                return f"job {number} is lost"
            if (job.state in ENDED) != (state.ended.count(number) == 1):
                return f"job {number} ended more or less than once"
            if job.state == COMPLETED and not final:
                return f"job {number} has a result that no launch gave"
            if job.state == RUNNING and not job.out:
                return f"job {number} runs without a launch"
            if job.losses >= self.bounds.attempts:
                return f"job {number} goes on after its last attempt"
        return ""

    def is_end(self, state: State) -> bool:
        return all(job.state in ("", *ENDED) for job in state.jobs)
