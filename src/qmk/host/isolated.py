"""Runs programs in a worker process without an event loop, so that a script can keep them apart from itself and stop
them at a time limit."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host import spawn
from qmk.host.spawn import LAST_WORDS_BYTES, end_text
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker.messages import Done, Failed, FromWorker, Ready, Run, RunProgress
from qmk.worker.wire import Unframer, WireError, frame

ENDING_S = 1.0
HEARTBEAT_S = 0.2
"""How often a caller who wants progress hears of a run, at least."""


class _Lost(Exception):
    """The worker ended unexpectedly."""


class _Worker:
    """A worker process and what it has said so far."""

    def __init__(self, engine: str, child: spawn.Child) -> None:
        self.engine = engine
        self.child = child
        self.version = ""
        self.complaint: Failed | None = None
        self.words = bytearray()
        self._unframer: Unframer[FromWorker] = Unframer(FromWorker)
        self._poll = select.poll()
        self._poll.register(self.child.sock, select.POLLIN)
        self._poll.register(self.child.stderr_fd, select.POLLIN)

    def receive(self, timeout_s: float | None) -> list[FromWorker]:
        """The next message within ``timeout_s``. Raises ``_Lost`` when the worker is gone."""
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
            raise _Lost
        try:
            return self._unframer.feed(data)
        except WireError as broken:
            raise _Lost from broken

    def send(self, run: Run) -> None:
        try:
            self.child.sock.sendall(frame(run))
        except (BrokenPipeError, ConnectionResetError):
            return  # it is gone; listening to it will say so

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


class Isolated:
    """Keeps one worker at a time; one of another engine replaces it. ``started`` is an engine and its first worker."""

    def __init__(
        self,
        threads: int,
        external: Mapping[str, spawn.External] | None = None,
        started: tuple[str, spawn.Child] | None = None,
    ) -> None:
        self._threads = threads
        self._external = external or {}
        self._worker: _Worker | None = None if started is None else _Worker(*started)

    def run(
        self,
        engine: str,
        run: Run,
        *,
        deadline_s: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Done, str]:
        """The worker's answer and the version of its library. ``deadline_s`` is on the monotonic clock; at that time,
        and when this thread is interrupted, the worker and all it started are killed. A worker that dies is replaced,
        ``job_attempts`` times in all. ``progress`` hears the shots done, every ``HEARTBEAT_S`` even without news.

        Raises ``QmkError``: TIMEOUT, JOB_FAILED, and what the engine says.
        """
        for attempt in range(1, LIMITS.job_attempts + 1):
            worker = self._worker_of(engine)
            try:
                answer = self._await(worker, run, deadline_s, progress)
            except _Lost:
                error = self._bury(worker)
                if "last_words" not in error.fields:
                    raise error from None
                if attempt == LIMITS.job_attempts:
                    message = (
                        f"the worker of engine '{engine}' died in {attempt} of {attempt} attempts: {error.message}"
                    )
                    raise QmkError("JOB_FAILED", message, **error.fields, attempts=attempt) from None
                continue
            except BaseException:
                self.close()  # nobody will ask for this answer again
                raise
            if isinstance(answer, Failed):
                raise QmkError(answer.kind, answer.message, **answer.fields)
            return answer, worker.version
        raise AssertionError("the last attempt gave an answer or an error")

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.end()

    def _worker_of(self, engine: str) -> _Worker:
        if self._worker is None or self._worker.engine != engine:
            self.close()
            self._worker = _Worker(engine, spawn.worker(engine, self._threads, self._external.get(engine)))
        return self._worker

    def _await(
        self, worker: _Worker, run: Run, deadline_s: float | None, progress: Callable[[int], None] | None
    ) -> Done | Failed:
        worker.send(run)
        shots_done = 0
        while True:
            left_s = None if deadline_s is None else deadline_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                raise QmkError("TIMEOUT", "the run did not end within its time limit")
            beat_s = HEARTBEAT_S if progress is not None else None
            waits = [seconds for seconds in (left_s, beat_s) if seconds is not None]
            for message in worker.receive(min(waits, default=None)):
                if isinstance(message, Ready):
                    worker.version = message.version
                elif isinstance(message, RunProgress) and message.fence == run.fence:
                    shots_done = message.shots_done
                elif isinstance(message, Failed) and message.fence != run.fence:
                    worker.complaint = message
                elif isinstance(message, Done | Failed) and message.fence == run.fence:
                    return message
            if progress is not None:
                progress(shots_done)

    def _bury(self, worker: _Worker) -> QmkError:
        """The error that says why the worker ended; with ``last_words`` if the run may be tried again."""
        self._worker = None
        status = worker.end(ENDING_S)
        if worker.complaint is not None:
            return QmkError("JOB_FAILED", f"engine '{worker.engine}' cannot start: {worker.complaint.message}")
        words = worker.words.decode(errors="replace").strip()
        message = f"the worker of engine '{worker.engine}' {end_text(status)}"
        return QmkError("JOB_FAILED", message, engine=worker.engine, last_words=words[-2000:])
