"""The journal's database in one file: SQLite, one writing connection, its own checkpoints.

Write-ahead log. Durability ``process``: a batch survives the end of the daemon in any manner, kill -9 included, and is
not waited for on disk. ``power``: a durable batch is on disk before ``write`` returns. Reading and checkpointing have
connections of their own, so a long read never holds up the writer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from qmk.base.errors import QmkError
from qmk.host.file_system import require_local
from qmk.host.sql.database import Row, Statement, damage
from qmk.host.sql.library import sqlite_module
from qmk.host.sql.schema import settle

Durability = Literal["process", "power"]
CHECKPOINT_BATCHES = 250
LOG_BYTES = 16 << 20
"""Past this the write-ahead log is begun anew, once what it holds has been moved into the file."""

RESET_FIXED = (3, 51, 3)
"""Before this release a checkpoint beside a writer could lose pages of the write-ahead log."""

WORDS = {
    "int": "INTEGER",
    "blob": "BLOB",
    "text": "TEXT",
    "id": "id INTEGER PRIMARY KEY,",
    "without_rowid": " WITHOUT ROWID",
}


def check_structure(connection: Any, sqlite: Any, tables: Sequence[str] = ()) -> list[str]:
    """What SQLite finds wrong with the pages of these tables and their indexes, or of the whole file."""
    found: list[str] = []
    for pragma in [f"integrity_check({table})" for table in tables] or ["integrity_check"]:
        try:
            found += [text for row in connection.execute(f"PRAGMA {pragma}") for text in str(row[0]).splitlines()]
        except sqlite.DatabaseError as error:
            found.append(str(error))
    return [text for text in dict.fromkeys(found) if text != "ok" and not text.startswith("*** in database")]


class SqliteDatabase:
    """Raises, beside what ``Database`` says, RESOURCE_EXHAUSTED when the file is on a network file system."""

    far = False

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        self.path = path
        self.name = str(path)
        self.durability = durability
        self.waits_for_disk = durability == "power"
        self._sqlite = sqlite_module()
        self._beside = self._sqlite.sqlite_version_info >= RESET_FIXED
        self._full: bool | None = None
        self._batches = 0
        self._checkpoint: threading.Thread | None = None
        self._moved = threading.Event()
        self._log = path.with_name(path.name + "-wal")
        self._writer: Any = None
        self._reader: Any = None
        self._reading = threading.Lock()
        require_local(path.parent)
        try:
            self._writer = self._open()
            self._prepare()
            self._reader = self._open()
            settle(self, WORDS)
        except Exception as error:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            if isinstance(error, self._sqlite.OperationalError):
                raise self._cannot("open", error) from error
            if isinstance(error, self._sqlite.DatabaseError):
                raise damage(self.name, str(error)) from error
            raise

    def _open(self) -> Any:
        connection = self._sqlite.connect(str(self.path), isolation_level=None, check_same_thread=False, timeout=10.0)
        connection.execute("PRAGMA cache_size=-2048")
        return connection

    def _prepare(self) -> None:
        run = self._writer.execute
        run("PRAGMA auto_vacuum=INCREMENTAL")
        run("PRAGMA journal_mode=WAL")
        run(f"PRAGMA wal_autocheckpoint={0 if self._beside else 4000}")
        self._synchronise(full=True)

    def _synchronise(self, full: bool) -> None:
        if self._full is not full:
            self._writer.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
            self._full = full

    def has_tables(self) -> bool:
        return bool(self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def migrate(self, statements: Sequence[str]) -> None:
        self._synchronise(full=True)
        self._transact([Statement(sql, [()]) for sql in statements])

    def read(self, query: str, values: Row = ()) -> Iterator[Row]:
        try:
            with self._reading:
                return iter(self._reader.execute(query, values).fetchall())
        except self._sqlite.DatabaseError as error:
            raise damage(self.name, str(error)) from error

    def write(self, statements: Sequence[Statement], durable: bool) -> None:
        try:
            self._synchronise(full=durable and self.durability == "power")
            self._transact(statements)
            self._batches += 1
            if self._beside:
                self._tend_log()
        except self._sqlite.OperationalError as error:
            raise self._cannot("write", error) from error
        except self._sqlite.IntegrityError:
            raise
        except self._sqlite.DatabaseError as error:
            raise damage(self.name, str(error)) from error

    def check(self, tables: Sequence[str]) -> list[str]:
        return check_structure(self._writer, self._sqlite, tables)

    def flush(self) -> None:
        fd = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _cannot(self, what: str, error: Exception) -> QmkError:
        """The disk is full, read-only or failing, or somebody holds the file."""
        help = "free some space, see that the file can be written, and start the daemon again"
        return QmkError("RESOURCE_EXHAUSTED", f"cannot {what} the journal {self.path}: {error}", help=help)

    def _transact(self, statements: Sequence[Statement]) -> None:
        run = self._writer.execute
        run("BEGIN IMMEDIATE")
        try:
            for sql, rows in statements:
                if len(rows) == 1:
                    run(sql, rows[0])
                else:
                    self._writer.executemany(sql, rows)
        except BaseException:
            if self._writer.in_transaction:  # a full disk has ended it already
                run("ROLLBACK")
            raise
        run("COMMIT")

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

    def close(self) -> None:
        """Leave one tidy file behind: the log is moved into it and removed."""
        if self._checkpoint is not None:
            self._checkpoint.join()
        self._reader.close()
        try:
            self._writer.execute("PRAGMA incremental_vacuum").fetchall()
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except self._sqlite.OperationalError as error:
            raise self._cannot("tidy", error) from error
        except self._sqlite.DatabaseError as error:
            raise damage(self.name, str(error)) from error
        finally:
            self._writer.close()
