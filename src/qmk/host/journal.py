"""The journal holds what the daemon promised, in order, with the results it has.

A batch is everything one turn of the host produced; it becomes durable as a whole or not at all, and whatever was
promised in it is said only afterwards. ``sql.journal.SqlJournal`` is the daemon's; the simulation has one in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.blobs import Blobs
from qmk.host.results import Head, Outline, Result
from qmk.host.seals import AuditTail, Seal
from qmk.kernel.effects import Audit, Charge, DropBlob
from qmk.kernel.events import Cancelled, Failed, Finished, Progressed, Record, Started, Submitted
from qmk.kernel.rewriting import Rewritten

INLINE_BYTES = 64 << 10
"""A page of events or a graph up to this size stands in its row; a larger one is a blob of its own."""
_ADDING = frozenset((Submitted, Started, Progressed, Finished, Failed, Cancelled))
"""Records that stand beside all others."""


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
        """All results, each copy as a result of its own; ``stored`` reads one from before this batch."""
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
        """Whether it is so large that writing it would hold up everybody else."""
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
    def packed_head(self, job: str) -> bytes | None: ...
    def page(self, job: str, number: int, head: Outline) -> bytes | memoryview: ...

    def graph(self, job: str) -> bytes:
        """The newest packed graph of a remembered job. Raises INTERNAL_ERROR when there is none."""
        ...

    def charges(self, since_ns: int = 0) -> Iterator[ledger.Row]:
        """The ledger from ``since_ns`` on, oldest first."""
        ...

    def usage_since(self, period_start_ns: int = 0) -> dict[str, dict[str, float]]:
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
        """Deletes the blobs among ``names`` that no row of a job needs, and gives their names."""
        ...

    def tend(self) -> None:
        """Deletes what is due by now. Call it now and then, in a thread."""
        ...

    def close(self) -> None: ...


def no_graph(job: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"the graph of {job} is not in the journal", job_id=job)
