"""Job: a verified program on its way to a result, and the table of moves between its states."""

from __future__ import annotations

from typing import Any, NamedTuple

from qmk.abi.calls.q_events import JobEvent
from qmk.abi.calls.q_get_mapping import Placement
from qmk.kernel.events import Submitted

VALIDATING = "VALIDATING"
QUEUED = "QUEUED"
RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"

STATES = (VALIDATING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset((COMPLETED, FAILED, CANCELLED))


class Move(NamedTuple):
    source: str
    target: str
    cause: str


MOVES: tuple[Move, ...] = (
    Move(VALIDATING, QUEUED, "verified and routed, in the journal"),
    Move(QUEUED, RUNNING, "a worker took it"),
    Move(RUNNING, QUEUED, "its worker died and attempts are left, or the daemon stopped"),
    Move(RUNNING, COMPLETED, "the result is stored"),
    Move(RUNNING, FAILED, "the engine failed, or timeout_ms passed"),
    Move(QUEUED, FAILED, "timeout_ms passed"),
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

    ``submitted`` is the record without its graph, which only the host keeps.
    Everything but ``fence`` and ``shots_done`` follows from the journal's records alone.
    """

    __slots__ = (
        "attempts",
        "ended_ns",
        "error",
        "events",
        "fence",
        "launches",
        "mapping",
        "progress_steps",
        "seed",
        "shots",
        "shots_done",
        "started_ns",
        "state",
        "submitted",
        "usage",
    )

    def __init__(self, submitted: Submitted, mapping: list[Placement] | None) -> None:
        self.submitted = submitted
        self.mapping = mapping
        self.shots = submitted.shots
        self.seed = submitted.seed
        self.state = VALIDATING
        self.fence = 0
        self.attempts = 0
        self.launches = 0
        self.started_ns = self.ended_ns = 0
        self.shots_done = self.progress_steps = 0
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
        """0 before the start; engines take all epochs in one batch, so any finished shot has passed them all."""
        if self.shots_done or self.state == COMPLETED:
            return self.submitted.epochs
        return 1 if self.started_ns else 0

    def move(self, target: str) -> None:
        if (self.state, target) not in _ALLOWED:
            raise IllegalMove(f"{self.id}: {self.state} -> {target}")
        self.state = target

    def note(self, now_ns: int, kind: str, **fields: Any) -> None:
        """Appends to the history that q_events shows."""
        self.events.append(JobEvent(len(self.events) + 1, now_ns / 1e9, kind, fields))

    def comparable(self) -> dict[str, Any]:
        """All that a replay of the journal must rebuild."""
        names = ("attempts", "ended_ns", "error", "events", "launches", "mapping", "progress_steps", "started_ns")
        names += ("state", "usage")
        return {"submitted": self.submitted} | {name: getattr(self, name) for name in names}
