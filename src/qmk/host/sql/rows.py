"""A batch as statements: everything is encoded, and everything large put away as blobs, before a transaction begins."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.host import ledger, superseding
from qmk.host.blobs import Blobs
from qmk.host.journal import INLINE_BYTES, Batch
from qmk.host.results import Result, checksum, encode_head
from qmk.host.seals import row_of_entry
from qmk.host.sql.database import Row, Statement
from qmk.kernel.events import CheckpointDropped, Record, Saved, Submitted, Yielded
from qmk.kernel.rewriting import Rewritten

RECORD = "INSERT INTO journal (seq, job, record, checksum, blob) VALUES (?, ?, ?, ?, ?)"
RESULT = """INSERT INTO result (job, head, checksum) VALUES (?, ?, ?)
ON CONFLICT (job) DO UPDATE SET head = excluded.head, checksum = excluded.checksum"""
PAGE = """INSERT INTO page (job, number, bits, checksum, blob) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (job, number) DO UPDATE SET bits = excluded.bits, checksum = excluded.checksum, blob = excluded.blob"""
AUDIT = "INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)"
SEAL = "INSERT INTO seal (number, body, signature) VALUES (?, ?, ?)"
CHECKPOINT = """INSERT INTO checkpoint (id, job, blob, size_bytes, epoch, kept, now_ns) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING"""
DROP_CHECKPOINT = "DELETE FROM checkpoint WHERE id=?"
DROP_STATE = "DELETE FROM checkpoint WHERE id=? AND blob=?"
FORGET = tuple(f"DELETE FROM {table} WHERE job=?" for table in ("journal", "archived", "result", "page", "checkpoint"))

SUPERSEDE = "DELETE FROM journal WHERE job>=? AND job<=? AND seq<?"
SUPERSEDE_REST = (
    SUPERSEDE
    + """ AND seq>(SELECT min(seq) FROM journal WHERE job=?)
AND seq<>(SELECT coalesce(max(seq), 0) FROM journal WHERE job=? AND blob<>'')"""
)
"""``Rewritten`` rows have a blob, and others than the first have none."""

PROGRAM = """SELECT seq FROM journal WHERE job=? AND (blob<>'' OR seq=(SELECT min(seq) FROM journal WHERE job=?))
ORDER BY seq DESC LIMIT 1"""
"""The row that has a job's newest program."""
ARCHIVED = "INSERT INTO archived (job, seq, record, checksum, blob) VALUES (?, ?, ?, ?, ?)"
ARCHIVE = (
    f"""INSERT INTO archived (job, seq, record, checksum, blob)
SELECT job, seq, record, checksum, blob FROM journal WHERE seq=({PROGRAM})""",
    "DELETE FROM journal WHERE job=? AND seq<?",
)

encode = msgspec.msgpack.Encoder().encode


def record_bytes(batch: Batch, index: int) -> bytes:
    """The bytes of a record, encoded unless they came with it."""
    return (batch.data[index] if index < len(batch.data) else b"") or encode(batch.records[index])


class Rows:
    """Counts the rows of the journal: ``records`` is the last number written."""

    def __init__(self, blobs: Blobs, records: int) -> None:
        self._blobs = blobs
        self.records = records

    def statements(self, batch: Batch) -> list[Statement]:
        """What to carry out for ``batch``; call ``written`` once it was."""
        found: list[Statement] = []
        if batch.records:
            found.append(Statement(RECORD, self._records(batch)))
            found += _deletions(batch.records, self.records + 1)
        if batch.results:
            found += self._results(batch.results)
        if batch.records:
            found += _checkpoints(batch.records)
        if batch.charges:
            found.append(Statement(ledger.INSERT, ledger.values(batch.charges)))
        if batch.audit:
            found.append(Statement(AUDIT, [row_of_entry(entry) for entry in batch.audit]))
        if batch.seals:
            found.append(Statement(SEAL, [(x.number, x.body, x.signature) for x in batch.seals]))
        if batch.dropped:
            found.append(Statement(DROP_STATE, [(x.checkpoint, x.blob) for x in batch.dropped]))
        if batch.forgotten:
            found += [Statement(sql, [(job,) for job in batch.forgotten]) for sql in FORGET]
        return found

    def count(self, batch: Batch) -> None:
        self.records += len(batch.records)

    def _records(self, batch: Batch) -> list[Row]:
        rows: list[Row] = []
        for index, record in enumerate(batch.records):
            seq = self.records + index + 1
            job = superseding.key(record)
            blob = ""
            if isinstance(record, Rewritten) or (isinstance(record, Submitted) and _goes_into_a_blob(record)):
                blob = self._blobs.put(record.graph, record.tenant if isinstance(record, Submitted) else "")
                data = encode(msgspec.structs.replace(record, graph=b""))
            else:
                data = record_bytes(batch, index)
            rows.append((seq, job, data, checksum(job, data), blob))
        return rows

    def _results(self, results: list[tuple[str, Result]]) -> list[Statement]:
        heads: list[Row] = []
        pages: list[Row] = []
        for job, result in results:
            head = encode_head(result.head)
            heads.append((job, head, checksum(job, head)))
            for number, bits in result.pages():
                blob = self._blobs.put(bytes(bits)) if len(bits) > INLINE_BYTES else ""
                kept = b"" if blob else bits
                pages.append((job, number, kept, _page_checksum(job, number, kept, blob), blob))
        return [Statement(RESULT, heads), Statement(PAGE, pages)] if pages else [Statement(RESULT, heads)]


def _page_checksum(job: str, number: int, bits: bytes | memoryview, blob: str) -> int:
    return checksum(f"{job}/{number}/{blob}", bits)


def is_whole_page(job: str, number: int, bits: bytes, stored: int, blob: str) -> bool:
    """Whether the row of a page of events is as it was written. Rows of earlier releases do not cover their place."""
    return stored in (_page_checksum(job, number, bits, blob), checksum(job, bits))


def _deletions(records: list[Record], first_seq: int) -> list[Statement]:
    """Rows that these records, of which the first has this number, leave nothing to say."""
    found: list[Statement] = []
    for seq, record in enumerate(records, first_seq):
        gone = superseding.find_superseded(record)
        if gone is not None:
            before = seq + gone.itself
            values = (gone.first, gone.last, before, *(gone.first,) * (2 * gone.but_first))
            found.append(Statement(SUPERSEDE_REST if gone.but_first else SUPERSEDE, [values]))
        jobs = superseding.gone_into(record)
        if jobs:
            found.append(Statement(ARCHIVE[0], [(job, job) for job in jobs]))
            found.append(Statement(ARCHIVE[1], [(job, seq) for job in jobs]))
    return found


def _checkpoints(records: list[Record]) -> list[Statement]:
    """The states that records say are in the store, in their order: a later one may drop an earlier one. A record may
    name a checkpoint that is there, which never changes, or the start of the program, which needs no state."""
    found: list[Statement] = []
    for record in records:
        if isinstance(record, (Saved, Yielded)) and record.blob:
            kept = int(isinstance(record, Saved) and record.kept)
            row: tuple[Any, ...] = (
                record.checkpoint,
                record.job,
                record.blob,
                record.size_bytes,
                record.epoch,
                kept,
                record.now_ns,
            )
            found.append(Statement(CHECKPOINT, [row]))
        elif isinstance(record, CheckpointDropped):
            found.append(Statement(DROP_CHECKPOINT, [(record.checkpoint,)]))
    return found


def _goes_into_a_blob(record: Submitted) -> bool:
    """Whether the graph is kept beside the record. A replay makes the map of a job with ``policy.debug`` from it."""
    return len(record.graph) > INLINE_BYTES and not record.policy.get("debug")
