"""What a protocol knows of a task and a job does not: its bucket, its action, the jobs of a batch. It is in the
gateway's tables, so that a gateway started anew goes on where the last one ended.

A record belongs to the tenant that made it and is found by that tenant only. The state of its jobs is never kept: the
daemon is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.sql.gateway import Base, open_tables

_FIND = "SELECT id, created, body FROM records WHERE kind = ? AND tenant = ?"
Found = TypeVar("Found")

FILE_NAME = "gateway.db"
MOST = (1 << 63) - 1
"""The greatest limit of a query."""
WAIT_S = 0.02
"""Seconds between two looks whether another gateway has given a record back."""


class Record(msgspec.Struct, frozen=True):
    """``members``: names by which it is found beside ``id``. ``created``: Unix seconds. ``body``: what an adapter
    keeps."""

    id: str
    created: float
    body: bytes
    members: tuple[str, ...] = ()


class Records:
    """The records of one kind of adapter, ``kind``, share the tables with those of others: the file ``path``, or those
    in ``database``, a ``postgresql://`` URL, which other gateways may share."""

    def __init__(self, path: Path, kept: int = LIMITS.kept_jobs, *, database: str = "") -> None:
        self.path = path
        self._kept = kept
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        self._tables = open_tables(path, database)
        self.is_shared = bool(database)

    @asynccontextmanager
    async def lock(self, kind: str, tenant: str, id: str) -> AsyncGenerator[None]:
        """Held by whoever reads a record, changes it and puts it back, among all gateways."""
        name = "\0".join((kind, tenant, id))
        async with self._locks.setdefault((kind, tenant, id), asyncio.Lock()):
            while not await asyncio.to_thread(self._tables.hold, name):
                await asyncio.sleep(WAIT_S)
            try:
                yield
            finally:
                await asyncio.shield(asyncio.to_thread(self._tables.release, name))

    async def is_first(self, work: str) -> bool:
        """Whether ``work``, which one gateway does for all, is this one's: until its connection ends, of the first that
        asked."""
        return await asyncio.to_thread(self._tables.hold, f"work\0{work}")

    def require_key(self, name: str, data: bytes, path: Path) -> None:
        """Raises INVALID_PARAMS where the key at ``path``, of which ``data`` tells, is not that of the other gateways
        with the same tables."""
        if not self._tables.agree(name, data):
            text = f"{path} is another key than that of the gateways that share {self._tables.name}"
            fix = f"copy {path.name} from the data folder of one of them, of mode 600"
            raise QmkError("INVALID_PARAMS", text, field="database", path=str(path), help=fix)

    async def check_writable(self) -> None:
        """Raises RESOURCE_EXHAUSTED where nothing can be written."""
        await self.run(_touch)

    def close(self) -> None:
        self._tables.close()

    async def put(
        self, kind: str, tenant: str, record: Record, *, kept: int | None = None, kept_bytes: int | None = None
    ) -> None:
        """Keep a record, in place of one with its id; beyond the bound on how many are ``kept``, or on the bytes of
        their bodies, the tenant's oldest of the kind go."""
        most = self._kept if kept is None else kept
        await self.run(lambda base: self._put(base, kind, tenant, record, most, kept_bytes))

    def _put(self, base: Base, kind: str, tenant: str, record: Record, kept: int, kept_bytes: int | None) -> None:
        found = base.execute(
            "INSERT INTO records (kind, tenant, id, created, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, tenant, id) DO UPDATE SET body = excluded.body RETURNING seq",
            (kind, tenant, record.id, record.created, record.body),
        ).fetchone()[0]
        base.executemany(
            "INSERT INTO members (record, member) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(found, name) for name in record.members],
        )
        base.execute(
            "DELETE FROM records WHERE seq IN "
            f"(SELECT seq FROM records WHERE kind = ? AND tenant = ? ORDER BY seq DESC LIMIT {MOST} OFFSET ?)",
            (kind, tenant, kept),
        )
        if kept_bytes is not None:
            base.execute(
                "DELETE FROM records WHERE seq IN (SELECT seq FROM (SELECT seq, sum(length(body)) OVER (ORDER BY "
                "seq DESC) AS total FROM records WHERE kind = ? AND tenant = ?) AS sized WHERE total > ?)",
                (kind, tenant, kept_bytes),
            )

    async def get(self, kind: str, tenant: str, id: str) -> Record | None:
        return await self.read(lambda base: _first(base, f"{_FIND} AND id = ?", (kind, tenant, id)))

    async def with_member(self, kind: str, tenant: str, member: str) -> Record | None:
        """The record that has this member."""
        query = f"{_FIND} AND seq IN (SELECT record FROM members WHERE member = ?) ORDER BY seq LIMIT 1"
        return await self.read(lambda base: _first(base, query, (kind, tenant, member)))

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

        def look(base: Base) -> tuple[list[Record], int]:
            order = "ASC" if oldest_first else "DESC"
            rows = base.execute(f"{_FIND}{having} ORDER BY seq {order} LIMIT ? OFFSET ?", (*values, size, start))
            count = f"SELECT count(*) FROM records WHERE kind = ? AND tenant = ?{having}"
            found: list[Record] = []
            size_bytes = 0
            for row in rows:
                found.append(Record(*row))
                size_bytes += len(found[-1].body)
                if most_bytes is not None and size_bytes > most_bytes:
                    raise QmkError("INVALID_PARAMS", f"a page has at most {most_bytes} bytes: ask for a smaller size")
            return found, base.execute(count, values).fetchone()[0]

        return await self.read(look)

    async def drop(self, kind: str, tenant: str, id: str) -> None:
        query = "DELETE FROM records WHERE kind = ? AND tenant = ? AND id = ?"
        await self.run(lambda base: base.execute(query, (kind, tenant, id)))

    async def run(self, work: Callable[[Base], Found]) -> Found:
        """What ``work`` gives, done in one transaction; it may be called twice. What it raises undoes it."""
        return await asyncio.to_thread(self._tables.transact, work)

    async def read(self, work: Callable[[Base], Found]) -> Found:
        """What ``work`` reads, of one moment; it writes nothing."""
        return await asyncio.to_thread(lambda: self._tables.transact(work, writes=False))


def _first(base: Base, query: str, values: tuple[Any, ...]) -> Record | None:
    row = base.execute(query, values).fetchone()
    return None if row is None else Record(*row)


def _touch(base: Base) -> None:
    """Writes nothing, as a writer."""
    base.execute("DELETE FROM records WHERE seq < 0")
