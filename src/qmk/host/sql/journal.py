"""The journal over a database and a blob store: one transaction a batch, a checksum on everything read back.

What is large, pages of events and graphs, is a blob named by its content; the row holds the name. A blob is put before
the transaction that names it and taken away some time after the one that drops its last name, so that at no moment
does a row name what is not there. What a crash leaves between the two, a sweep (``gc``) finds. Saved states are the
business of whoever knows the checkpoints: the table ``checkpoint`` only says which there were.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

from qmk.base.errors import QmkError
from qmk.host import ledger, superseding
from qmk.host.blobs import Blobs
from qmk.host.journal import Batch, no_graph
from qmk.host.results import Head, Outline, Result, checksum, decode_head
from qmk.host.seals import UNREADABLE, AuditTail, Seal, tail_of
from qmk.host.sql.database import Database, Row, Statement, damage, is_damage
from qmk.host.sql.log import (
    BEGUN,
    BEHIND,
    CUT,
    MOVED,
    PAST,
    BatchLog,
    decode_entry,
    encode_entry,
    join,
    last_begun,
    last_moved,
    last_past,
    missing_words,
    read_log,
)
from qmk.host.sql.rows import PROGRAM, Rows, is_whole_page
from qmk.host.sql.salvage import LOST_ENTRIES
from qmk.kernel.events import Record, Recovered, ShuttingDown, Submitted
from qmk.kernel.records import decode_record
from qmk.kernel.rewriting import Rewritten

log = logging.getLogger("qmk.journal")
READ_ROWS = 2000
"""Rows read at a time when a whole table is gone through."""
DOOMED_S = 60.0
"""How long a blob stays after its last name: a backup that has copied the journal finds what that names."""

WAITING_BATCHES, WAITING_ROWS = 64, 256
"""So many batches, and rows in them, stand in the log alone at most; moving them takes a millisecond or two."""
LOG_BYTES = 16 << 20
"""Past this the log is begun anew."""

_HAVE_BLOBS = ("page", "journal", "archived")
_BLOBS_OF_JOB = " UNION ".join(f"SELECT blob FROM {table} WHERE job=? AND blob<>''" for table in _HAVE_BLOBS)
_NAMED = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE blob=? AND blob<>''" for table in _HAVE_BLOBS) + " LIMIT 1"
_ALL_BLOBS = " UNION ".join(f"SELECT job, blob FROM {table} WHERE blob<>''" for table in _HAVE_BLOBS)
_GRAPH = f"""SELECT CAST(record AS BLOB), checksum, blob FROM archived WHERE job=? UNION ALL
SELECT CAST(record AS BLOB), checksum, blob FROM journal WHERE seq=({PROGRAM})"""


class SqlJournal:
    """See the module, and ``Database`` for what is raised. The tables are those of ``schema``."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        clock_s: Callable[[], float] = time.monotonic,
        batch_log: BatchLog | None = None,
    ) -> None:
        self.database = database
        self.blobs = blobs
        self.waits_for_disk = database.waits_for_disk
        self.far = database.far
        self._clock_s = clock_s
        self._doomed: deque[tuple[float, str]] = deque()
        self._naming = threading.RLock()
        (records,) = next(database.read("SELECT coalesce(max(seq), 0) FROM journal"))
        self._rows = Rows(blobs, records)
        self._log = batch_log
        self._waiting: list[Batch] = []
        self._moved = 0
        self._rows_waiting = 0
        self._lost: Exception | None = None
        if batch_log is not None:
            self._take_over(batch_log)
        self._give_keys()

    def _give_keys(self) -> None:
        """To the rows of an earlier release, which knew only those of jobs. Its starts keep none: what they did to jobs
        that have ended since stands nowhere else."""
        changed: list[Row] = []
        rows = self.database.read("SELECT seq, CAST(record AS BLOB), checksum FROM journal WHERE job=''")
        for seq, record, stored in rows:
            if checksum("", record) != stored:
                raise damage(self.database.name, f"record {seq} does not match its checksum")
            found = decode_record(record)
            name = "" if isinstance(found, (Recovered, ShuttingDown)) else superseding.key(found)
            if name:
                changed.append((name, checksum(name, record), seq))
        if changed:
            statement = Statement("UPDATE journal SET job=?, checksum=? WHERE seq=?", changed)
            self.database.write([statement], durable=True)

    def records(self) -> Iterator[Record]:
        """Every record, oldest first. A damaged record raises INTERNAL_ERROR with its number."""
        query = "SELECT seq, job, CAST(record AS BLOB), checksum FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
        for seq, job, record, stored in self._all(query):
            if checksum(job, record) != stored:
                raise damage(self.database.name, f"record {seq} of {job} does not match its checksum")
            yield decode_record(record)

    def _all(self, query: str, *values: Any, after: int = 0) -> Iterator[Any]:
        """The rows of a query that goes by row number, some at a time."""
        rows: list[Any] = []
        while not rows or len(rows) == READ_ROWS:
            rows = list(self._read(query, (*values, after, READ_ROWS)))
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def write(self, batch: Batch) -> None:
        """Safe to call from another thread, one call at a time."""
        with self._naming:
            if self._log is not None and batch.only_adds:
                self._append(self._log, batch)
                return
            self._move()
            if batch.copies:
                batch.results = batch.with_copies(self._read_result)
            statements = self._rows.statements(batch)
            gone = [
                name
                for job in batch.forgotten
                for (name,) in self.database.read(_BLOBS_OF_JOB, (job,) * len(_HAVE_BLOBS))
            ]
            number = self._moved + 1
            marks = [] if self._log is None else [*self._marks(number), _mark(PAST, number)]
            self.database.write([*statements, *marks], batch.durable)
            self._rows.count(batch)
            self._moved = number
            if self._log is not None:
                with suppress(OSError):  # the database has the batch; the entry only tells when that is lost
                    self._log.append(number, b"", durable=False)
        due = self._clock_s() + DOOMED_S
        self._doomed.extend((due, name) for name in gone)

    def _append(self, batch_log: BatchLog, batch: Batch) -> None:
        if self._lost is not None:
            raise self._lost
        batch_log.append(self._moved + len(self._waiting) + 1, encode_entry(batch), batch.durable)
        self._waiting.append(batch)
        self._rows_waiting += len(batch.records) + len(batch.results) + len(batch.charges) + len(batch.audit)
        if len(self._waiting) >= WAITING_BATCHES or self._rows_waiting >= WAITING_ROWS:
            self._move()

    def _move(self) -> None:
        """Move what waits into the database. When that fails nothing is written any more; the next start finds it in
        the log."""
        if self._lost is not None:
            raise self._lost
        if self._log is None or not self._waiting:
            return
        anew = self._log.size_bytes > LOG_BYTES
        moved = self._moved + len(self._waiting)
        together = join(self._waiting)
        try:
            marks = self._marks(moved, anew)
            self.database.write([*self._rows.statements(together), *marks], durable=anew)
        except Exception as error:
            self._lost = error
            raise
        self._rows.count(together)
        self._moved, self._waiting, self._rows_waiting = moved, [], 0
        if anew:
            self._log.restart()

    def _marks(self, moved: int, anew: bool = False) -> list[Statement]:
        """The database has the batches up to number ``moved``; ``anew``: the log is begun anew behind them."""
        begun = [_mark(BEGUN, moved if anew else 0)] if anew or not self._moved else []
        return [_mark(MOVED, moved), *begun]

    def _take_over(self, batch_log: BatchLog) -> None:
        """Move what a daemon that was killed has left in its log."""
        self._moved = last_moved(self.database.read)
        read = self.database.read
        found = read_log(batch_log.path, self._moved, last_begun(read), last_past(read))
        if found.missing or found.spoiled:
            first = missing_words(found.missing) or [f"what stands behind the last of {len(found.entries)} entries"]
            of = f", of {', '.join(found.jobs[:3])}," if found.jobs else ""
            raise damage(str(batch_log.path), f"{first[0]}{of} cannot be read")
        if found.cut:
            log.error("%s %s", batch_log.path, CUT)
        if found.behind:
            log.error("%s %s", self.database.name, BEHIND)
        if found.torn_bytes:
            log.warning("%s ends with %d bytes of an entry that was cut short", batch_log.path, found.torn_bytes)
        self._waiting = [decode_entry(entry) for _, entry in found.entries]
        try:
            self._move()
        except Exception as error:
            raise damage(str(batch_log.path), f"what it has does not fit the database: {error}") from error
        if batch_log.size_bytes:
            self.database.write(self._marks(self._moved, anew=True), durable=True)
            self.database.flush()  # else a power failure could take back what the log has no more
            batch_log.restart()

    def _read(self, query: str, values: Row = ()) -> Iterator[Row]:
        """The rows of a query, over all that was written."""
        if self._waiting:
            with self._naming:
                self._move()
        return self.database.read(query, values)

    def _read_of(self, what: str, query: str, values: Row) -> Iterator[Row]:
        """The rows of a query that is about one job; an error names ``what``."""
        try:
            return self._read(query, values)
        except QmkError as error:
            if not is_damage(error):
                raise
            raise damage(self.database.name, f"{what} cannot be read", job_id=values[0]) from error

    def tend(self) -> None:
        """Move what waits, and take away the blobs that lost their last name a while ago."""
        with self._naming:
            self._move()
        self._discard_until(self._clock_s())

    def _discard_until(self, until_s: float) -> None:
        due: list[str] = []
        while self._doomed and self._doomed[0][0] <= until_s:
            with suppress(IndexError):  # another thread had the same in view
                due.append(self._doomed.popleft()[1])
        self.discard(due)

    def discard(self, names: Iterable[str]) -> list[str]:
        """Delete the blobs among ``names`` that no row of a job needs; which they were. Safe beside ``write``: what a
        batch on its way names stays."""
        gone: list[str] = []
        for name in names:
            with self._naming:
                if next(self._read(_NAMED, (name,) * len(_HAVE_BLOBS)), None) is None and self.blobs.delete(name):
                    gone.append(name)
        return gone

    def _read_result(self, job: str) -> Result | None:
        """The whole result of an earlier batch; None for one that cannot be read any more."""
        try:
            head = self.head(job)
            if head is None:
                return None
            pages = -(-head.shots // head.page_shots) if head.row_bytes else 0
            return Result(head, b"".join(bytes(self.page(job, number, head)) for number in range(pages)))
        except QmkError as error:
            log.error("the result of %s cannot be copied: %s", job, error.message)
            return None

    def head(self, job: str) -> Head | None:
        packed = self.packed_head(job)
        return None if packed is None else decode_head(packed)

    def packed_head(self, job: str) -> bytes | None:
        query = "SELECT CAST(head AS BLOB), checksum FROM result WHERE job=?"
        for data, stored in self._read_of(f"the result of {job}", query, (job,)):
            if checksum(job, data) != stored:
                raise damage(self.database.name, f"the result of {job} does not match its checksum", job_id=job)
            return data
        return None

    def page(self, job: str, number: int, head: Outline) -> bytes | memoryview:
        query = "SELECT CAST(bits AS BLOB), checksum, blob FROM page WHERE job=? AND number=?"
        what = f"events page {number} of {job}"
        for bits, stored, blob in self._read_of(what, query, (job, number)):
            if is_whole_page(job, number, bits, stored, blob):
                return self.blobs.get(blob) if blob else bits
        raise damage(self.database.name, f"{what} is missing or does not match its checksum", job_id=job)

    def graph(self, job: str) -> bytes:
        what = f"the record of {job} with its graph"
        for record, stored, blob in self._read_of(what, _GRAPH, (job,) * 3):
            if checksum(job, record) != stored:
                raise damage(self.database.name, f"{what} does not match its checksum", job_id=job)
            found = decode_record(record)
            if isinstance(found, (Submitted, Rewritten)):
                return self.blobs.get(blob) if blob else found.graph
        raise no_graph(job)

    def charges(self, since_ns: int = 0) -> Iterator[ledger.Row]:
        return ledger.rows(self._read, self.database.name, from_ns=since_ns)

    def usage_since(self, period_start_ns: int = 0) -> dict[str, dict[str, float]]:
        return ledger.usage_since(self.charges(period_start_ns), period_start_ns)

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        query = "SELECT seq, CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._all(query, after=from_seq - 1)

    def seals(self) -> Iterator[Seal]:
        query = "SELECT number, CAST(body AS BLOB), CAST(signature AS BLOB) FROM seal WHERE number > ? ORDER BY number"
        return (Seal(*row) for row in self._all(query + " LIMIT ?"))

    def last_seal(self) -> Seal | None:
        query = "SELECT number, CAST(body AS BLOB), CAST(signature AS BLOB) FROM seal ORDER BY number DESC LIMIT 1"
        return next((Seal(*row) for row in self._read(query)), None)

    def audit_tail(self) -> AuditTail:
        try:
            return tail_of(self.last_seal(), self.audit_entries)
        except UNREADABLE as error:
            raise damage(self.database.name, f"the end of the audit log cannot be read: {error}") from error

    def count_lost_entries(self) -> int:
        """How many entries the audit log lacks, but for those that a repair has found missing."""
        count, last = next(self._read("SELECT count(*), coalesce(max(seq), 0) FROM audit"))
        known = next(self._read("SELECT value FROM meta WHERE key=?", (LOST_ENTRIES,)), ("0",))[0]
        return max(0, last - count - int(known))

    def blobs_named(self, without: Collection[str] = ()) -> set[str]:
        """The names of the blobs with graphs and results of jobs, the jobs ``without`` left out."""
        gone = set(without)
        return {name for job, name in self._read(_ALL_BLOBS) if job not in gone}

    def checkpoints(self) -> list[tuple[str, str]]:
        """(checkpoint, blob) of every saved state that has a row."""
        return [(id, blob) for id, blob in self._read("SELECT id, blob FROM checkpoint")]

    def close(self) -> None:
        """Closes the journal: nobody writes any more, so blobs that are due later can go now."""
        try:
            self._discard_until(float("inf"))
            with self._naming:
                if self._lost is None:
                    self._move()
        finally:
            if self._log is not None:
                self._log.close()
            self.database.close()


def _mark(statement: str, number: int) -> Statement:
    return Statement(statement, [(str(number),)])


def unreadable(name: str, error: Exception) -> QmkError:
    """A database that does not answer."""
    return QmkError("RESOURCE_EXHAUSTED", f"the journal {name} cannot be read: {error}", retryable=True)
