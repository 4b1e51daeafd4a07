"""What bounds the pool, and what it keeps of each launch and of each worker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from qmk.base.isolation import Level
from qmk.host.isolation.refusals import RefusedCalls
from qmk.host.launcher import Loss
from qmk.host.process import ChildProcess
from qmk.host.watch import LOOK_EVERY_S, Watch
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.worker.messages import Failed

HELD_PROGRAMS = 16
"""Programs that a worker is trusted to still hold; it says so when it does not."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``slots`` launches run at once, ``processes`` exist at most, each with ``threads`` numerical threads; the
    launches running together may be predicted to need ``memory_bytes`` (0: no bound; one alone may try). A worker
    idle for ``idle_s`` is ended; each is looked at every ``look_s``, and gives way to other processes by ``nice``."""

    slots: int
    processes: int
    threads: int
    memory_bytes: int
    idle_s: float
    look_s: float = LOOK_EVERY_S
    nice: int = 0


@dataclass(slots=True, eq=False)
class Task:
    """A launch with what it needs; ``asks`` are interrupts that it has not answered. ``hedge``: it is the second engine
    of its launch; ``partner`` is the other of the two while that goes on, ``failure`` how it ended before this one."""

    launch: Launch
    graph: bytes
    state: bytes | None
    asks: list[Interrupt] = field(default_factory=list[Interrupt])
    hedge: Alternative | None = None
    partner: Task | None = None
    failure: tuple[Failed, Loss | None] | None = None

    def is_launch(self, job: str, fence: int) -> bool:
        return (self.launch.job, self.launch.fence) == (job, fence)


@dataclass(slots=True, eq=False)
class Worker:
    """One process. ``task`` is the launch it runs or, while it is starting, will run. ``tenant`` is whom it serves,
    None before its first launch: what it keeps is no other's. ``process`` is None while a zygote makes it."""

    engine: str
    level: Level = "process"
    tenant: str | None = None
    process: ChildProcess | None = None
    version: str = ""
    ready: bool = False
    task: Task | None = None
    holds: deque[str] = field(default_factory=lambda: deque(maxlen=HELD_PROGRAMS))
    used_s: float = 0.0
    waited_s: float = 0.0
    """How long the worker had waited for a processor when its launch began."""
    complaint: Failed | None = None
    watch: Watch | None = None
    refused: RefusedCalls | None = None
    """What its jail refuses; None at level ``process``."""


End = tuple[Failed, Loss | None]
"""How a launch failed on one engine."""
CAUSES = ("crashed", "memory", "killed", None)


def choose_end(ends: list[End]) -> End:
    """Of the ends of both engines of a launch, that which stands first in ``CAUSES``, with the workers lost so."""
    first, loss = min(ends, key=lambda end: CAUSES.index(end[1] and end[1].cause))
    if loss is not None:
        loss = Loss(loss.cause, sum(end[1] is not None and end[1].cause == loss.cause for end in ends))
    return first, loss
