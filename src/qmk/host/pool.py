"""The pool: warm worker processes, at most so many, and the launches that wait for one.

A worker loads one engine once and runs one job at a time. A launch takes an idle worker of its engine, best one that
already holds its program; else a new worker is started, for which the idle one unused for longest is ended when there
are too many. Launches start in the order given, within the slots and the memory of the machine. Cancelling kills the
process. What the pool learns goes to ``Listener``; a launch that was killed is never spoken of again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qmk.base.errors import QmkError
from qmk.host import spawn
from qmk.host.host import Listener
from qmk.host.process import ChildProcess
from qmk.host.spawn import end_text
from qmk.kernel.effects import Launch
from qmk.sdk.messages import Done, Failed, FromWorker, Ready, Run, RunProgress

log = logging.getLogger("qmk.pool")
HELD_PROGRAMS = 16
"""Programs that a worker is trusted to still hold; it says so when it does not."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """``slots`` launches run at once, ``processes`` exist at most, each with ``threads`` numerical threads; the
    launches running together may be predicted to need ``memory_bytes`` (0: no bound; one alone may try). A worker
    idle for ``idle_s`` is ended."""

    slots: int
    processes: int
    threads: int
    memory_bytes: int
    idle_s: float


@dataclass(slots=True, eq=False)
class Worker:
    """One process. ``task`` is the launch it runs or, while it is starting, will run."""

    engine: str
    process: ChildProcess | None = None
    version: str = ""
    ready: bool = False
    task: tuple[Launch, bytes] | None = None
    holds: deque[str] = field(default_factory=lambda: deque(maxlen=HELD_PROGRAMS))
    used_s: float = 0.0
    complaint: Failed | None = None


class Pool:
    def __init__(self, bounds: Bounds, listener: Listener, external: dict[str, spawn.External] | None = None) -> None:
        self._bounds = bounds
        self._listener = listener
        self._external = external or {}
        self._loop = asyncio.get_running_loop()
        self._workers: list[Worker] = []
        self._dying: set[Worker] = set()
        self._queue: deque[tuple[Launch, bytes]] = deque()
        self._ended: asyncio.Future[None] | None = None
        self._sweeper = self._loop.call_later(bounds.idle_s, self._sweep)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that exist."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    @property
    def running(self) -> int:
        return sum(worker.task is not None for worker in self._workers)

    def launch(self, launch: Launch, graph: bytes) -> None:
        """Run ``launch`` as soon as there is room."""
        self._queue.append((launch, graph))
        self._pump()

    def kill(self, job: str, fence: int) -> None:
        """Stop that launch at once, wherever it is."""
        for task in self._queue:
            if (task[0].job, task[0].fence) == (job, fence):
                self._queue.remove(task)
                return
        for worker in self._workers:
            if worker.task is not None and (worker.task[0].job, worker.task[0].fence) == (job, fence):
                worker.task = None
                self._end(worker)
                self._pump()
                self._replace(worker.engine)
                return

    def prestart(self, engine: str) -> None:
        """Have a warm worker of ``engine`` unless there is one."""
        if self._ended is None and not any(worker.engine == engine for worker in self._workers):
            self._start(engine)

    async def close(self) -> None:
        """Kill every worker and return when all are gone."""
        self._sweeper.cancel()
        self._queue.clear()
        self._ended = self._loop.create_future()
        for worker in list(self._workers):
            worker.task = None
            self._end(worker)
        if self._dying:
            await self._ended

    def _pump(self) -> None:
        while self._queue and self._ended is None:
            launch, graph = self._queue[0]
            tasks = [worker.task[0] for worker in self._workers if worker.task is not None]
            if len(tasks) >= self._bounds.slots:
                return
            limit = self._bounds.memory_bytes
            if limit and tasks and sum(task.memory_bytes for task in tasks) + launch.memory_bytes > limit:
                return
            self._queue.popleft()
            self._assign(launch, graph)

    def _assign(self, launch: Launch, graph: bytes) -> None:
        worker = self._idle(launch)
        if worker is None:
            try:
                worker = self._start(launch.engine)
            except QmkError as error:
                self._listener.failed(launch, Failed(launch.fence, error.kind.name, error.message), died=False)
                return
        worker.task = (launch, graph)
        if worker.ready:
            self._run(worker)

    def _idle(self, launch: Launch) -> Worker | None:
        """An idle worker of the engine: one that holds the program, else a ready one, else one that is starting."""
        idle = [worker for worker in self._workers if worker.engine == launch.engine and worker.task is None]
        return max(idle, key=lambda worker: (launch.digest in worker.holds, worker.ready), default=None)

    def _start(self, engine: str) -> Worker:
        self._make_room()
        worker = Worker(engine, used_s=self._loop.time())
        child = spawn.worker(engine, self._bounds.threads, self._external.get(engine))
        worker.process = ChildProcess(
            child, FromWorker, lambda message: self._heard(worker, message), lambda status: self._gone(worker, status)
        )
        self._workers.append(worker)
        return worker

    def _make_room(self) -> None:
        idle = sorted((worker for worker in self._workers if worker.task is None), key=lambda worker: worker.used_s)
        excess = len(self._workers) + 1 - self._bounds.processes
        for worker in idle[: max(0, excess)]:
            self._end(worker)

    def _replace(self, engine: str) -> None:
        """Start another worker of ``engine`` for the next job, if there is room and none is left."""
        if len(self._workers) < self._bounds.processes:
            try:
                self.prestart(engine)
            except QmkError as error:
                log.warning("no spare worker of engine %s: %s", engine, error)

    def _run(self, worker: Worker, with_graph: bool = False) -> None:
        assert worker.task is not None
        assert worker.process is not None
        launch, graph = worker.task
        holds = launch.digest in worker.holds and not with_graph
        if not holds:
            worker.holds.append(launch.digest)
        worker.used_s = self._loop.time()
        if not with_graph:
            self._listener.started(launch)
        worker.process.send(
            Run(
                fence=launch.fence,
                digest=launch.digest,
                graph=None if holds else graph,
                method=launch.method,
                shots=launch.shots,
                seed=launch.seed,
                keep_events=launch.keep_events,
            )
        )

    def _heard(self, worker: Worker, message: FromWorker) -> None:
        if isinstance(message, Ready):
            worker.ready, worker.version = True, message.version
            if worker.task is not None:
                self._run(worker)
            return
        if worker.task is None or message.fence != worker.task[0].fence:
            if isinstance(message, Failed) and not worker.ready:
                worker.complaint = message
            return
        launch = worker.task[0]
        if isinstance(message, RunProgress):
            self._listener.progressed(launch, message.shots_done)
        elif isinstance(message, Failed) and message.missing_graph:
            self._run(worker, with_graph=True)
        elif isinstance(message, Done | Failed):
            worker.task = None
            worker.used_s = self._loop.time()
            if isinstance(message, Done):
                self._listener.done(launch, message, worker.version)
            else:
                worker.holds.clear()
                self._listener.failed(launch, message, died=False)
            self._pump()

    def _end(self, worker: Worker) -> None:
        """Take the worker out and kill it; ``_gone`` follows."""
        assert worker.process is not None
        self._workers.remove(worker)
        self._dying.add(worker)
        worker.process.kill()

    def _gone(self, worker: Worker, status: int) -> None:
        if worker in self._dying:
            self._dying.discard(worker)
            if self._ended is not None and not self._dying and not self._ended.done():
                self._ended.set_result(None)
            return
        self._workers.remove(worker)
        self._lost(worker, status)
        self._pump()

    def _lost(self, worker: Worker, status: int) -> None:
        """A worker ended that nobody had told to."""
        assert worker.process is not None
        words = worker.process.last_words
        log.warning("worker %d of engine %s %s%s", worker.process.pid, worker.engine, end_text(status), _below(words))
        if worker.task is None:
            return
        launch = worker.task[0]
        if worker.complaint is not None:
            complaint = worker.complaint
            message = f"engine '{worker.engine}' cannot start: {complaint.message}"
            self._listener.failed(launch, Failed(launch.fence, "JOB_FAILED", message, complaint.fields), died=False)
            return
        message = f"the worker of engine '{worker.engine}' {end_text(status)}"
        fields: dict[str, Any] = {"engine": worker.engine, "last_words": words[-2000:]}
        self._listener.failed(launch, Failed(launch.fence, "JOB_FAILED", message, fields), died=True)

    def _sweep(self) -> None:
        """End the workers that nobody has used for long."""
        before = self._loop.time() - self._bounds.idle_s
        for worker in [worker for worker in self._workers if worker.task is None and worker.used_s < before]:
            self._end(worker)
        self._sweeper = self._loop.call_later(self._bounds.idle_s, self._sweep)

    def prestart_all(self, engines: Iterable[str]) -> None:
        for engine in engines:
            self.prestart(engine)


def _below(words: str) -> str:
    return "; its last words:\n" + words if words else ""
