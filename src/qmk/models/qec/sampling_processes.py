"""Worker processes that count batches of one run, and the order in which their counts are taken."""

from __future__ import annotations

import selectors
from collections.abc import Iterator

from qmk.models.qec.batches import Batch
from qmk.models.qec.processes import Process
from qmk.models.qec.sampling_worker import Job, Ready

AHEAD = 2  # batches that a worker holds, so that it never waits for the next one


class Worker(Process):
    """A process with batches in hand."""

    def __init__(self, job: Job) -> None:
        super().__init__("qmk.models.qec.sampling_worker", job, Batch | Ready, "sampling")
        self.held = 0

    def give(self, number: int, shots: int) -> None:
        self.held += 1
        self.say(f"{number} {shots}".encode())


class Pool:
    """Workers of one run. ``cpu_s``: CPU seconds of all processes, of batches in hand at the end as well as far as
    they were told."""

    def __init__(self, job: Job, workers: int) -> None:
        self.cpu_s = 0.0
        self._workers = [Worker(job) for _ in range(workers)]
        self._selector = selectors.DefaultSelector()
        for worker in self._workers:
            self._selector.register(worker.output, selectors.EVENT_READ, worker)

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
                    self.cpu_s += reply.cpu_s
                    if isinstance(reply, Batch):
                        worker.held -= 1
                        early[reply.number] = reply
                        self._deal(worker, schedule)
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def _deal(self, worker: Worker, schedule: Iterator[tuple[int, int]]) -> None:
        following = next(schedule, None)
        if following is not None:
            worker.give(*following)
