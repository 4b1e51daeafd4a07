"""Session: a client's standing with the kernel: tenant, capabilities, reserved qubits, counters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from qmk.abi.token import Bounds
from qmk.base.errors import QmkError
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.capability import Holding
from qmk.kernel.objects.tenant import Tenant

NO_CONNECTION = -1


class Session(msgspec.Struct, eq=False):
    """``qubits`` maps each reserved handle to the id of the capability it was reserved under. ``serial`` names the
    token it was opened with ("" without one), ``bounds`` what its caveats leave, which nothing that the session takes
    up can widen; ``expires_ns`` is when it expires (0: never), ``uid`` the user whose process opened it. ``derived``
    counts the live capabilities it has made. ``account`` has the quotas that the session was opened with, if any."""

    id: str
    tenant: Tenant
    caps: Holding
    conn: int
    opened_ns: int
    uid: int = -1
    account: Account | None = None
    serial: str = ""
    bounds: Bounds = Bounds()
    expires_ns: int = 0
    used_ns: int = 0
    derived: int = 0
    qubits: dict[str, str] = {}
    calls: int = 0
    errors: int = 0
    jobs_submitted: int = 0
    jobs_completed: int = 0
    jobs_failed: int = 0
    jobs_cancelled: int = 0
    shots_completed: int = 0
    engine_seconds: float = 0.0

    def release(self, handles: list[str]) -> None:
        """Gives the (held) handles back to the quotas."""
        for handle in handles:
            del self.qubits[handle]
        for account in self.accounts:
            for quota in account.qubits:
                quota.give(len(handles))

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account that counts what the session uses, the tenant's first."""
        return (self.tenant.account,) if self.account is None else (self.tenant.account, self.account)


class SessionTable:
    """Open sessions, least recently used first.

    A session ends when it is closed or unused for ``idle_ns``. At the bound on their number the longest unused
    session whose connection is gone makes room; if there is none, opening is refused.
    """

    def __init__(self, limit: int, idle_ns: int) -> None:
        self.limit = limit
        self.idle_ns = idle_ns
        self._by_id: OrderedDict[str, Session] = OrderedDict()
        self._by_conn: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, id: str) -> Session | None:
        return self._by_id.get(id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def use(self, id: str, conn: int, now_ns: int, uid: int = -1) -> Session:
        """The session, marked as used from ``conn``; SESSION_NOT_FOUND when absent, closed, expired or opened by
        another user."""
        session = self._by_id.get(id)
        if session is None or now_ns - session.used_ns > self.idle_ns or session.uid != uid:
            raise not_found(id)
        self.touch(session, now_ns)
        if session.conn != conn:
            self._detach(session)
            self._attach(session, conn)
        return session

    def touch(self, session: Session, now_ns: int) -> None:
        """Marks the session as in use."""
        session.used_ns = now_ns
        self._by_id.move_to_end(session.id)

    def idle_due_ns(self) -> int | None:
        """When the longest unused session ends if it stays so; None without any."""
        first = next(iter(self._by_id.values()), None)
        return None if first is None else first.used_ns + self.idle_ns + 1

    def add(self, session: Session) -> None:
        assert session.id not in self._by_id
        assert len(self._by_id) < self.limit
        self._by_id[session.id] = session
        session.tenant.quota("sessions").take()
        self._attach(session, session.conn)

    def remove(self, session: Session) -> None:
        del self._by_id[session.id]
        session.tenant.quota("sessions").give()
        self._detach(session)

    def find_expired(self, now_ns: int) -> list[Session]:
        """Sessions unused for too long, for the kernel to end."""
        found: list[Session] = []
        for session in self._by_id.values():
            if now_ns - session.used_ns <= self.idle_ns:
                break
            found.append(session)
        return found

    def find_displaced(self) -> Session | None:
        """At the bound: the session that makes room, if any may."""
        return self.idle_of(None) if len(self._by_id) >= self.limit else None

    def idle_of(self, tenant: Tenant | None) -> Session | None:
        """The longest unused session, of ``tenant`` if it is named, whose connection is gone. It is looked for only at
        a bound on the number of sessions."""
        rows = (row for row in self._by_id.values() if tenant is None or row.tenant is tenant)
        return next((row for row in rows if row.conn == NO_CONNECTION), None)

    def count_of_conn(self, conn: int) -> int:
        return len(self._by_conn.get(conn, ()))

    def disconnect(self, conn: int) -> None:
        """Handles the end of a connection: its sessions stay, and may be used from another connection."""
        for id in self._by_conn.pop(conn, ()):
            self._by_id[id].conn = NO_CONNECTION

    def _attach(self, session: Session, conn: int) -> None:
        session.conn = conn
        self._by_conn.setdefault(conn, set()).add(session.id)

    def _detach(self, session: Session) -> None:
        ids = self._by_conn.get(session.conn)
        if ids is not None:
            ids.discard(session.id)
            if not ids:
                del self._by_conn[session.conn]


def not_found(id: str) -> QmkError:
    return QmkError(
        "SESSION_NOT_FOUND",
        f"no session '{id[:64]}': it was never opened, was closed or has expired",
        help="open one with q_negotiate_caps",
    )
