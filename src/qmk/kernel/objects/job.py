"""Job: a verified program on its way to a result, and the table of moves between its states."""

from __future__ import annotations

from typing import Any, NamedTuple

from qmk.abi.calls.q_events import JobEvent
from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.limits import LIMITS
from qmk.kernel.events import Submitted

VALIDATING = "VALIDATING"
QUEUED = "QUEUED"
RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"

STATES = (VALIDATING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset((COMPLETED, FAILED, CANCELLED))


HISTORY = 2 * LIMITS.job_events


class Move(NamedTuple):
    source: str
    target: str
    cause: str


MOVES: tuple[Move, ...] = (
    Move(VALIDATING, QUEUED, "verified and routed, in the journal"),
    Move(QUEUED, RUNNING, "a worker took it"),
    Move(RUNNING, QUEUED, "its worker died and attempts are left, the daemon stopped, or it yielded at a fence"),
    Move(RUNNING, COMPLETED, "the result is stored"),
    Move(RUNNING, FAILED, "the engine failed, or timeout_ms passed"),
    Move(QUEUED, FAILED, "timeout_ms passed, its channel ended, the device became too small, or daemons crash with it"),
    Move(QUEUED, CANCELLED, "q_cancel"),
    Move(RUNNING, CANCELLED, "q_cancel"),
)
"""Every move there is. A program refused while VALIDATING leaves no job."""

_ALLOWED = frozenset((move.source, move.target) for move in MOVES)


class IllegalMove(AssertionError):
    """A move that is not in ``MOVES``: a bug of the kernel, never of a caller."""


class Job:
    """``fence`` is the number of the current launch, 0 when none is out; ``launches`` counts those that began. Times
    are nanoseconds, 0 when not yet.

    ``submitted`` is the record without its graph, which only the host keeps. ``place`` is the region and the device
    index of the first qubit where a worker last took it. ``saved`` is the checkpoint that the next launch continues
    from, ``epochs_done`` the epochs behind the state last heard of. ``crashes`` counts the daemons that went down with
    a launch of it, ``retired`` is its newest launch known to be over. ``wanted_region`` is where q_migrate sent it,
    ``elsewhere`` says that the next launch must be in another process. ``records`` counts its records in the journal.
    Everything but ``fence`` and ``shots_done`` follows from the journal's records alone.
    """

    __slots__ = (
        "attempts",
        "crashes",
        "elsewhere",
        "ended_ns",
        "epochs_done",
        "error",
        "events",
        "fence",
        "launches",
        "mapping",
        "place",
        "progress_steps",
        "records",
        "retired",
        "saved",
        "seed",
        "shots",
        "shots_done",
        "started_ns",
        "state",
        "submitted",
        "usage",
        "wanted_region",
    )

    def __init__(self, submitted: Submitted, mapping: list[Placement] | None) -> None:
        self.submitted = submitted
        self.mapping = mapping
        self.shots = submitted.shots
        self.seed = submitted.seed
        self.state = VALIDATING
        self.fence = 0
        self.attempts = self.launches = self.crashes = self.retired = 0
        self.saved = ""
        self.epochs_done = 0
        self.place: tuple[str, int] = ("", 0)
        self.wanted_region = ""
        self.elsewhere = False
        self.started_ns = self.ended_ns = 0
        self.shots_done = self.progress_steps = self.records = 0
        self.error: dict[str, Any] | None = None
        self.usage: dict[str, Any] = {}
        self.events: list[JobEvent] = []

    @property
    def id(self) -> str:
        return self.submitted.job

    @property
    def tenant(self) -> str:
        return self.submitted.tenant

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def epoch_reached(self) -> int:
        """0 before the start. A finished shot has passed all epochs; before there is one, the last state that was
        saved tells how far all of them are."""
        if self.shots_done or self.state == COMPLETED:
            return self.submitted.epochs
        if self.epochs_done:
            return min(self.epochs_done + 1, self.submitted.epochs)
        return 1 if self.started_ns else 0

    def move(self, target: str) -> None:
        if (self.state, target) not in _ALLOWED:
            raise IllegalMove(f"{self.id}: {self.state} -> {target}")
        self.state = target

    def note(self, now_ns: int, kind: str, **fields: Any) -> None:
        """Appends to the history that q_events shows. One that has become too long takes in nothing but the end."""
        if len(self.events) < HISTORY or kind.upper() in ENDED:
            self.events.append(JobEvent(len(self.events) + 1, now_ns / 1e9, kind, fields))

    def comparable(self) -> dict[str, Any]:
        """All that a replay of the journal must rebuild."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in _PASSING}


_PASSING = frozenset(("fence", "records", "seed", "shots", "shots_done"))
"""What of a job is not in the journal, or is twice."""
