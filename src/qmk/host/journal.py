"""The journal: what the daemon promised, in order, with the results it has.

A batch is everything one turn of the host produced; it becomes durable as a whole or not at all, and whatever was
promised in it is said only afterwards. ``MemoryJournal`` is for the embedded mode, which promises nothing beyond the
life of the process; ``store.SqliteJournal`` is the daemon's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from qmk.host.results import Head, Result
from qmk.host.seals import AuditTail, Seal, tail_of
from qmk.kernel.effects import Audit
from qmk.kernel.events import Event


@dataclass(slots=True)
class Batch:
    """Records with the job each belongs to, new results, entries and seals of the audit log, and jobs to forget;
    ``durable`` if any record asks for it."""

    records: list[Event] = field(default_factory=list)
    results: list[tuple[str, Result]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    durable: bool = False

    def __bool__(self) -> bool:
        return bool(self.records or self.results or self.forgotten or self.audit or self.seals)

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

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        """(seq, bytes, hash) of the audit entries from ``from_seq`` on, as they are stored."""
        ...

    def seals(self) -> Iterator[Seal]:
        """Every seal, oldest first."""
        ...

    def last_seal(self) -> Seal | None: ...

    def audit_tail(self) -> AuditTail:
        """Where the audit log ends."""
        ...

    def close(self) -> None: ...


class MemoryJournal:
    """Keeps results, not records: nobody will replay it."""

    waits_for_disk = False

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._audit: list[Audit] = []
        self._seals: list[Seal] = []

    def records(self) -> Iterator[Event]:
        return iter(())

    def write(self, batch: Batch) -> None:
        self._results.update(batch.results)
        self._audit += batch.audit
        self._seals += batch.seals
        for job in batch.forgotten:
            self._results.pop(job, None)

    def head(self, job: str) -> Head | None:
        result = self._results.get(job)
        return None if result is None else result.head

    def page(self, job: str, number: int, head: Head) -> bytes | memoryview:
        return self._results[job].page(number)

    def result(self, job: str) -> Result:
        """The whole result, for a caller in this process."""
        return self._results[job]

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        return ((row.seq, row.data, bytes.fromhex(row.hash)) for row in self._audit[from_seq - 1 :])

    def seals(self) -> Iterator[Seal]:
        return iter(self._seals)

    def audit_tail(self) -> AuditTail:
        return tail_of(self.last_seal(), self.audit_entries)

    def last_seal(self) -> Seal | None:
        return self._seals[-1] if self._seals else None

    def close(self) -> None:
        self._results.clear()
