"""What bounds the pool, and what it keeps of each launch and of each worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import structs

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.cgroup import Cgroup
from qmk.host.isolation.refusals import RefusedCalls
from qmk.host.launcher import Loss
from qmk.host.machine import processor_s
from qmk.host.process import ChildProcess
from qmk.host.watch import LOOK_EVERY_S, Watch, innermost, parent_of
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.sdk import discovery
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

    def second(self, to: Alternative) -> Task:
        """The task of the launch's second engine."""
        launch = structs.replace(
            self.launch, engine=to.engine, method=to.method, memory_bytes=to.memory_bytes, hedge=None
        )
        return Task(launch, self.graph, None, hedge=to, partner=self)

    def fail_with(self, error: QmkError) -> Failed:
        return Failed(self.launch.fence, error.kind.name, error.message, error.fields)

    def no_start(self, engine: str, why: Failed) -> Failed:
        message = f"engine '{engine}' cannot start: {why.message}"
        return Failed(self.launch.fence, "JOB_FAILED", message, why.fields)


def is_native(launch: Launch) -> bool:
    """Whether the launch is a script that runs as native code."""
    return launch.script and discovery.engine(launch.engine).native_code


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
    ran_s: float = 0.0
    """Processor time that it and its children had taken then; measured for native code alone."""
    complaint: Failed | None = None
    watch: Watch | None = None
    refused: RefusedCalls | None = None
    """What its jail refuses; None at level ``process``."""
    keeper: Watch | None = None
    """Looks at the first process of a jail, which hears of the end of the other."""
    group: Cgroup | None = None
    ran_out: bool = False
    """It was ended at the limit of its memory."""

    @property
    def launch_waited_s(self) -> float:
        """Seconds for which it was ready to run and had no processor, since its launch began."""
        return self.process.waited_s - self.waited_s if self.process is not None and self.ready else 0.0

    @property
    def launch_ran_s(self) -> float:
        """Seconds of processor time of its processes since its launch, which is native code, began."""
        return processor_s(self.process.pid) - self.ran_s if self.process is not None else 0.0

    def note_start(self, now_s: float) -> None:
        """Remembers when its launch begins, and what its processes have taken until then."""
        assert self.process is not None
        self.used_s, self.waited_s = now_s, self.process.waited_s
        if self.task is not None and is_native(self.task.launch):
            self.ran_s = processor_s(self.process.pid)

    def follow(self, pid: int, look_s: float, group: Callable[..., Cgroup | None]) -> None:
        """Has the process that computes be looked at, and bounded by ``group``: in a jail the child of the first
        process. A virtual machine (``pid`` 0) has a bound of its own."""
        if self.process is not None and not pid:
            self.keeper, self.watch = self.watch, Watch(innermost(self.process.pid), look_s)
        elif self.level != "process" and self.process is not None and parent_of(pid) == self.process.pid:
            self.process.measure(pid)
            self.keeper, self.watch = self.watch, Watch(pid, look_s)
            self.group = group(self.process.pid, pid)

    def look(self) -> str:
        """Looks at its processes; says what is wrong, once it is certain that it will never answer."""
        if self.process is None or self.watch is None:
            return ""
        waits = self.ready and self.task is not None and not self.task.asks and self.process.unread
        return self.watch.look(waits) or (self.keeper.look() if self.keeper is not None else "")

    def close(self) -> None:
        """Ends the looks and the group, after its processes have ended, and tells what was refused."""
        if self.refused is not None:
            self.refused.end()
        if self.group is not None:
            self.ran_out = self.group.kills() > 0
            self.group.remove()
        for watch in (self.watch, self.keeper):
            if watch is not None:
                watch.close()


End = tuple[Failed, Loss | None]
"""How a launch failed on one engine."""
CAUSES = ("crashed", "memory", "killed", None)


def choose_end(ends: list[End]) -> End:
    """Of the ends of both engines of a launch, that which stands first in ``CAUSES``, with the workers lost so."""
    first, loss = min(ends, key=lambda end: CAUSES.index(end[1] and end[1].cause))
    if loss is not None:
        loss = Loss(loss.cause, sum(end[1] is not None and end[1].cause == loss.cause for end in ends))
    return first, loss
