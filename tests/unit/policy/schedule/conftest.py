"""A bench round ``decide``: sends events in seconds, keeps what is out, and replays everything at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qmk.kernel.capacity import Settings
from qmk.kernel.scheduling import (
    Action,
    Clock,
    Declined,
    Event,
    Left,
    Place,
    Preempt,
    Queued,
    ShareSet,
    Started,
    Stopped,
    Task,
    WakeAt,
)
from qmk.policy.schedule.plan import decide
from qmk.policy.schedule.state import Schedule

SECOND = 1_000_000_000


class Desk:
    """``out`` are the jobs that were placed, in order, and have not ended. Epochs last 100 ms."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.state = Schedule(self.settings)
        self.now_s = 0.0
        self.count = 0
        self.tasks: dict[str, Task] = {}
        self.out: list[str] = []
        self.places: dict[str, Place] = {}
        self.asked: list[str] = []
        self.wake_s: float | None = None
        self.tape: list[tuple[list[Event], list[Action]]] = []

    def tell(self, *events: Event) -> list[Action]:
        told = [Clock(round(self.now_s * SECOND)), *events]
        actions = decide(self.state, told)
        self.tape.append((told, actions))
        for action in actions:
            match action:
                case Place():
                    self.out.append(action.job)
                    self.places[action.job] = action
                case Preempt():
                    self.asked.append(action.job)
                case WakeAt():
                    self.wake_s = action.at_ns / SECOND
        placed = [action.job for action in actions if isinstance(action, Place)]
        if placed:
            self.tell(*(Started(job) for job in placed))
        return actions

    def tenant(self, name: str, weight: float = 1.0, running_jobs: int = 1000, running_qubits: int = 1 << 62) -> None:
        self.tell(ShareSet(name, weight, running_jobs, running_qubits))

    def task(self, tenant: str = "a", seconds: float = 1.0, **fields: Any) -> Task:
        self.count += 1
        job = fields.pop("job", f"{tenant}{self.count}")
        task = Task(job=job, tenant=tenant, seq=self.count, cost_ns=round(seconds * SECOND), **fields)
        self.tasks[job] = task
        return task

    def queue(self, tenant: str = "a", seconds: float = 1.0, **fields: Any) -> str:
        """A job that arrives; its name."""
        task = self.task(tenant, seconds, **fields)
        self.tell(Queued(task))
        return task.job

    def end(self, job: str, seconds: float = 1.0) -> list[Action]:
        self.out.remove(job)
        return self.tell(Stopped(job, round(seconds * SECOND)), Left(job))

    def give_way(self, job: str, seconds: float) -> list[Action]:
        """The job yields at a fence."""
        self.out.remove(job)
        self.asked = [asked for asked in self.asked if asked != job]
        return self.tell(Stopped(job, round(seconds * SECOND), continued=True), Queued(self.tasks[job]))

    def decline(self, job: str) -> list[Action]:
        return self.tell(Declined(job))


def replayed(desk: Desk) -> Schedule:
    state = Schedule(desk.settings)
    assert [decide(state, events) for events, _ in desk.tape] == [actions for _, actions in desk.tape]
    return state


@pytest.fixture
def make_desk() -> Iterator[Any]:
    """Makes desks; whatever a test did with them must replay to the same actions and the same state."""
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        made.append(Desk(**settings))
        return made[-1]

    yield make
    for desk in made:
        assert replayed(desk).snapshot() == desk.state.snapshot()
