"""Job: a verified program on its way to a result, and the table of moves between its states."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls.q_events import JobEvent
from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.limits import LIMITS
from qmk.kernel.events import Submitted
from qmk.kernel.objects.moves import Move, Moves

VALIDATING = "VALIDATING"
QUEUED = "QUEUED"
RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"

STATES = (VALIDATING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset((COMPLETED, FAILED, CANCELLED))


MOVES = Moves(
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


class Job:
    """``fence`` is the number of the current launch, 0 when none is out; ``launches`` counts those that began. Times
    are nanoseconds, 0 when not yet.

    ``submitted`` is the record without its graph, which only the host keeps. ``place`` is the region and the device
    index of the first qubit where a worker last took it. ``saved`` is the checkpoint that the next launch continues
    from, ``epochs_done`` the epochs behind the state last heard of. ``crashes`` counts the daemons that went down with
    a launch of it, ``retired`` is its newest launch known to be over. ``wanted_region`` is where q_migrate sent it,
    ``elsewhere`` says that the next launch must be in another process. ``events`` is the history without its first
    ``dropped`` events: a job that is moved or taken back for ever must not fill the memory.
    Everything but ``fence`` and ``shots_done`` follows from the journal's records alone.
    """

    __slots__ = (
        "attempts",
        "crashes",
        "dropped",
        "elsewhere",
        "ended_ns",
        "epochs_done",
        "error",
        "events",
        "fence",
        "id",
        "launches",
        "mapping",
        "place",
        "progress_steps",
        "retired",
        "saved",
        "seed",
        "shots",
        "shots_done",
        "started_ns",
        "state",
        "submitted",
        "tenant",
        "usage",
        "wanted_region",
    )

    def __init__(self, submitted: Submitted, mapping: list[Placement] | None) -> None:
        self.submitted = submitted
        self.id = submitted.job
        self.tenant = submitted.tenant
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
        self.shots_done = self.progress_steps = 0
        self.error: dict[str, Any] | None = None
        self.usage: dict[str, Any] = {}
        self.events: list[JobEvent] = []
        self.dropped = 0

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

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self.dropped + len(self.events)

    def move(self, target: str) -> None:
        MOVES.require(self.id, self.state, target)
        self.state = target

    def note(self, now_ns: int, kind: str, **fields: Any) -> None:
        """Appends to the history that q_events shows; the oldest event gives way to one too many."""
        self.events.append(JobEvent(self.last_seq + 1, now_ns / 1e9, kind, fields))
        if len(self.events) > LIMITS.job_events:
            del self.events[0]
            self.dropped += 1

    def comparable(self) -> dict[str, Any]:
        """All that a replay of the journal must rebuild."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in _PASSING}


_PASSING = frozenset(("fence", "id", "seed", "shots", "shots_done", "tenant"))
"""What of a job is not in the journal, or is twice."""
