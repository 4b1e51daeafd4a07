"""What a protocol knows of a task and a job does not: its bucket, its action, the jobs of a batch. One SQLite file, so
that a gateway started anew goes on where the last one ended.

A record belongs to the tenant that made it and is found by that tenant only. The state of its jobs is never kept: the
daemon is asked.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.gateway.accounts.tables import ADDED_3, ADDED_4, TABLES

_RECORDS = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, created REAL NOT NULL,
  body BLOB NOT NULL, UNIQUE (kind, tenant, id));
CREATE TABLE IF NOT EXISTS members (
  record INTEGER NOT NULL REFERENCES records (seq) ON DELETE CASCADE, member TEXT NOT NULL,
  PRIMARY KEY (member, record)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_of ON members (record);
"""
MIGRATIONS = (_RECORDS, TABLES, ADDED_3, ADDED_4)
"""What each format of the file has added, the first one's first; what has been released stays as it is."""
FORMAT = len(MIGRATIONS)
_FIND = "SELECT id, created, body FROM records WHERE kind = ? AND tenant = ?"
Found = TypeVar("Found")

FILE_NAME = "gateway.db"


class Record(msgspec.Struct, frozen=True):
    """``members``: names by which it is found beside ``id``. ``created``: Unix seconds. ``body``: what an adapter
    keeps."""

    id: str
    created: float
    body: bytes
    members: tuple[str, ...] = ()


class Records:
    """The records of one kind of adapter, ``kind``, share a file with those of others."""

    def __init__(self, path: Path, kept: int = LIMITS.kept_jobs) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept = kept
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._base = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
            found = self._base.execute("PRAGMA user_version").fetchone()[0]
            if found <= FORMAT:
                self._base.execute("PRAGMA journal_mode = WAL")
                self._base.execute("PRAGMA foreign_keys = ON")
                for number, script in enumerate(MIGRATIONS[found:], found + 1):
                    self._base.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except (OSError, sqlite3.Error) as error:
            raise QmkError("RESOURCE_EXHAUSTED", f"cannot use {path}: {error}", path=str(path)) from error
        if found > FORMAT:
            raise QmkError("RESOURCE_EXHAUSTED", f"{path} was written by another release", path=str(path))

    def lock(self, kind: str, tenant: str, id: str) -> asyncio.Lock:
        """Held by whoever reads a record, changes it and puts it back."""
        return self._locks.setdefault((kind, tenant, id), asyncio.Lock())

    def check_writable(self) -> None:
        """Raises sqlite3.Error where the file cannot be written."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            self._base.close()

    async def put(
        self, kind: str, tenant: str, record: Record, *, kept: int | None = None, kept_bytes: int | None = None
    ) -> None:
        """Keep a record, in place of one with its id; beyond the bound on how many are ``kept``, or on the bytes of
        their bodies, the tenant's oldest of the kind go."""
        await self._do(lambda: self._put(kind, tenant, record, self._kept if kept is None else kept, kept_bytes))

    def _put(self, kind: str, tenant: str, record: Record, kept: int, kept_bytes: int | None) -> None:
        found = self._base.execute(
            "INSERT INTO records (kind, tenant, id, created, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, tenant, id) DO UPDATE SET body = excluded.body RETURNING seq",
            (kind, tenant, record.id, record.created, record.body),
        ).fetchone()[0]
        self._base.executemany(
            "INSERT OR IGNORE INTO members (record, member) VALUES (?, ?)", [(found, name) for name in record.members]
        )
        self._base.execute(
            "DELETE FROM records WHERE seq IN "
            "(SELECT seq FROM records WHERE kind = ? AND tenant = ? ORDER BY seq DESC LIMIT -1 OFFSET ?)",
            (kind, tenant, kept),
        )
        if kept_bytes is not None:
            self._base.execute(
                "DELETE FROM records WHERE seq IN (SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY "
                "seq DESC) AS total FROM records WHERE kind = ? AND tenant = ?) WHERE total > ?)",
                (kind, tenant, kept_bytes),
            )

    async def get(self, kind: str, tenant: str, id: str) -> Record | None:
        return await self._do(lambda: self._first(f"{_FIND} AND id = ?", (kind, tenant, id)))

    async def with_member(self, kind: str, tenant: str, member: str) -> Record | None:
        """The record that has this member."""
        query = f"{_FIND} AND seq IN (SELECT record FROM members WHERE member = ?) ORDER BY seq LIMIT 1"
        return await self._do(lambda: self._first(query, (kind, tenant, member)))

    async def page(
        self,
        kind: str,
        tenant: str,
        size: int,
        start: int = 0,
        *,
        member: str | None = None,
        oldest_first: bool = False,
        most_bytes: int | None = None,
    ) -> tuple[list[Record], int]:
        """Records from the newest on, or from the oldest, those with ``member`` where one is named, and how many there
        are in all. Raises INVALID_PARAMS where their bodies have more than ``most_bytes``."""
        having = "" if member is None else " AND seq IN (SELECT record FROM members WHERE member = ?)"
        values = (kind, tenant) if member is None else (kind, tenant, member)

        def read() -> tuple[list[Record], int]:
            order = "ASC" if oldest_first else "DESC"
            rows = self._base.execute(f"{_FIND}{having} ORDER BY seq {order} LIMIT ? OFFSET ?", (*values, size, start))
            count = f"SELECT count(*) FROM records WHERE kind = ? AND tenant = ?{having}"
            found: list[Record] = []
            size_bytes = 0
            for row in rows:
                found.append(Record(*row))
                size_bytes += len(found[-1].body)
                if most_bytes is not None and size_bytes > most_bytes:
                    raise QmkError("INVALID_PARAMS", f"a page has at most {most_bytes} bytes: ask for a smaller size")
            return found, self._base.execute(count, values).fetchone()[0]

        return await self._do(read)

    async def drop(self, kind: str, tenant: str, id: str) -> None:
        query = "DELETE FROM records WHERE kind = ? AND tenant = ? AND id = ?"
        await self._do(lambda: self._base.execute(query, (kind, tenant, id)))

    async def run(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        """What ``work`` gives, done in one transaction on the file. What it raises undoes it."""
        return await self._do(lambda: work(self._base))

    def _first(self, query: str, values: tuple[Any, ...]) -> Record | None:
        row = self._base.execute(query, values).fetchone()
        return None if row is None else Record(*row)

    async def _do(self, work: Callable[[], Found]) -> Found:
        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[], Found]) -> Found:
        try:
            with self._lock, self._base:
                return work()
        except sqlite3.Error as error:
            raise QmkError("RESOURCE_EXHAUSTED", f"the gateway's records cannot be used: {error}") from error
