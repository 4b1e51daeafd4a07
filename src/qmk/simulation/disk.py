"""The simulated disk under a ``Journal``: batches are written whole or not at all, and what was not synchronised may go
with the power. Blobs are there when ``put`` returns."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from random import Random

import msgspec

from qmk.host import ledger, superseding
from qmk.host.blobs import Blobs, MemoryBlobs
from qmk.host.journal import Batch, no_graph
from qmk.host.results import Head, Outline, Result, encode_head
from qmk.host.seals import AuditTail, Seal, row_of_entry, tail_of
from qmk.kernel.effects import Audit, Charge, DropBlob
from qmk.kernel.events import CheckpointDropped, Record, Saved, Submitted, Yielded
from qmk.kernel.records import decode_record
from qmk.kernel.rewriting import Rewritten
from qmk.simulation.violation import Crash

_encode = msgspec.msgpack.Encoder().encode


class Stored(msgspec.Struct):
    """A batch as it lies on the disk: records with their jobs, encoded."""

    records: list[tuple[str, bytes]]
    results: list[tuple[str, Result]]
    charges: list[Charge]
    audit: list[Audit]
    seals: list[Seal]
    dropped: list[DropBlob]
    forgotten: list[str]


class Disk(MemoryBlobs):
    """Outlives daemons. ``fault`` happens at the next write: "before" or "after" it the daemon ends, "full" fails it.

    ``written`` and ``synced`` count records and audit entries since ``count_anew``: what the journal has taken, and
    what a power failure would leave. ``states`` are the blobs that checkpoints name, by checkpoint; ``charged``
    counts how often each row of the ledger was written.
    """

    def __init__(self) -> None:
        super().__init__()
        self._batches: list[Stored] = []
        self._safe = 0
        self.fault = ""
        self.count_anew()
        self._fold()

    def count_anew(self) -> None:
        """Starts the counts anew for a new daemon."""
        self.written = self.written_audit = self.synced = self.synced_audit = 0

    def put(self, data: bytes, tenant: str = "") -> str:
        if self.fault == "full":
            self.fault = ""
            raise OSError(errno.ENOSPC, "no space left on device")
        return super().put(data)

    def write(self, batch: Batch) -> None:
        fault, self.fault = self.fault, ""
        if fault == "full":
            raise OSError(errno.ENOSPC, "no space left on device")
        if fault == "before":
            raise Crash
        stored = Stored(
            [(superseding.key(record), _encode(record)) for record in batch.records],
            batch.with_copies(self.results.get),
            list(batch.charges),
            list(batch.audit),
            list(batch.seals),
            list(batch.dropped),
            list(batch.forgotten),
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
        self._programs: dict[str, bytes] = {}
        self.results: dict[str, Result] = {}
        self.charges: dict[tuple[str, int], Charge] = {}
        self.charged: Counter[tuple[str, int]] = Counter()
        self.audit: list[Audit] = []
        self.sealed: list[Seal] = []
        self.states: dict[str, tuple[str, str]] = {}
        self._count = 0
        for stored in self._batches:
            self._apply(stored)

    def _apply(self, stored: Stored) -> None:
        for job, data in stored.records:
            self._records[self._count] = (job, data)
            self._numbers.setdefault(job, []).append(self._count)
            self._count += 1
            record = decode_record(data)
            self._keep_state(record)
            self._supersede(record)
            for archived in superseding.gone_into(record):
                self._archive(archived)
        self.results.update(stored.results)
        for charge in stored.charges:
            self.charges.setdefault((charge.job, charge.attempt), charge)
            self.charged[charge.job, charge.attempt] += 1
        for drop in stored.dropped:
            if self.states.get(drop.checkpoint, ("", ""))[1] == drop.blob:
                del self.states[drop.checkpoint]
        for job in stored.forgotten:
            for number in self._numbers.pop(job, ()):
                del self._records[number]
            self._programs.pop(job, None)
            self.results.pop(job, None)
            self.states = {id: row for id, row in self.states.items() if row[0] != job}
        self.audit += stored.audit
        self.sealed += stored.seals

    def _supersede(self, record: Record) -> None:
        gone = superseding.find_superseded(record)
        for key in [key for key in self._numbers if gone is not None and gone.first <= key <= gone.last]:
            assert gone is not None
            numbers = self._numbers[key]
            kept = numbers[: gone.but_first] + numbers[len(numbers) + gone.itself - 1 :]
            if gone.but_first:
                kept += [
                    number for number in numbers if isinstance(decode_record(self._records[number][1]), Rewritten)
                ][-1:]
            for number in set(numbers) - set(kept):
                del self._records[number]
            self._numbers[key] = sorted(set(kept))

    def _archive(self, job: str) -> None:
        """Only the program of a job that has gone into an archive is kept, apart from the records."""
        self._programs[job] = self.graph(job)
        for number in self._numbers.pop(job):
            del self._records[number]

    def _keep_state(self, record: Record) -> None:
        if isinstance(record, (Saved, Yielded)) and record.blob:
            self.states.setdefault(record.checkpoint, (record.job, record.blob))
        elif isinstance(record, CheckpointDropped):
            self.states.pop(record.checkpoint, None)

    def collect(self) -> None:
        """Take away the blobs that no checkpoint names."""
        named = {blob for _, blob in self.states.values()}
        for name, _ in self.list_blobs():
            if name not in named:
                self.delete(name)

    def records(self) -> Iterator[Record]:
        return (decode_record(data) for _, data in list(self._records.values()))

    def history(self) -> Iterator[Record]:
        """Every record that ever was, those of forgotten jobs too."""
        return (decode_record(data) for stored in self._batches for _, data in stored.records)

    def graph(self, job: str) -> bytes:
        if job in self._programs:
            return self._programs[job]
        for number in reversed(self._numbers.get(job, [])):
            record = decode_record(self._records[number][1])
            if isinstance(record, (Submitted, Rewritten)):
                return record.graph
        raise no_graph(job)


class SimJournal:
    """The disk as the host sees it. ``waits_for_disk`` sends durable batches to the thread that writes."""

    far = False

    def __init__(self, disk: Disk, waits_for_disk: bool = False) -> None:
        self._disk = disk
        self.blobs: Blobs = disk
        self.waits_for_disk = waits_for_disk

    def records(self) -> Iterator[Record]:
        return self._disk.records()

    def write(self, batch: Batch) -> None:
        self._disk.write(batch)

    def head(self, job: str) -> Head | None:
        result = self._disk.results.get(job)
        return None if result is None else result.head

    def packed_head(self, job: str) -> bytes | None:
        result = self._disk.results.get(job)
        return None if result is None else encode_head(result.head)

    def page(self, job: str, number: int, head: Outline) -> bytes | memoryview:
        return self._disk.results[job].page(number)

    def graph(self, job: str) -> bytes:
        return self._disk.graph(job)

    def charges(self, since_ns: int = 0) -> Iterator[ledger.Row]:
        return (ledger.row_of(charge) for charge in self._disk.charges.values() if charge.now_ns >= since_ns)

    def usage_since(self, period_start_ns: int = 0) -> dict[str, dict[str, float]]:
        return ledger.usage_since(self.charges(), period_start_ns)

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        return map(row_of_entry, self._disk.audit[from_seq - 1 :])

    def seals(self) -> Iterator[Seal]:
        return iter(self._disk.sealed)

    def last_seal(self) -> Seal | None:
        return self._disk.sealed[-1] if self._disk.sealed else None

    def audit_tail(self) -> AuditTail:
        return tail_of(self.last_seal(), self.audit_entries)

    def blobs_named(self, without: Collection[str] = ()) -> set[str]:
        """The blobs that records name. Graphs and results are not in blobs here."""
        return set()

    def checkpoints(self) -> list[tuple[str, str]]:
        return [(id, blob) for id, (_, blob) in self._disk.states.items()]

    def discard(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.blobs.delete(name)]

    def tend(self) -> None:
        """Does nothing, as nothing waits here."""

    def close(self) -> None:
        """Does nothing, as the disk stays."""
