"""The journal on SQLite: one file, one writing connection, one transaction a batch.

Write-ahead log. Durability ``process``: a batch survives the end of the daemon in any manner, kill -9 included, and is
not waited for on disk. ``power``: a durable batch is on disk before ``write`` returns. Reading and checkpointing have
connections of their own, so a long read never holds up the writer. Every blob carries a checksum.
"""

from __future__ import annotations

import sqlite3 as _standard
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.journal import Batch
from qmk.host.results import Head, checksum, decode_head, encode_head
from qmk.kernel.events import Event

Durability = Literal["process", "power"]
SCHEMA = 1
CHECKPOINT_BATCHES = 250
LOG_BYTES = 16 << 20
"""Past this the write-ahead log is begun anew, once what it holds has been moved into the file."""

RESET_FIXED = (3, 51, 3)
"""Before this release a checkpoint beside a writer could lose pages of the write-ahead log."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (seq INTEGER PRIMARY KEY, job TEXT NOT NULL, record BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE INDEX journal_of_job ON journal (job);
CREATE TABLE result (id INTEGER PRIMARY KEY, job TEXT NOT NULL UNIQUE, head BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE page (
  id INTEGER PRIMARY KEY, job TEXT NOT NULL, number INTEGER NOT NULL, bits BLOB NOT NULL, checksum INTEGER NOT NULL,
  UNIQUE (job, number)
);
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


def _sqlite() -> Any:
    """The newer of the system's SQLite and the ``pysqlite3`` wheel's."""
    try:
        import pysqlite3  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return _standard
    return pysqlite3 if pysqlite3.sqlite_version_info > _standard.sqlite_version_info else _standard


def _damaged(path: Path, what: str) -> QmkError:
    return QmkError(
        "INTERNAL_ERROR",
        f"the journal {path} is damaged: {what}",
        help="restore it from a backup, or move it away to start with an empty one",
    )


class SqliteJournal:
    """See the module. Raises INTERNAL_ERROR naming the file when it is damaged or from a newer release."""

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        self.path = path
        self.durability = durability
        self.waits_for_disk = durability == "power"
        self._sqlite = _sqlite()
        self._beside = self._sqlite.sqlite_version_info >= RESET_FIXED
        self._full: bool | None = None
        self._batches = 0
        self._checkpoint: threading.Thread | None = None
        self._moved = threading.Event()
        self._log = path.with_name(path.name + "-wal")
        self._writer: Any = None
        self._reader: Any = None
        try:
            self._writer = self._open()
            self._settle()
            self._reader = self._open()
        except Exception as error:
            if self._writer is not None:
                self._writer.close()
            if isinstance(error, self._sqlite.OperationalError):
                raise QmkError("RESOURCE_EXHAUSTED", f"cannot open the journal {path}: {error}") from error
            if isinstance(error, self._sqlite.DatabaseError):
                raise _damaged(path, str(error)) from error
            raise

    def _open(self) -> Any:
        connection = self._sqlite.connect(str(self.path), isolation_level=None, check_same_thread=False, timeout=10.0)
        connection.execute("PRAGMA cache_size=-8192")
        return connection

    def _settle(self) -> None:
        """Pragmas, tables of a new file, and the schema row of an old one."""
        run = self._writer.execute
        run("PRAGMA auto_vacuum=INCREMENTAL")
        run("PRAGMA journal_mode=WAL")
        run(f"PRAGMA wal_autocheckpoint={0 if self._beside else 4000}")
        self._synchronise(full=True)
        fresh = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if fresh:
            self._writer.executescript(f"BEGIN;{_TABLES}INSERT INTO meta VALUES ('schema', '{SCHEMA}');COMMIT;")
        self._writer.executescript(ledger.TABLE)
        found = run("SELECT value FROM meta WHERE key='schema'").fetchone()
        if found is None or found[0] != str(SCHEMA):
            raise QmkError(
                "INTERNAL_ERROR",
                f"the journal {self.path} has schema {found[0] if found else 'none'}; this release reads {SCHEMA}",
                help="start the release that wrote it, or name another data folder",
            )

    def _synchronise(self, full: bool) -> None:
        if self._full is not full:
            self._writer.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
            self._full = full

    def records(self) -> Iterator[Event]:
        """Every record, oldest first. A damaged record raises INTERNAL_ERROR with its number."""
        for seq, job, record, stored in self._read(
            "SELECT seq, job, CAST(record AS BLOB), checksum FROM journal ORDER BY seq"
        ):
            if checksum(job, record) != stored:
                raise _damaged(self.path, f"record {seq} does not match its checksum")
            yield _decode(record)

    def _read(self, query: str, *values: str | int) -> Iterator[Any]:
        try:
            yield from self._reader.execute(query, values)
        except self._sqlite.DatabaseError as error:
            raise _damaged(self.path, str(error)) from error

    def write(self, batch: Batch) -> None:
        """One transaction. Safe to call from another thread, one call at a time."""
        self._synchronise(full=batch.durable and self.durability == "power")
        run, many = self._writer.execute, self._writer.executemany
        run("BEGIN IMMEDIATE")
        try:
            if batch.records:
                many("INSERT INTO journal (job, record, checksum) VALUES (?, ?, ?)", _record_rows(batch.records))
            for job, result in batch.results:
                head = encode_head(result.head)
                run(
                    "INSERT OR REPLACE INTO result (job, head, checksum) VALUES (?, ?, ?)",
                    (job, head, checksum(job, head)),
                )
                pages = [(job, number, bits, checksum(job, bits)) for number, bits in result.pages()]
                many("INSERT OR REPLACE INTO page (job, number, bits, checksum) VALUES (?, ?, ?, ?)", pages)
            if batch.charges:
                many(ledger.INSERT, ledger.values(batch.charges))
            for table in ("journal", "result", "page") if batch.forgotten else ():
                many(f"DELETE FROM {table} WHERE job=?", [(job,) for job in batch.forgotten])
        except BaseException:
            run("ROLLBACK")
            raise
        run("COMMIT")
        self._batches += 1
        if self._beside:
            self._tend_log()

    def _tend_log(self) -> None:
        """Every so often have a thread move the log into the file; right after it, when little is left to move and the
        log has grown long, move that little and begin the log anew."""
        if self._moved.is_set():
            self._moved.clear()
            if self._log.stat().st_size > LOG_BYTES:
                self._writer.execute("PRAGMA wal_checkpoint(RESTART)")
        elif self._batches >= CHECKPOINT_BATCHES and (self._checkpoint is None or not self._checkpoint.is_alive()):
            self._batches = 0
            self._checkpoint = threading.Thread(target=self._move_log, name="qmk-checkpoint", daemon=True)
            self._checkpoint.start()

    def _move_log(self) -> None:
        """Move the write-ahead log into the file, beside the writer and without ever making it wait."""
        connection = self._open()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()
        self._moved.set()

    def head(self, job: str) -> Head | None:
        for data, stored in self._read("SELECT CAST(head AS BLOB), checksum FROM result WHERE job=?", job):
            if checksum(job, data) != stored:
                raise _damaged(self.path, f"the result of {job} does not match its checksum")
            return decode_head(data)
        return None

    def page(self, job: str, number: int, head: Head) -> bytes | memoryview:
        for bits, stored in self._read(
            "SELECT CAST(bits AS BLOB), checksum FROM page WHERE job=? AND number=?", job, number
        ):
            if checksum(job, bits) == stored:
                return bits
        raise _damaged(self.path, f"events page {number} of {job} is missing or does not match its checksum")

    def used(self, period_start_ns: int) -> dict[str, dict[str, float]]:
        return {tenant: ledger.amounts_used(*sums) for tenant, *sums in self._read(ledger.USED, period_start_ns)}

    def close(self) -> None:
        """Leave one tidy file behind: the log is moved into it and removed."""
        if self._checkpoint is not None:
            self._checkpoint.join()
        self._reader.close()
        self._writer.execute("PRAGMA incremental_vacuum")
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()


def _record_rows(records: list[Event]) -> list[tuple[str, bytes, int]]:
    rows: list[tuple[str, bytes, int]] = []
    for record in records:
        job = getattr(record, "job", "")
        data = _encode(record)
        rows.append((job, data, checksum(job, data)))
    return rows
