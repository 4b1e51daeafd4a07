"""Launches in one worker process, waited for without an event loop: the embedded mode's way to keep a program apart."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Mapping

from qmk.base.errors import QmkError
from qmk.host import machine, spawn
from qmk.host.launcher import Capacity, Listener, ask_of, plan_name, run_of
from qmk.host.spawn import LAST_WORDS_BYTES, end_text
from qmk.kernel.effects import Interrupt, Launch
from qmk.worker.messages import Ask, Done, Failed, FromWorker, NotDone, Ready, Run, RunProgress, StateSaved
from qmk.worker.wire import Unframer, WireError, frame

RECEIVE_BYTES = 1 << 18
ENDING_S = 1.0


class _Worker:
    """A worker process and what it has said so far."""

    def __init__(self, engine: str, child: spawn.Child) -> None:
        self.engine = engine
        self.child = child
        self.ready = False
        self.version = ""
        self.complaint: Failed | None = None
        self.holds: set[str] = set()
        self.words = bytearray()
        self._unframer: Unframer[FromWorker] = Unframer(FromWorker)
        self._poll = select.poll()
        self._poll.register(self.child.sock, select.POLLIN)
        self._poll.register(self.child.stderr_fd, select.POLLIN)

    def receive(self, timeout_s: float | None) -> list[FromWorker]:
        """What it says within ``timeout_s``. Raises EOFError when it is gone."""
        readable = {fd for fd, _ in self._poll.poll(None if timeout_s is None else timeout_s * 1e3)}
        if self.child.stderr_fd in readable:
            self._hear_words()
        if self.child.sock.fileno() not in readable:
            return []
        try:
            data = self.child.sock.recv(RECEIVE_BYTES)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        return self._unframer.feed(data)

    def _hear_words(self) -> None:
        words = os.read(self.child.stderr_fd, 1 << 16)
        self.words += words
        del self.words[:-LAST_WORDS_BYTES]
        if not words:
            self._poll.unregister(self.child.stderr_fd)

    def end(self, grace_s: float = 0.0) -> int:
        """Kill it, wait until it is gone, give its status; ``grace_s`` lets it end by itself, with its own status."""
        status, words = self.child.end(grace_s)
        self.words += words
        return status


_Task = tuple[Launch, bytes, bytes | None]
"""A launch, its graph, and the state to continue from."""


class IsolatedLauncher:
    """One worker at a time; another engine's replaces it. ``started`` is an engine and its first worker."""

    def __init__(
        self,
        listener: Listener,
        threads: int,
        external: dict[str, spawn.External],
        started: tuple[str, spawn.Child] | None = None,
    ) -> None:
        self._listener = listener
        self._threads = threads
        self._external = external
        self._queue: deque[_Task] = deque()
        self._current: _Task | None = None
        self._waited_s = 0.0
        self._worker: _Worker | None = None if started is None else _Worker(*started)

    @property
    def pid(self) -> int | None:
        """Process id of the worker, when there is one."""
        return None if self._worker is None else self._worker.child.pid

    def _have(self, engine: str) -> None:
        """Make the worker one of ``engine``."""
        if self._worker is None or self._worker.engine != engine:
            self._end()
            self._worker = _Worker(engine, spawn.worker(engine, self._threads, self._external.get(engine)))

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        self._queue.append((launch, graph, state))

    def interrupt(self, interrupt: Interrupt) -> None:
        if self._runs(interrupt.job, interrupt.fence):
            self._tell(ask_of(interrupt))
        else:
            refusal = NotDone(interrupt.fence, interrupt.ref, "it has not begun")
            self._listener.not_done(interrupt.job, interrupt.fence, refusal)

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        self._queue = deque(task for task in self._queue if (task[0].job, task[0].fence) != (job, fence))
        if self._runs(job, fence):
            self._current = None
            self._end()

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        tasks = [*self._queue, *([self._current] if self._current else [])]
        return [(launch.job, launch.fence) for launch, *_ in tasks]

    def capacity(self) -> Capacity:
        return Capacity(1, int(self._current is not None), len(self._queue))

    def waited_s(self, job: str, fence: int) -> float:
        if self._worker is None or not self._runs(job, fence):
            return 0.0
        return machine.processor_wait_s(self._worker.child.pid) - self._waited_s

    def _runs(self, job: str, fence: int) -> bool:
        return self._current is not None and (self._current[0].job, self._current[0].fence) == (job, fence)

    def step(self, timeout_s: float | None) -> None:
        """Start what waits, then listen for at most ``timeout_s``."""
        if self._current is None:
            assert self._queue, "nothing runs and nothing waits, so nothing can answer"
            self._begin(self._queue.popleft())
            return
        assert self._worker is not None
        try:
            messages = self._worker.receive(timeout_s)
        except (EOFError, WireError):
            self._lost()
            return
        except BaseException:
            self._end()  # interrupted: nobody will ask for this answer again
            raise
        for message in messages:
            self._heard(message)

    def close(self) -> None:
        self._queue.clear()
        self._current = None
        self._end()

    def _begin(self, task: _Task) -> None:
        self._current = task
        launch, graph, state = task
        try:
            self._have(launch.engine)
        except QmkError as error:
            self._current = None
            failed = Failed(launch.fence, error.kind.name, error.message)
            self._listener.failed(launch.job, launch.fence, failed, died=False)
            return
        assert self._worker is not None
        if self._worker.ready:
            self._listener.started(launch.job, launch.fence)
        self._waited_s = machine.processor_wait_s(self._worker.child.pid)
        holds = plan_name(launch) in self._worker.holds
        self._worker.holds.add(plan_name(launch))
        self._tell(run_of(launch, None if holds else graph, state))

    def _tell(self, message: Run | Ask) -> None:
        assert self._worker is not None
        try:
            self._worker.child.sock.sendall(frame(message))
        except (BrokenPipeError, ConnectionResetError):
            return  # it is gone; listening to it will say so

    def _heard(self, message: FromWorker) -> None:
        assert self._worker is not None
        if isinstance(message, Ready):
            self._worker.ready, self._worker.version = True, message.version
            if self._current is not None:  # what its library took to load is no time of the launch
                self._listener.started(self._current[0].job, self._current[0].fence)
            return
        if self._current is None or message.fence != self._current[0].fence:
            if isinstance(message, Failed):
                self._worker.complaint = message
            return
        launch, graph, state = self._current
        job, fence = launch.job, launch.fence
        if isinstance(message, RunProgress):
            self._listener.progressed(job, fence, message.shots_done, message.epoch)
        elif isinstance(message, NotDone):
            self._listener.not_done(job, fence, message)
        elif isinstance(message, StateSaved) and not message.stopped:
            self._listener.saved(job, fence, message)
        elif isinstance(message, Failed) and message.missing_graph:
            self._tell(run_of(launch, graph, state))
        else:
            self._current = None
            if isinstance(message, Done):
                self._listener.done(job, fence, message, self._worker.version)
            elif isinstance(message, StateSaved):
                self._listener.saved(job, fence, message)
            else:
                self._worker.holds.clear()
                self._listener.failed(job, fence, message, died=False)

    def _lost(self) -> None:
        """The worker ended that nobody had told to."""
        assert self._worker is not None
        assert self._current is not None
        worker, launch = self._worker, self._current[0]
        self._worker = self._current = None
        status = worker.end(ENDING_S)
        if worker.complaint is not None:
            message = f"engine '{worker.engine}' cannot start: {worker.complaint.message}"
            failed = Failed(launch.fence, "JOB_FAILED", message)
            self._listener.failed(launch.job, launch.fence, failed, died=False)
            return
        words = worker.words.decode(errors="replace").strip()
        failed = Failed(
            launch.fence,
            "JOB_FAILED",
            f"the worker of engine '{worker.engine}' {end_text(status)}",
            {"engine": worker.engine, "last_words": words[-2000:]},
        )
        self._listener.failed(launch.job, launch.fence, failed, died=True)

    def _end(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.end()
