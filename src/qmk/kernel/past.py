"""A replay takes a short way over jobs that began and ended before the virtual times were settled.

What such a job did to the queue has left no trace: it waits no more, and ``SharesSettled`` has what it was charged. So
its records are held back until its end, and then change the tables without the queue. Whatever is not of one job comes
after all that was held before it, in the order of the journal; jobs that had not ended by then go the whole way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from qmk.kernel import events as ev
from qmk.kernel.objects.job import Job


class NoQueue:
    """Stands in for the launch queue: nobody waits, runs or is charged."""

    wall_ns = None

    def clock(self, now_ns: int) -> None:
        """No time passes."""

    def put(self, job: Job, left_ns: int = 0) -> None:
        """The job will have ended."""

    def start(self, job: Job) -> None:
        """See ``put``."""

    def stop(self, job: Job, now_ns: int, continued: bool = False) -> None:
        """See ``put``."""

    def drop(self, job: Job) -> None:
        """See ``put``."""


def replay(
    records: Iterable[ev.Record],
    settled: int,
    apply: Callable[[ev.Record], Any],
    apply_past: Callable[[list[ev.Record]], None],
) -> None:
    """Applies the records in order. The first ``settled`` of them are before the newest ``SharesSettled``; of those,
    the records of a job that has ended go to ``apply_past`` together."""
    held: dict[str, list[tuple[int, ev.Record]]] = {}
    for number, record in enumerate(records):
        job: str = getattr(record, "job", "") if number < settled else ""
        if isinstance(record, ev.Submitted) and job:
            held[job] = [(number, record)]
        elif job in held:
            held[job].append((number, record))
            if isinstance(record, ev.Ending) and not getattr(record, "died", False):
                apply_past([of_job for _, of_job in held.pop(job)])
        else:
            _release(held, apply)
            apply(record)
    _release(held, apply)


def _release(held: dict[str, list[tuple[int, ev.Record]]], apply: Callable[[ev.Record], Any]) -> None:
    for _, record in sorted((row for rows in held.values() for row in rows), key=lambda row: row[0]):
        apply(record)
    held.clear()
