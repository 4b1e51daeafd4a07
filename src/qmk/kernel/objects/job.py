"""Job: a verified program on its way to a result, and the table of moves between its states."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi.calls import q_jobs
from qmk.abi.calls.q_events import JobEvent
from qmk.abi.calls.q_get_mapping import Placement
from qmk.base.limits import LIMITS
from qmk.kernel.events import Submitted
from qmk.kernel.objects.alternative import Moved
from qmk.kernel.objects.moves import Move, Moves
from qmk.kernel.objects.script import SESSION

VALIDATING = "VALIDATING"
QUEUED = "QUEUED"
RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"

STATES = (VALIDATING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED)
ENDED = frozenset((COMPLETED, FAILED, CANCELLED))
CANARY = "qmk:canary"
"""The tag of jobs by which a gateway checks engines, often in their user's name: lists show them only if asked."""
BLOCK = "qmk:block"
"""The same for the parts of a job that is divided."""


MOVES = Moves(
    Move(VALIDATING, QUEUED, "verified and routed, in the journal"),
    Move(QUEUED, RUNNING, "a worker took it"),
    Move(
        RUNNING,
        QUEUED,
        "its worker died and attempts are left, the daemon stopped, its engine cannot read the saved state, "
        "it stopped at a fence (preempted, q_migrate, q_rollback, a channel it uses has ended), its program was "
        "written anew at a fence, or it falls back to another engine",
    ),
    Move(RUNNING, COMPLETED, "the result is stored"),
    Move(QUEUED, COMPLETED, "an earlier job of the tenant has the result"),
    Move(RUNNING, FAILED, "the engine failed, its worker died in the last attempt, or timeout_ms passed"),
    Move(QUEUED, FAILED, "time or attempts ran out, its channel ended, the device shrank, or daemons crash with it"),
    Move(QUEUED, CANCELLED, "q_cancel"),
    Move(RUNNING, CANCELLED, "q_cancel"),
)
"""Every move there is. A program refused while VALIDATING leaves no job."""


def labels_of(job: Submitted | q_jobs.Filter) -> tuple[str, ...]:
    """What jobs are listed under: "" (all but blocks and those that check engines), the name after a blank, which no
    tag has, and the tags."""
    labels = (f" {job.name}", *job.tags) if job.name else job.tags
    if isinstance(job, Submitted) and job.session.startswith(SESSION):
        labels = tuple(dict.fromkeys((*labels, job.session)))
    return labels if CANARY in job.tags or BLOCK in job.tags else ("", *labels)


class Job(msgspec.Struct, eq=False, omit_defaults=True):
    """``fence`` is the number of the current launch, 0 when none is out; ``launches`` counts those that began. Times
    are nanoseconds, 0 when not yet.

    ``submitted`` is the record without its graph, which only the host keeps. ``place`` is the region and the device
    index of the first qubit where a worker last took it. ``saved`` is the checkpoint that the next launch continues
    from, ``epochs_done`` the epochs behind it, ``epochs_behind`` those behind the shots under way. ``crashes`` counts
    the daemons that went down with a launch of it, ``retired`` is its newest launch known to be over.
    ``attempts`` are launches whose worker was lost, ``lost`` the workers, by cause; after ``memory`` it runs alone.
    ``wanted_region`` is where q_migrate sent it, ``elsewhere`` says that the next launch must be in another process.
    ``events`` is the history without its first ``dropped`` events: a job that is moved or taken back for ever must not
    fill the memory. ``records`` counts its records in the journal since the last that has its whole state.
    ``moved`` are the engines that it went on with, the last of which stands in ``submitted``; ``tried`` tells of those
    before. ``cached_from`` is the job whose result it has. ``skew_ns`` is that of ``kernel.clock`` at its end,
    ``kept_bytes`` what it keeps in the store since.
    ``refused_calls`` counts system calls that the isolation of its workers refused, by name.
    ``labelled``: its tags are no longer those of its submission, so that the journal has a ``Labelled`` of it.
    ``moves`` counts moves of its patches to another place. ``changes`` tells of calibrations that came into force at
    its fences, as ``q_result.Change``; its program was ``rewritten`` so many times.
    Everything but ``fence``, ``shots_done`` and ``epochs_behind`` follows from the journal's records alone.
    """

    submitted: Submitted
    mapping: list[Placement] | None
    id: str = ""
    tenant: str = ""
    shots: int = 0
    seed: int = 0
    state: str = VALIDATING
    fence: int = 0
    attempts: int = 0
    lost: dict[str, int] = {}
    launches: int = 0
    crashes: int = 0
    retired: int = 0
    moves: int = 0
    rewritten: int = 0
    labelled: bool = False
    saved: str = ""
    cached_from: str = ""
    moved: tuple[Moved, ...] = ()
    tried: tuple[dict[str, Any], ...] = ()
    changes: tuple[dict[str, Any], ...] = ()
    epochs_done: int = 0
    epochs_behind: int = 0
    place: tuple[str, int] = ("", 0)
    wanted_region: str = ""
    elsewhere: bool = False
    started_ns: int = 0
    ended_ns: int = 0
    skew_ns: int = 0
    kept_bytes: int = 0
    shots_done: int = 0
    progress_steps: int = 0
    records: int = 0
    error: dict[str, Any] | None = None
    usage: dict[str, Any] = {}
    refused_calls: dict[str, int] = {}
    events: list[JobEvent] = []
    dropped: int = 0

    def __post_init__(self) -> None:
        record = self.submitted
        self.id, self.tenant, self.shots, self.seed = record.job, record.tenant, record.shots, record.seed

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def changed_epoch(self) -> int:
        """The last epoch before its program was written anew; 0 where it never was."""
        footprint = self.submitted.footprint
        return footprint.stages[-1].last_epoch if footprint is not None and footprint.stages else 0

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self.dropped + len(self.events)

    def move(self, target: str) -> None:
        MOVES.require(self.id, self.state, target)
        self.state = target

    def lose(self, cause: str, workers: int) -> None:
        """Counts a launch that lost its workers."""
        self.attempts += 1
        self.lost = {**self.lost, cause: self.lost.get(cause, 0) + workers}

    def refuse_calls(self, calls: dict[str, int]) -> None:
        """Counts system calls of its workers that were refused, by name."""
        self.records += 1
        self.refused_calls = {name: self.refused_calls.get(name, 0) + calls.get(name, 0)
                              for name in (*self.refused_calls, *calls)}  # fmt: skip

    def note(self, now_ns: int, kind: str, **fields: Any) -> None:
        """Appends to the history that q_events shows; the oldest event gives way to one too many."""
        self.events.append(JobEvent(self.last_seq + 1, now_ns / 1e9, kind, fields))
        if len(self.events) > LIMITS.job_events:
            del self.events[0]
            self.dropped += 1

    def comparable(self) -> dict[str, Any]:
        """All that a replay of the journal must rebuild."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in _PASSING}


def relabel(job: Job, tags: tuple[str, ...]) -> None:
    job.submitted, job.labelled = msgspec.structs.replace(job.submitted, tags=tags), True


_PASSING = frozenset(("epochs_behind", "fence", "id", "records", "seed", "shots", "shots_done", "tenant"))
"""What of a job is not in the journal, or is twice."""
