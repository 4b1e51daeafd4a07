"""The journal: what the daemon promised, in order, with the results it has.

A batch is everything one turn of the host produced; it becomes durable as a whole or not at all, and whatever was
promised in it is said only afterwards. ``MemoryJournal`` is for the embedded mode, which promises nothing beyond the
life of the process; ``store.SqliteJournal`` is the daemon's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from qmk.host import ledger
from qmk.host.results import Head, Result
from qmk.kernel.effects import Charge
from qmk.kernel.events import Event

MEMORY_CHARGES = 10_000
"""rows of the ledger that a process which keeps no journal remembers"""


@dataclass(slots=True)
class Batch:
    """Records with the job each belongs to, new results, rows of the ledger, and jobs to forget; ``durable`` if any
    record asks for it."""

    records: list[Event] = field(default_factory=list)
    results: list[tuple[str, Result]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    durable: bool = False

    def __bool__(self) -> bool:
        return bool(self.records or self.results or self.forgotten or self.charges)

    @property
    def heavy(self) -> bool:
        """Large enough that writing it would hold up everybody else."""
        return sum(len(result.bits) for _, result in self.results) > 1 << 20


class Journal(Protocol):
    """Where batches go. ``write`` returns when the batch is as durable as it asked for. ``used`` is what each tenant
    was charged since then, by quota: what ``Recovered`` takes."""

    waits_for_disk: bool
    """``write`` takes as long as a disk does: call it in a thread"""

    def records(self) -> Iterator[Event]: ...
    def write(self, batch: Batch) -> None: ...
    def head(self, job: str) -> Head | None: ...
    def page(self, job: str, number: int, head: Head) -> bytes | memoryview: ...
    def used(self, period_start_ns: int) -> dict[str, dict[str, float]]: ...
    def close(self) -> None: ...


class MemoryJournal:
    """Keeps results and the last charges, not records: nobody will replay it."""

    waits_for_disk = False

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._charges: deque[Charge] = deque(maxlen=MEMORY_CHARGES)

    def records(self) -> Iterator[Event]:
        return iter(())

    def write(self, batch: Batch) -> None:
        self._results.update(batch.results)
        self._charges.extend(batch.charges)
        for job in batch.forgotten:
            self._results.pop(job, None)

    def head(self, job: str) -> Head | None:
        result = self._results.get(job)
        return None if result is None else result.head

    def page(self, job: str, number: int, head: Head) -> bytes | memoryview:
        return self._results[job].page(number)

    def used(self, period_start_ns: int) -> dict[str, dict[str, float]]:
        return ledger.used(map(ledger.row_of, self._charges), period_start_ns)

    def result(self, job: str) -> Result:
        """The whole result, for a caller in this process."""
        return self._results[job]

    def close(self) -> None:
        self._results.clear()
