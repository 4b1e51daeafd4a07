"""The journal: what the daemon promised, in order, with the results it has.

A batch is everything one turn of the host produced; it becomes durable as a whole or not at all, and whatever was
promised in it is said only afterwards. ``MemoryJournal`` is for the embedded mode, which promises nothing beyond the
life of the process; ``store.SqliteJournal`` is the daemon's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from qmk.base.errors import QmkError
from qmk.host.results import Head, Result
from qmk.kernel.events import Event, Submitted


@dataclass(slots=True)
class Batch:
    """Records with the job each belongs to, new results, and jobs to forget; ``durable`` if any record asks for it."""

    records: list[Event] = field(default_factory=list)
    results: list[tuple[str, Result]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    durable: bool = False

    def __bool__(self) -> bool:
        return bool(self.records or self.results or self.forgotten)

    @property
    def heavy(self) -> bool:
        """Large enough that writing it would hold up everybody else."""
        return sum(len(result.bits) for _, result in self.results) > 1 << 20


class Journal(Protocol):
    """Where batches go. ``write`` returns when the batch is as durable as it asked for."""

    waits_for_disk: bool
    """``write`` takes as long as a disk does: call it in a thread"""

    def records(self) -> Iterator[Event]: ...
    def write(self, batch: Batch) -> None: ...
    def head(self, job: str) -> Head | None: ...
    def page(self, job: str, number: int, head: Head) -> bytes | memoryview: ...

    def graph(self, job: str) -> bytes:
        """The packed graph of a remembered job. Raises INTERNAL_ERROR when there is none."""
        ...

    def close(self) -> None: ...


class MemoryJournal:
    """Keeps results and graphs, not records: nobody will replay it."""

    waits_for_disk = False

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._graphs: dict[str, bytes] = {}

    def records(self) -> Iterator[Event]:
        return iter(())

    def write(self, batch: Batch) -> None:
        for record in batch.records:
            if isinstance(record, Submitted):
                self._graphs[record.job] = record.graph
        self._results.update(batch.results)
        for job in batch.forgotten:
            self._results.pop(job, None)
            self._graphs.pop(job, None)

    def head(self, job: str) -> Head | None:
        result = self._results.get(job)
        return None if result is None else result.head

    def page(self, job: str, number: int, head: Head) -> bytes | memoryview:
        return self._results[job].page(number)

    def result(self, job: str) -> Result:
        """The whole result, for a caller in this process."""
        return self._results[job]

    def graph(self, job: str) -> bytes:
        if job not in self._graphs:
            raise no_graph(job)
        return self._graphs[job]

    def close(self) -> None:
        self._results.clear()
        self._graphs.clear()


def no_graph(job: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"the graph of {job} is not in the journal", job_id=job)
