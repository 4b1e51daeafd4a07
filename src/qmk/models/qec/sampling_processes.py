"""Worker processes that count batches of one run, and the order in which their counts are taken.

They are processes started by module name, not forks: a script that measures needs no ``__main__`` guard.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

import qmk
from qmk.base.errors import QmkError
from qmk.models.qec.batches import Batch
from qmk.models.qec.sampling_worker import Counted, Failed, Job, Ready, Reply

AHEAD = 2  # batches that a worker holds, so that it never waits for the next one


def environment() -> dict[str, str]:
    """This process's environment, in which a new process imports this very package."""
    paths = [str(Path(qmk.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


class Worker:
    """One process."""

    def __init__(self, job: Job) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qmk.models.qec.sampling_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        self.held = 0
        self._unread = b""
        self._say(msgspec.json.encode(job))

    def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.lost_error() from None

    def give(self, number: int, shots: int) -> None:
        self.held += 1
        self._say(f"{number} {shots}".encode())

    def replies(self) -> list[Reply]:
        """What has come in since; waits for something. Raises what the worker raised."""
        assert self.process.stdout is not None
        read = os.read(self.process.stdout.fileno(), 1 << 16)
        if not read:
            raise self.lost_error()
        *lines, self._unread = (self._unread + read).split(b"\n")
        found: list[Reply] = [msgspec.json.decode(line, type=Reply) for line in lines]
        for reply in found:
            if isinstance(reply, Failed):
                raise QmkError.from_dict(reply.error)
        return found

    def lost_error(self) -> QmkError:
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"a sampling process ended with status {self.process.wait()}; use fewer workers or a smaller circuit",
        )

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Pool:
    """Workers of one run. ``cpu_s``: CPU seconds of all processes, of batches in hand at the end as well as far as
    they were told."""

    def __init__(self, job: Job, workers: int) -> None:
        self.cpu_s = 0.0
        self._workers = [Worker(job) for _ in range(workers)]
        self._selector = selectors.DefaultSelector()
        for worker in self._workers:
            assert worker.process.stdout is not None
            self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for worker in self._workers:
            worker.end()

    def batches(self, schedule: Iterator[tuple[int, int]]) -> Iterator[Batch]:
        """The batches of ``schedule``, counted, in its order."""
        early: dict[int, Batch] = {}
        wanted = 0
        for _ in range(AHEAD):
            for worker in self._workers:
                self._deal(worker, schedule)
        while any(worker.held for worker in self._workers):
            for key, _ in self._selector.select():
                worker: Worker = key.data
                for reply in worker.replies():
                    self._take(worker, reply, early)
                    if isinstance(reply, Counted):
                        self._deal(worker, schedule)
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def _take(self, worker: Worker, reply: Reply, early: dict[int, Batch]) -> None:
        if isinstance(reply, Counted):
            worker.held -= 1
            early[reply.number] = Batch(reply.number, reply.shots, reply.errors_any, reply.errors, reply.cpu_s)
        if isinstance(reply, (Counted, Ready)):
            self.cpu_s += reply.cpu_s

    def _deal(self, worker: Worker, schedule: Iterator[tuple[int, int]]) -> None:
        following = next(schedule, None)
        if following is not None:
            worker.give(*following)
