"""The journal's database on a PostgreSQL server, 14 or newer.

One daemon at a time: it holds an advisory lock for as long as its writing connection lives, and every transaction
counts up the row ``leader`` under the generation that this daemon took at its start. A daemon that lost its place, a
zombie, cannot count under an old generation, so nothing it writes is kept.

A durable batch is on the server's disk before ``write`` returns, whatever the ``durability``: the server may end while
the daemon goes on. Others are committed with ``synchronous_commit = off``, and kept in memory
until a durable one has followed: a server that crashes may come back without them.

A transaction whose connection broke may or may not have been carried out. The count tells: once the lock is ours
again the old session is over, and the row says which batch was the last. Those that the server has not got are written
again, no other. If another daemon has taken over, or the server has lost a durable batch, ``write`` raises and the
daemon stops.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from qmk.base.errors import QmkError
from qmk.host.sql.database import Row, Statement, damage
from qmk.host.sql.schema import settle
from qmk.sql.postgres import STARTING, cannot_use, connect, psycopg_module, spoken, without_password

log = logging.getLogger("qmk.journal")
T = TypeVar("T")
OLDEST_SERVER = 140_000
LOCK = 0x514D4B
"""First half of the advisory lock's key; the second is the schema's name hashed."""
LOCK_PATIENCE_S = 4.0
"""How long, at a start, the lock of a daemon that has just ended is waited for."""
RETRY_S = 0.1
UNSURE_BATCHES = 64
"""So many batches may be on no disk; the next one is durable."""

WORDS = {"int": "BIGINT", "blob": "BYTEA", "text": 'TEXT COLLATE "C"', "id": "", "without_rowid": ""}

_LEADER = """CREATE TABLE IF NOT EXISTS leader (
  one INT PRIMARY KEY DEFAULT 1 CHECK (one = 1), generation BIGINT NOT NULL, batch BIGINT NOT NULL, holder TEXT NOT NULL
) WITH (fillfactor = 10)"""
_COUNT_UP = """WITH counted AS (
  UPDATE leader SET batch = batch + 1 WHERE generation = %s AND batch = %s RETURNING 1
) SELECT 1 / count(*) FROM counted"""
"""Divides by zero when another daemon has taken over: that undoes the transaction within its one round trip."""


class PostgresDatabase:
    """Raises, beside what ``Database`` says, RESOURCE_EXHAUSTED when another daemon uses the database; with
    ``waiting``, which is told of it, its end is waited for."""

    waits_for_disk = True
    far = True

    def __init__(self, url: str, patience_s: float = 60.0, waiting: Callable[[str], object] | None = None) -> None:
        self.url = url
        self.name = without_password(url)
        self._patience_s = patience_s
        self._driver = psycopg_module()
        self._writer: Any = None
        self._reader: Any = None
        self._reading = threading.Lock()
        self._generation = 0
        self._batch = 0
        self._unsure: list[Sequence[Statement]] = []
        try:
            self._writer = self._wait_for_server(self._connect, at_start=True)
            self._require_release()
            if waiting is None:
                self._take_lock(min(LOCK_PATIENCE_S, patience_s))
            else:
                self._stand_by(waiting)
            self._reader = self._connect()
            settle(self, WORDS)
            self._lead()
        except Exception as error:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            if isinstance(error, self._driver.Error):
                raise cannot_use(self.name, error) from error
            raise

    def _connect(self) -> Any:
        where = f"qmk {socket.gethostname()}:{os.getpid()}"
        connection = connect(self.url, where)
        try:
            # the server, too, is to notice soon that we are gone: it holds our lock
            for name, value in (("idle", 10), ("interval", 5), ("count", 3)):
                connection.execute(f"SET tcp_keepalives_{name} = {value}")
            connection.execute("SET synchronous_commit = on")
            connection.execute("SET idle_session_timeout = 0")
            connection.execute("SET statement_timeout = 0")
        except BaseException:
            connection.close()
            raise
        return connection

    def _require_release(self) -> None:
        version = self._writer.info.server_version
        if version < OLDEST_SERVER:
            raise QmkError(
                "UNSUPPORTED",
                f"{self.name} is PostgreSQL {version // 10_000}; QMK needs 14 or newer",
                feature="postgresql",
                help="upgrade the server",
            )

    def _take_lock(self, patience_s: float) -> None:
        """Become the one daemon of this schema; a daemon that has just ended may hold it a moment longer. One that led
        looks no further once another leads."""
        deadline = time.monotonic() + patience_s
        while not self._try_lock() and not (self._generation and self._leader()[0] != self._generation):
            if time.monotonic() > deadline:
                fix = "stop it, or name another database or schema"
                raise QmkError("RESOURCE_EXHAUSTED", self._describe_holder(), retryable=False, help=fix)
            time.sleep(RETRY_S)

    def _stand_by(self, waiting: Callable[[str], object]) -> None:
        """As ``_take_lock``, for as long as it takes, through losses of the server too."""
        told = False
        while True:
            try:
                if self._try_lock():
                    return
                if not told:
                    waiting(self._describe_holder())
                    told = True
            except (self._driver.OperationalError, self._driver.InterfaceError):
                if not self._writer.closed:
                    raise
                self._writer = self._wait_for_server(self._connect)
            time.sleep(RETRY_S)

    def _try_lock(self) -> bool:
        query = "SELECT pg_try_advisory_lock(%s, hashtext(current_schema()))"
        return self._writer.execute(query, (LOCK,)).fetchone()[0]

    def _describe_holder(self) -> str:
        return f"another daemon ({self._holder()}) uses the database {self.name}"

    def _holder(self) -> str:
        found = self._writer.execute(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
            "AND classid = %s AND objid::bigint = hashtext(current_schema())::bigint & 4294967295 AND granted "
            "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (LOCK,),
        ).fetchone()
        return found[0] if found else "unknown"

    def _lead(self) -> None:
        """Begin a generation: whoever led before cannot write any more."""
        row = self._writer.execute(
            "INSERT INTO leader (generation, batch, holder) VALUES (1, 0, %s) ON CONFLICT (one) DO UPDATE SET "
            "generation = leader.generation + 1, holder = excluded.holder RETURNING generation, batch",
            (self._writer.info.parameter_status("application_name"),),
        ).fetchone()
        self._generation, self._batch = row

    @property
    def generation(self) -> int:
        """Grows with every daemon that leads."""
        return self._generation

    def has_tables(self) -> bool:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'"
        return bool(self._writer.execute(query).fetchone()[0])

    def migrate(self, statements: Sequence[str]) -> None:
        with self._writer.transaction():
            self._writer.execute(_LEADER)
            for sql in statements:
                self._writer.execute(spoken(sql))

    def read(self, query: str, values: Row = ()) -> Iterator[Row]:
        sql = spoken(query)
        with self._reading:
            try:
                return iter(self._reader.execute(sql, values).fetchall())
            except self._driver.OperationalError as error:
                if not self._reader.closed:
                    raise cannot_use(self.name, error) from error
            return iter(self._wait_for_server(lambda: self._read_anew(sql, values)))

    def _read_anew(self, sql: str, values: Row) -> list[Row]:
        self._reader.close()
        self._reader = self._connect()
        return self._reader.execute(sql, values).fetchall()

    def _wait_for_server(self, attempt: Callable[[], T], at_start: bool = False) -> T:
        """What ``attempt`` gives, once the server lets us in: it is waited for, ``patience_s`` at most; ``at_start``,
        only where it seems to be starting. Raises RESOURCE_EXHAUSTED."""
        deadline = time.monotonic() + self._patience_s
        told = False
        while True:
            try:
                return attempt()
            except (self._driver.OperationalError, self._driver.InterfaceError) as error:
                problem = cannot_use(self.name, error)
                hopeless = at_start and not any(word in problem.message for word in STARTING)
                if hopeless or time.monotonic() > deadline:
                    raise problem from error
            if not told:
                log.warning("%s; waiting for it for up to %.0f s", problem.message, self._patience_s)
                told = True
            time.sleep(RETRY_S)

    def write(self, statements: Sequence[Statement], durable: bool) -> None:
        durable = durable or len(self._unsure) >= UNSURE_BATCHES
        try:
            self._transact(statements, durable)
        except self._driver.errors.DivisionByZero:
            raise _replaced_error(self.name) from None
        except (self._driver.OperationalError, self._driver.InterfaceError):
            if not self._writer.closed:
                raise
            self._write_again([*self._unsure, statements])
            durable = True
        self._batch += 1
        self._unsure = [] if durable else [*self._unsure, statements]

    def _transact(self, statements: Sequence[Statement], durable: bool, before: int | None = None) -> None:
        """One round trip, whatever the number of statements. ``before``: batches before this one, if it is not new."""
        try:
            with self._writer.pipeline(), self._writer.cursor() as cursor:
                cursor.execute("BEGIN")
                if not durable:
                    cursor.execute("SET LOCAL synchronous_commit = off")
                cursor.execute(_COUNT_UP, (self._generation, self._batch if before is None else before))
                for sql, rows in statements:
                    cursor.executemany(spoken(sql), rows)
                cursor.execute("COMMIT")
        except BaseException:
            if not self._writer.closed:
                self._writer.execute("ROLLBACK")
            raise

    def _write_again(self, batches: Sequence[Sequence[Statement]]) -> None:
        """After a lost connection: writes what the server has not got of these batches, the last of which was on its
        way. Waits for the server, within ``patience_s`` after each loss."""
        last = self._batch + 1
        while (there := self._count_batches()) < last:
            if last - there > len(batches):
                lost = self._batch - there
                raise damage(self.name, f"the server came back without the last {lost} batches that it had confirmed")
            try:
                for number in range(there + 1, last + 1):
                    self._transact(batches[number - last - 1], True, number - 1)
                return
            except (self._driver.OperationalError, self._driver.InterfaceError):
                if not self._writer.closed:
                    raise
        if there > last:
            raise damage(self.name, f"the server has {there - last} batches that nobody wrote")

    def _count_batches(self) -> int:
        """How many batches the server has, once the old session is over. Raises when there is no telling, or when we no
        longer lead."""
        generation, batch = self._wait_for_server(self._lead_again)
        if generation != self._generation:
            raise _replaced_error(self.name)
        return batch

    def _lead_again(self) -> tuple[int, int]:
        self._writer.close()  # one that was opened a moment ago, and that the server has left again, too
        self._writer = self._connect()
        self._take_lock(self._patience_s)
        return self._leader()

    def _leader(self) -> tuple[int, int]:
        """The generation that leads, and how many batches are written."""
        return self._writer.execute("SELECT generation, batch FROM leader").fetchone()

    def check(self, tables: Sequence[str]) -> list[str]:
        """How the server stores them is its own to check."""
        return []

    def flush(self) -> None:
        """A committed transaction is on the server's disk, as far as it was promised."""

    def close(self) -> None:
        for connection in (self._reader, self._writer):
            connection.close()


def _replaced_error(name: str) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"another daemon has taken over the database {name}; nothing that this one writes is kept",
        retryable=False,
    )
