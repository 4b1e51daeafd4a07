"""The launch queue: which job goes next, how many are before it, and when it may start."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator

from qmk.kernel.objects.job import Job

Key = tuple[int, float, int]


def order(job: Job) -> Key:
    """Higher priority first, then the nearer deadline, then first come."""
    policy = job.submitted.policy
    return (-policy.get("priority", 0), policy.get("deadline_epochs", math.inf), job.submitted.seq)


class LaunchQueue:
    """Jobs in launch order, sorted by ``order``. Insert, remove and place are a binary search and a memory move."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._jobs: list[Job] = []
        self._seconds: list[float] = []

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def __contains__(self, job: Job) -> bool:
        return self._find(job) >= 0

    def put(self, job: Job) -> None:
        key = order(job)
        at = bisect_left(self._keys, key)
        self._keys.insert(at, key)
        self._jobs.insert(at, job)
        self._seconds.insert(at, job.submitted.seconds)

    def drop(self, job: Job) -> bool:
        """Takes the job out; False when it was not in."""
        at = self._find(job)
        if at < 0:
            return False
        del self._keys[at], self._jobs[at], self._seconds[at]
        return True

    def place(self, job: Job) -> int | None:
        """How many jobs are launched before it, None when it is not queued."""
        at = self._find(job)
        return at if at >= 0 else None

    def seconds_before(self, place: int) -> float:
        """Predicted run time of the first ``place`` jobs together."""
        return math.fsum(self._seconds[:place]) if place else 0.0

    def _find(self, job: Job) -> int:
        at = bisect_left(self._keys, order(job))
        return at if at < len(self._jobs) and self._jobs[at] is job else -1
