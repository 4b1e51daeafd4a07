"""Runs programs in a worker process without an event loop, so that a script can keep them apart from itself and stop
them at a time limit."""

from __future__ import annotations

import os
import select
import time
from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import structs

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.base.limits import LIMITS
from qmk.host import spawn
from qmk.host.isolation.driver import Site
from qmk.host.isolation.policy import Isolation
from qmk.host.isolation.starter import Starter
from qmk.host.losses import UNKNOWN, Lost, Memory, judge_end
from qmk.host.machine import OutOfMemoryKills
from qmk.host.spawn import LAST_WORDS_BYTES
from qmk.host.watch import LOOK_EVERY_S, Watch
from qmk.kernel.events import Cause
from qmk.policy.refusals import lost_worker
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker.messages import Call, Done, Failed, FromAnyWorker, Ready, Reply, Run, RunProgress
from qmk.worker.wire import Unframer, WireError, frame

ENDING_S = 1.0
HEARTBEAT_S = 0.2
"""How often a caller who wants progress hears of a run, at least."""


class _Lost(Exception):
    """The worker ended unexpectedly, or will never answer, and why."""


class _Worker:
    """A worker process and what it has said so far."""

    def __init__(self, engine: str, child: spawn.Child, level: Level = "process") -> None:
        self.engine = engine
        self.level: Level = level
        self.child = child
        self.version = ""
        self.complaint: Failed | None = None
        self.words = bytearray()
        self.fault = ""
        self.watch = Watch(child.pid)
        self.kills = OutOfMemoryKills()
        self._unframer: Unframer[FromAnyWorker] = Unframer(FromAnyWorker)
        self._poll = select.poll()
        self._poll.register(self.child.sock, select.POLLIN)
        self._poll.register(self.child.stderr_fd, select.POLLIN)

    def receive(self, timeout_s: float) -> list[FromAnyWorker]:
        """The next message within ``timeout_s``. Raises ``_Lost`` when the worker is gone."""
        readable = {fd for fd, _ in self._poll.poll(timeout_s * 1e3)}
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
            self.fault = f"sent what is not a message: {broken}"
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
        self.watch.close()
        self.words += words
        return status


class Isolated:
    """Keeps one worker at a time; one of another engine replaces it. ``started`` is an engine and its first worker.
    ``isolation`` decides at which level workers run."""

    def __init__(
        self,
        threads: int,
        external: Mapping[str, spawn.External] | None = None,
        started: tuple[str, spawn.Child] | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self._starter = Starter(Site(threads, external=external or {}), isolation or Isolation())
        self._worker: _Worker | None = None if started is None else _Worker(*started)

    def run(
        self,
        engine: str,
        run: Run,
        *,
        deadline_s: float | None = None,
        progress: Callable[[int], None] | None = None,
        attempts: int | None = None,
        memory: Memory = UNKNOWN,
    ) -> tuple[Done, str]:
        """The worker's answer and the version of its library. ``deadline_s`` is on the monotonic clock; at that time,
        and when this thread is interrupted, the worker and all it started are killed. ``progress`` hears the shots
        done, every ``HEARTBEAT_S`` even without news. ``memory``: what the program is predicted to need, and may have.

        A worker that is lost is replaced, ``attempts`` times in all: one that crashed ``job_attempts`` times at most,
        one that was killed from outside, or never answers, ``job_kills`` times, one without memory not at all.

        Raises ``QmkError``: TIMEOUT, JOB_FAILED, RESOURCE_EXHAUSTED, and what the engine says.
        """
        lost: Counter[Cause] = Counter()
        while True:
            worker = self._worker_of(engine)
            kills = worker.kills.count()
            try:
                answer = self._await(worker, run, deadline_s, progress)
            except _Lost as end:
                loss = self._bury(worker, kills, memory, str(end))
                if loss is None:
                    continue
                lost[loss.cause] += 1
                total = lost.total()
                if lost[loss.cause] < _MOST[loss.cause] and total < (attempts or _MOST["killed"]):
                    continue
                fields = {**loss.error.fields, "attempts": total}
                raise lost_worker(loss.cause, loss.error.message, fields, lost[loss.cause]) from None
            except BaseException:
                self.close()  # nobody will ask for this answer again
                raise
            if isinstance(answer, Failed):
                answer = memory.explain(answer)
                raise QmkError(answer.kind, answer.message, **answer.fields)
            return structs.replace(answer, isolation=worker.level), worker.version

    def close(self) -> None:
        """End the worker, if there is one."""
        with spawn.hold_interrupts():
            if self._worker is not None:
                worker, self._worker = self._worker, None
                worker.end()

    def _worker_of(self, engine: str) -> _Worker:
        if self._worker is None or self._worker.engine != engine:
            self.close()
            with spawn.hold_interrupts():
                child, level = self._starter.single(engine)
                self._worker = _Worker(engine, child, level)
        return self._worker

    def _await(
        self, worker: _Worker, run: Run, deadline_s: float | None, progress: Callable[[int], None] | None
    ) -> Done | Failed:
        worker.send(run)
        shots_done = 0
        next_look_s = time.monotonic() + LOOK_EVERY_S
        while True:
            now_s = time.monotonic()
            if deadline_s is not None and now_s >= deadline_s:
                raise QmkError("TIMEOUT", "the run did not end within its time limit")
            if now_s >= next_look_s:
                next_look_s = now_s + LOOK_EVERY_S
                why = worker.watch.look()
                if why:
                    raise _Lost(why)
            ends = [end_s for end_s in (deadline_s, next_look_s) if end_s is not None]
            wait_s = max(0.0, min(ends) - now_s)
            for message in worker.receive(wait_s if progress is None else min(wait_s, HEARTBEAT_S)):
                if isinstance(message, Ready):
                    worker.version = message.version
                elif isinstance(message, RunProgress) and message.fence == run.fence:
                    shots_done = message.shots_done
                elif isinstance(message, Failed) and message.fence != run.fence:
                    worker.complaint = message
                elif isinstance(message, Call):  # of a script, whose runs only a daemon carries out
                    worker.child.sock.sendall(frame(Reply(message.fence, b"")))
                elif isinstance(message, Done | Failed) and message.fence == run.fence:
                    return message
            if progress is not None:
                progress(shots_done)

    def _bury(self, worker: _Worker, kills: int, memory: Memory, why: str) -> Lost | None:
        """Says why the worker ended; None where its level cannot hold the engine, which is remembered. ``why``: what
        was found wrong with it. Raises JOB_FAILED if it could not start."""
        with spawn.hold_interrupts():
            self._worker = None
            status = worker.end(0.0 if why else ENDING_S)
        if worker.complaint is not None and worker.complaint.kind == "UNSUPPORTED" and worker.level != "process":
            self._starter.isolation.note_unfit(worker.engine, worker.level, worker.complaint.message)
            return None
        if worker.complaint is not None:
            raise QmkError("JOB_FAILED", f"engine '{worker.engine}' cannot start: {worker.complaint.message}") from None
        if why:
            message = f"the worker of engine '{worker.engine}' {why}"
            return Lost("killed", QmkError("JOB_FAILED", message, engine=worker.engine))
        words = worker.words.decode(errors="replace").strip()
        return judge_end(worker.engine, status, words, worker.fault, worker.kills.count() > kills, memory)


_MOST: dict[Cause, int] = {"crashed": LIMITS.job_attempts, "killed": LIMITS.job_kills, "memory": 1}
"""Workers that one run may lose, by cause."""
