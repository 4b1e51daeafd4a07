"""The kernel inside a script: no daemon, no socket, no thread, no event loop.

The same host and kernel as the daemon's run here; the journal is in memory, and launches are carried out while the
caller waits: by this very process, or by a worker process when the program is to be kept apart from the script or to
be stopped at a time limit.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from qmk.abi.calls import q_negotiate_caps, q_submit, q_wait
from qmk.base.errors import QmkError
from qmk.host import machine
from qmk.host.host import Host, Turns
from qmk.host.isolated import IsolatedLauncher
from qmk.host.journal import MemoryJournal
from qmk.host.launcher import Capacity, Launcher, Listener
from qmk.host.routing import Routing
from qmk.host.spawn import Child, External
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, unpack
from qmk.sdk import interpreters
from qmk.worker.failure import failure
from qmk.worker.messages import Done, Failed, NotDone, StateSaved

if TYPE_CHECKING:
    from qmk.sdk.engine import Declaration
    from qmk.worker.runner import Runner

CONNECTION = 1
HEARTBEAT_S = 0.2
"""how often a waiting caller who wants progress hears of a launch in a worker process, at least"""


class LocalLauncher(Launcher, Protocol):
    """Runs launches while the caller waits. ``step`` does some work, for at most ``timeout_s`` when it can tell."""

    def step(self, timeout_s: float | None) -> None: ...
    def close(self) -> None: ...


class InProcessLauncher:
    """Runs each launch here and now, on an engine loaded into this process, always from its start: nothing can
    interrupt it, and nobody survives its death. Only engines of another Python go to ``away``, which has workers."""

    def __init__(self, listener: Listener, declarations: dict[str, Declaration], away: LocalLauncher) -> None:
        self._listener = listener
        self._declarations = declarations
        self._away = away
        self._queue: deque[tuple[Launch, bytes]] = deque()

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        if interpreters.path_of(launch.engine) is not None:
            self._away.launch(launch, graph, state)
        else:
            self._queue.append((launch, graph))

    def interrupt(self, interrupt: Interrupt) -> None:
        refusal = NotDone(interrupt.fence, interrupt.ref, "it runs in the process that asks, which cannot stop it")
        self._listener.not_done(interrupt.job, interrupt.fence, refusal)

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        self._queue = deque(task for task in self._queue if (task[0].job, task[0].fence) != (job, fence))
        self._away.cancel(job, fence, grace_s)

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        return [*((launch.job, launch.fence) for launch, _ in self._queue), *self._away.reconcile(fences)]

    def capacity(self) -> Capacity:
        return Capacity(1, 0, len(self._queue))

    def waited_s(self, job: str, fence: int) -> float:
        return self._away.waited_s(job, fence)

    def step(self, timeout_s: float | None) -> None:
        if not self._queue:
            self._away.step(timeout_s)
            return
        launch, graph = self._queue.popleft()
        self._listener.started(launch.job, launch.fence)
        try:
            runner = _runner(self._declarations[launch.engine])
            done = runner.execute(
                None if runner.holds(launch.digest, launch.method, launch.tenant) else unpack(graph),
                launch.method,
                launch.shots,
                launch.seed,
                digest=launch.digest,
                keep_events=launch.keep_events,
                progress=lambda shots_done: self._listener.progressed(launch.job, launch.fence, shots_done),
                fence=launch.fence,
                outputs=launch.outputs,
                scope=launch.tenant,
            )
        except Exception as error:
            self._listener.failed(launch.job, launch.fence, failure(launch.fence, error), died=False)
        else:
            self._listener.done(launch.job, launch.fence, done, runner.version)

    def close(self) -> None:
        self._queue.clear()
        self._away.close()


_RUNNERS: dict[str, Runner] = {}
"""Engines loaded into this process, with the plans they keep."""


def _runner(declaration: Declaration) -> Runner:
    from qmk.worker.runner import Runner

    if declaration.name not in _RUNNERS or _RUNNERS[declaration.name].declaration is not declaration:
        _RUNNERS[declaration.name] = Runner(declaration)
    return _RUNNERS[declaration.name]


class _LocalTimers:
    """Timers that are looked at between steps."""

    def __init__(self) -> None:
        self._due_ns: dict[str, int] = {}

    def set(self, key: str, at_ns: int) -> None:
        self._due_ns[key] = at_ns

    def clear(self, key: str) -> None:
        self._due_ns.pop(key, None)

    def next_s(self) -> float | None:
        """Seconds to the next timer."""
        return max(0.0, (min(self._due_ns.values()) - time.time_ns()) / 1e9) if self._due_ns else None

    def take_due(self) -> list[str]:
        now_ns = time.time_ns()
        due = sorted((at_ns, key) for key, at_ns in self._due_ns.items() if at_ns <= now_ns)
        for _, key in due:
            del self._due_ns[key]
        return [key for _, key in due]


class EmbeddedKernel:
    """One kernel in this process, for one caller at a time.

    ``isolate`` runs engines in worker processes, which ``timeout_ms`` needs. ``started`` is an engine's name and a
    worker of it that has been started already.
    """

    def __init__(
        self,
        *,
        isolate: bool = False,
        started: tuple[str, Child] | None = None,
        engines: dict[str, External] | None = None,
    ) -> None:
        self._answers: dict[int, Any] = {}
        self._refs = itertools.count(1)
        self._turn: deque[Callable[[], None]] = deque()
        self._timers = _LocalTimers()
        self._progress: Callable[[int], None] | None = None
        self._shots_done = 0
        self.journal = MemoryJournal()
        memory = machine.memory_bytes()
        self._host = Host(
            Kernel(KernelConfig(workers=1, memory_bytes=memory), STANDARD),
            self.journal,
            Routing(memory, 1, engines or {}),
            self,
            self._timers,
            Turns(schedule=self._turn.append),
        )
        self._launcher: LocalLauncher
        workers = IsolatedLauncher(self, machine.cpus(), engines or {}, started)
        self._launcher = workers if isolate else InProcessLauncher(self, self._host.routing.declarations, workers)
        self._host.connect(self._launcher)
        self._session = self.call("q_negotiate_caps", q_negotiate_caps.Request()).session_id

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self._answers[ref] = result

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        self._answers[ref] = error

    def started(self, job: str, fence: int) -> None:
        self._host.launches.started(job, fence)

    def progressed(self, job: str, fence: int, shots_done: int, epoch: int = 0) -> None:
        self._shots_done = shots_done
        self._host.launches.progressed(job, fence, shots_done, epoch)
        if self._progress is not None:
            self._progress(shots_done)

    def saved(self, job: str, fence: int, saved: StateSaved) -> None:
        self._host.launches.saved(job, fence, saved)

    def not_done(self, job: str, fence: int, refusal: NotDone) -> None:
        self._host.launches.not_done(job, fence, refusal)

    def done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        self._host.launches.done(job, fence, done, version, hedge)

    def failed(self, job: str, fence: int, failed: Failed, died: bool) -> None:
        self._host.launches.failed(job, fence, failed, died)

    def submit(self, graph: Graph, **fields: Any) -> q_submit.Reply:
        """q_submit; ``fields`` are those of its request."""
        return self.call("q_submit", q_submit.Request(session_id=self._session, **fields), graph)

    def wait(self, job: str, progress: Callable[[int], None] | None = None) -> q_wait.Reply:
        """q_wait, while which the job is run. ``progress`` gets the number of shots done, and of a worker process every
        ``HEARTBEAT_S`` even when there is no news."""
        self._progress, self._shots_done = progress, 0
        return self.call("q_wait", q_wait.Request(session_id=self._session, job_id=job))

    def call(self, method: str, request: Any, graph: Graph | None = None) -> Any:
        """Any call, and its answer; raises the error it is answered with."""
        ref = next(self._refs)
        self._host.call(CONNECTION, ref, method, request, graph)
        while True:
            while self._turn:
                self._turn.popleft()()
            if ref in self._answers:
                break
            self._launcher.step(self._patience_s())
            if self._progress is not None:
                self._progress(self._shots_done)
            for key in self._timers.take_due():
                self._host.timer_fired(key)
        answer = self._answers.pop(ref)
        if isinstance(answer, QmkError):
            raise answer
        return answer

    def _patience_s(self) -> float | None:
        """For how long a step may listen."""
        next_s = self._timers.next_s()
        if self._progress is None:
            return next_s
        return HEARTBEAT_S if next_s is None else min(next_s, HEARTBEAT_S)

    def close(self) -> None:
        """End the worker, if there is one, and forget everything."""
        self._launcher.close()
        self.journal.close()
