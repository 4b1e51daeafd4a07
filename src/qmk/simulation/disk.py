"""The simulated disk under a ``Journal``: batches are written whole or not at all, and what was not synchronised may go
with the power."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from random import Random

import msgspec

from qmk.host.journal import Batch
from qmk.host.results import Head, Result
from qmk.host.seals import AuditTail, Seal, tail_of
from qmk.kernel.effects import Audit
from qmk.kernel.events import Event
from qmk.simulation.violation import Crash

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


class Stored(msgspec.Struct):
    """A batch as it lies on the disk: records with their jobs, encoded."""

    records: list[tuple[str, bytes]]
    results: list[tuple[str, Result]]
    forgotten: list[str]
    audit: list[Audit]
    seals: list[Seal]


class Disk:
    """Outlives daemons. ``fault`` happens at the next write: "before" or "after" it the daemon ends, "full" fails it.

    ``written`` and ``synced`` count records and audit entries since ``count_anew``: what the journal has taken, and
    what a power failure would leave.
    """

    def __init__(self) -> None:
        self._batches: list[Stored] = []
        self._safe = 0
        self.fault = ""
        self.count_anew()
        self._fold()

    def count_anew(self) -> None:
        """A new daemon begins: what there is now is not of its making."""
        self.written = self.written_audit = self.synced = self.synced_audit = 0

    def write(self, batch: Batch) -> None:
        fault, self.fault = self.fault, ""
        if fault == "full":
            raise OSError(errno.ENOSPC, "no space left on device")
        if fault == "before":
            raise Crash
        stored = Stored(
            [(getattr(record, "job", ""), _encode(record)) for record in batch.records],
            list(batch.results),
            list(batch.forgotten),
            list(batch.audit),
            list(batch.seals),
        )
        self._batches.append(stored)
        self._apply(stored)
        self.written += len(batch.records)
        self.written_audit += len(batch.audit)
        if batch.durable:
            self.synchronise()
        if fault == "after":
            raise Crash

    def synchronise(self) -> None:
        self._safe = len(self._batches)
        self.synced, self.synced_audit = self.written, self.written_audit

    def lose_power(self, rng: Random) -> None:
        """Keep everything synchronised, and as much of what came after as chance leaves."""
        keep = rng.randint(self._safe, len(self._batches))
        if keep < len(self._batches):
            del self._batches[keep:]
            self._fold()
        self._safe = keep

    def _fold(self) -> None:
        self._records: dict[int, tuple[str, bytes]] = {}
        self._numbers: dict[str, list[int]] = {}
        self.results: dict[str, Result] = {}
        self.audit: list[Audit] = []
        self.sealed: list[Seal] = []
        self._count = 0
        for stored in self._batches:
            self._apply(stored)

    def _apply(self, stored: Stored) -> None:
        for job, data in stored.records:
            self._records[self._count] = (job, data)
            self._numbers.setdefault(job, []).append(self._count)
            self._count += 1
        self.results.update(stored.results)
        for job in stored.forgotten:
            for number in self._numbers.pop(job, ()):
                del self._records[number]
            self.results.pop(job, None)
        self.audit += stored.audit
        self.sealed += stored.seals

    def records(self) -> Iterator[Event]:
        return (_decode(data) for _, data in list(self._records.values()))

    def history(self) -> Iterator[Event]:
        """Every record that ever was, those of forgotten jobs too."""
        return (_decode(data) for stored in self._batches for _, data in stored.records)


class SimJournal:
    """The disk as the host sees it. ``waits_for_disk`` sends durable batches to the thread that writes."""

    def __init__(self, disk: Disk, waits_for_disk: bool) -> None:
        self._disk = disk
        self.waits_for_disk = waits_for_disk

    def records(self) -> Iterator[Event]:
        return self._disk.records()

    def write(self, batch: Batch) -> None:
        self._disk.write(batch)

    def head(self, job: str) -> Head | None:
        result = self._disk.results.get(job)
        return None if result is None else result.head

    def page(self, job: str, number: int, head: Head) -> bytes | memoryview:
        return self._disk.results[job].page(number)

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        return ((row.seq, row.data, bytes.fromhex(row.hash)) for row in self._disk.audit[from_seq - 1 :])

    def seals(self) -> Iterator[Seal]:
        return iter(self._disk.sealed)

    def last_seal(self) -> Seal | None:
        return self._disk.sealed[-1] if self._disk.sealed else None

    def audit_tail(self) -> AuditTail:
        return tail_of(self.last_seal(), self.audit_entries)

    def close(self) -> None:
        """The disk stays."""
