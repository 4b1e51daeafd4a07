"""What the kernel tells its scheduler, and what a scheduler may propose; and lists of ids that policy keeps in order.

Times are nanoseconds. A scheduler knows nothing of programs, results or sockets: a job is a ``Task``, and what becomes
of it comes in as one of these events. It lives outside the kernel, which checks every proposal (``dispatch``): a bad
scheduler can be unfair or slow, and nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import msgspec


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler knows of a job. ``cost_ns`` is its predicted engine time, ``qubits`` those alive at once;
    ``deadline_epochs`` counts scheduling epochs from acceptance. ``decoder_ppm``: the load that it puts on the decoder,
    in millionths of its time, of which an empty machine has room for ``capacity.DECODER_PPM``."""

    job: str
    tenant: str
    seq: int
    cost_ns: int
    memory_bytes: int = 0
    qubits: int = 0
    priority: int = 0
    deadline_epochs: int | None = None
    fenced: bool = False
    wanted_region: str = ""
    """Where it must be placed; empty: anywhere."""
    allowance: str = ""
    """Bounds that it shares with other jobs of its tenant (``AllowanceSet``); empty: none but the tenant's."""
    decoder_ppm: int = 0
    script: bool = False
    """It takes nothing of the machine but a place among ``LIMITS.running_scripts``."""


class _Event(msgspec.Struct, frozen=True, tag=True):
    pass


class Clock(_Event, frozen=True):
    """The wall clock, as the host read it. It may jump; the scheduler's own time never goes back."""

    now_ns: int


class ShareSet(_Event, frozen=True):
    """The tenant's weight, and how many of its jobs, with how many qubits, may be out at once."""

    tenant: str
    weight: float
    running_jobs: int
    running_qubits: int = 1 << 62


class AllowanceSet(_Event, frozen=True):
    """How many jobs of the allowance, with how many qubits, may be out at once; by default any number."""

    allowance: str
    running_jobs: int = 1 << 62
    running_qubits: int = 1 << 62


class Queued(_Event, frozen=True):
    """The job waits: for the first time, again after ``Stopped``, or still, and is wanted in another region. Its rank
    and its allowance are those of the first time, whatever the task says now. ``left_ns``: what it is predicted to take
    yet; 0: all of its cost, or what the scheduler has found."""

    task: Task
    left_ns: int = 0


class Settled(_Event, frozen=True):
    """The virtual times of tenants, and under the empty name ``v``: see ``Scheduler.accounts``."""

    times: dict[str, int]


class Left(_Event, frozen=True):
    """The job is over, or was cancelled: nothing of it stays."""

    job: str


class Started(_Event, frozen=True):
    """A worker took the job. A replay knows launches by this alone; then it also says where the job was placed."""

    job: str
    region: str = ""
    first_qubit: int = 0


class Stopped(_Event, frozen=True):
    """The launch is over and took ``used_ns`` of engine time. ``continued`` True: what it did is saved and need not be
    done again (it yielded at a fence)."""

    job: str
    used_ns: int
    continued: bool = False


class Declined(_Event, frozen=True):
    """The launch cannot yield: it runs to its end."""

    job: str


class Woken(_Event, frozen=True):
    """The timer that ``WakeAt`` asked for came, in time or, where the clock was set back, too early."""


Event = Clock | ShareSet | AllowanceSet | Queued | Settled | Left | Started | Stopped | Declined | Woken


class Place(_Event, frozen=True):
    """Launch the job, with its qubits at ``first_qubit`` and following of ``region``."""

    job: str
    region: str
    first_qubit: int


class Preempt(_Event, frozen=True):
    """Ask the job to yield at its next fence."""

    job: str


class WakeAt(_Event, frozen=True):
    """Decide again at this wall-clock time, the next edge of an epoch. It replaces what was asked before: when the
    clock is set back, the edge comes at an earlier time of it."""

    at_ns: int


Action = Place | Preempt | WakeAt


class Scheduler(Protocol):
    """Which waiting job is launched next, and where. The same events give the same actions, every time."""

    def apply(self, event: Event, /) -> None:
        """Takes in what happened, and decides nothing."""
        ...

    def decide(self) -> list[Action]:
        """Decides what to do now. The scheduler then supposes that it is done; the kernel tells it where it was not."""
        ...

    def place(self, job: str, /) -> tuple[int, int] | None:
        """How many of the tenant's own jobs are launched before it, and of others; None when it does not wait."""
        ...

    def start_ns(self, job: str, /) -> int:
        """Predicted wall-clock time of the waiting job's launch."""
        ...

    def figures(self, tenant: str, /) -> tuple[int, int]:
        """Jobs of the tenant that wait, and that are out."""
        ...

    def left_ns(self, job: str, /) -> int:
        """What the job is predicted to take yet."""
        ...

    def accounts(self) -> dict[str, int]:
        """What a replay of the journal's records rebuilds: the virtual times of tenants."""
        ...


class Index(Protocol):
    """Ids in groups, ordered by a moment. Whoever shows a row checks that the caller may see it."""

    def put(self, group: Hashable, at_ns: int, id: str, /) -> None: ...

    def drop(self, group: Hashable, at_ns: int, id: str, /) -> None: ...

    def oldest(self, group: Hashable, /) -> list[str]:
        """All ids of the group, oldest first."""
        ...

    def page(self, groups: Sequence[Hashable], cursor: str, limit: int, /) -> tuple[list[str], str | None]:
        """At most ``limit`` ids of these groups, newest first, from behind the cursor; and the next page's cursor."""
        ...
