"""Open waits: q_wait and q_events calls that are answered later."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.base.errors import QmkError

STATUS_WAIT = -1


class Wait(msgspec.Struct, frozen=True, gc=False):
    """``after`` is the last event already seen by a q_events, ``STATUS_WAIT`` for a q_wait. ``key`` names its timer,
    ``under`` the capability that let it in, if its uses are counted."""

    key: str
    conn: int
    ref: int
    session: str
    job: str
    after: int
    timed: bool
    under: str


class WaitTable:
    """Waits by job, connection and session. ``limit`` bounds those of one session. ``freed`` collects the sessions
    whose waits went and had been let in by a capability that counts its uses."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.freed: list[str] = []
        self._count = 0
        self._by_key: dict[str, Wait] = {}
        self._by_job: dict[str, dict[str, Wait]] = {}
        self._by_conn: dict[int, dict[str, Wait]] = {}
        self._by_session: dict[str, dict[str, Wait]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, conn: int, ref: int, session: str, job: str, after: int, timed: bool, under: str = "") -> Wait:
        """Raises QUOTA_EXCEEDED when the session has as many open waits as it may."""
        if self.count_of_session(session) >= self.limit:
            raise QmkError(
                "QUOTA_EXCEEDED",
                f"the session has {self.limit} open waits, which is the limit 'open_waits'",
                quota="open_waits",
                asked=self.limit + 1,
                limit=self.limit,
                help="wait for several jobs with one call each, or open another session",
            )
        self._count += 1
        wait = Wait(f"wait:{self._count}", conn, ref, session, job, after, timed, under)
        self._by_key[wait.key] = wait
        self._by_job.setdefault(job, {})[wait.key] = wait
        self._by_conn.setdefault(conn, {})[wait.key] = wait
        self._by_session.setdefault(session, {})[wait.key] = wait
        return wait

    def remove(self, wait: Wait) -> None:
        del self._by_key[wait.key]
        if wait.under:
            self.freed.append(wait.session)
        _drop(self._by_job, wait.job, wait.key)
        _drop(self._by_conn, wait.conn, wait.key)
        _drop(self._by_session, wait.session, wait.key)

    def get(self, key: str) -> Wait | None:
        return self._by_key.get(key)

    def of_job(self, job: str) -> list[Wait]:
        return list(self._by_job.get(job, {}).values())

    def of_conn(self, conn: int) -> list[Wait]:
        return list(self._by_conn.get(conn, {}).values())

    def of_session(self, session: str) -> list[Wait]:
        return list(self._by_session.get(session, {}).values())

    def count_of_session(self, session: str) -> int:
        return len(self._by_session.get(session, ()))

    def all(self) -> list[Wait]:
        return list(self._by_key.values())


def _drop(table: dict[Any, dict[str, Wait]], key: str | int, wait: str) -> None:
    row = table[key]
    del row[wait]
    if not row:
        del table[key]
