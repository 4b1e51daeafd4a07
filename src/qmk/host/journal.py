"""The journal: what the daemon promised, in order, with the results it has.

A batch is everything one turn of the host produced; it becomes durable as a whole or not at all, and whatever was
promised in it is said only afterwards. ``MemoryJournal`` is for the embedded mode, which promises nothing beyond the
life of the process; ``sql.journal.SqlJournal`` is the daemon's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.blobs import Blobs, MemoryBlobs
from qmk.host.results import Head, Result
from qmk.host.seals import AuditTail, Seal, stored, tail_of
from qmk.kernel.effects import Audit, Charge, DropBlob
from qmk.kernel.events import Cancelled, Failed, Finished, Progressed, Record, Started, Submitted
from qmk.kernel.rewriting import Rewritten

INLINE_BYTES = 64 << 10
"""A page of events or a graph up to this size stands in its row; a larger one is a blob of its own."""
_ADDING = frozenset((Submitted, Started, Progressed, Finished, Failed, Cancelled))
"""Records that stand beside all others."""
MEMORY_CHARGES = 10_000
"""Rows of the ledger that a process which keeps no journal remembers."""


class Batch(msgspec.Struct):
    """Records, with their bytes in ``data`` where they have been encoded, new results, ``copies`` of results for other
    jobs (job, source), rows of the ledger, entries and seals of the audit log, blobs that checkpoints no longer need,
    and jobs to forget; ``durable`` if any record asks for it."""

    records: list[Record] = []
    data: list[bytes] = []
    results: list[tuple[str, Result]] = []
    copies: list[tuple[str, str]] = []
    charges: list[Charge] = []
    audit: list[Audit] = []
    seals: list[Seal] = []
    dropped: list[DropBlob] = []
    forgotten: list[str] = []
    durable: bool = False

    def __bool__(self) -> bool:
        parts = (self.records, self.results, self.charges, self.audit, self.seals, self.dropped, self.forgotten)
        return any(parts)

    def with_copies(self, stored: Callable[[str], Result | None]) -> list[tuple[str, Result]]:
        """All results, each copy as one of its own; ``stored`` reads one from before this batch."""
        found = dict(self.results)
        for job, source in self.copies:
            result = found.get(source) or stored(source)
            if result is not None:
                found[job] = result
        return list(found.items())

    @property
    def only_adds(self) -> bool:
        """Rows of small size, none of which replaces or deletes another: a few of such batches are as good as one."""
        others = self.copies or self.dropped or self.forgotten
        return not others and all(type(record) in _ADDING for record in self.records) and not self.heavy

    @property
    def heavy(self) -> bool:
        """Large enough that writing it would hold up everybody else."""
        return any(len(result.bits) > INLINE_BYTES for _, result in self.results) or any(
            isinstance(record, (Submitted, Rewritten)) and len(record.graph) > INLINE_BYTES for record in self.records
        )


class Journal(Protocol):
    """Where batches go. ``write`` returns when the batch is as durable as it asked for."""

    waits_for_disk: bool
    """``write`` of a durable batch takes as long as a disk does: call it in a thread"""
    blobs: Blobs
    """Where large things are, saved states among them."""
    far: bool
    """Every access is a message to another process: call all of it in a thread"""

    def records(self) -> Iterator[Record]:
        """Every record, oldest first. A large graph is left out of its ``Submitted``, and every one of its
        ``Rewritten``: see ``graph``."""
        ...

    def write(self, batch: Batch) -> None: ...
    def head(self, job: str) -> Head | None: ...
    def page(self, job: str, number: int, head: Head) -> bytes | memoryview: ...

    def graph(self, job: str) -> bytes:
        """The newest packed graph of a remembered job. Raises INTERNAL_ERROR when there is none."""
        ...

    def charges(self, since_ns: int = 0) -> Iterator[ledger.Row]:
        """The ledger from ``since_ns`` on, oldest first."""
        ...

    def used(self, period_start_ns: int = 0) -> dict[str, dict[str, float]]:
        """What each tenant was charged since then, by quota: what ``Recovered`` takes."""
        ...

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

    def blobs_named(self, without: Collection[str] = ()) -> set[str]:
        """The names of the blobs with graphs and results of jobs, the jobs ``without`` left out."""
        ...

    def checkpoints(self) -> list[tuple[str, str]]:
        """(checkpoint, blob) of every saved state that has a row."""
        ...

    def discard(self, names: Iterable[str]) -> list[str]:
        """Delete the blobs among ``names`` that no row of a job needs; which they were."""
        ...

    def tend(self) -> None:
        """Do what is due by now. Call it now and then, in a thread."""
        ...

    def close(self) -> None: ...


class MemoryJournal:
    """Keeps results and graphs, not records: nobody will replay it."""

    waits_for_disk = False
    far = False

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._graphs: dict[str, bytes] = {}
        self._charges: deque[Charge] = deque(maxlen=MEMORY_CHARGES)
        self._audit: list[Audit] = []
        self._seals: list[Seal] = []
        self.blobs: Blobs = MemoryBlobs()

    def records(self) -> Iterator[Record]:
        return iter(())

    def write(self, batch: Batch) -> None:
        for record in batch.records:
            if isinstance(record, (Submitted, Rewritten)):
                self._graphs[record.job] = record.graph
        self._results.update(batch.results)
        self._results.update((job, self._results[source]) for job, source in batch.copies)
        self._charges += batch.charges
        self._audit += batch.audit
        self._seals += batch.seals
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

    def charges(self, since_ns: int = 0) -> Iterator[ledger.Row]:
        return (ledger.row_of(charge) for charge in self._charges if charge.now_ns >= since_ns)

    def used(self, period_start_ns: int = 0) -> dict[str, dict[str, float]]:
        return ledger.used(self.charges(), period_start_ns)

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        return map(stored, self._audit[from_seq - 1 :])

    def seals(self) -> Iterator[Seal]:
        return iter(self._seals)

    def audit_tail(self) -> AuditTail:
        return tail_of(self.last_seal(), self.audit_entries)

    def last_seal(self) -> Seal | None:
        return self._seals[-1] if self._seals else None

    def blobs_named(self, without: Collection[str] = ()) -> set[str]:
        """Graphs and results are not in blobs here."""
        return set()

    def checkpoints(self) -> list[tuple[str, str]]:
        """Nobody will ask for them again."""
        return []

    def discard(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.blobs.delete(name)]

    def tend(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self._results.clear()
        self._graphs.clear()


def no_graph(job: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"the graph of {job} is not in the journal", job_id=job)
