"""Session: a client's standing with the kernel: tenant, capabilities, reserved qubits, counters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from qmk.abi.token import Bounds
from qmk.base.errors import QmkError
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.capability import Capability, Holding
from qmk.kernel.objects.tenant import Tenant

NO_CONNECTION = -1


class Session:
    """``qubits`` maps each reserved handle to the id of the capability it was reserved under. ``serial`` names the
    token it was opened with ("" without one), ``bounds`` what its caveats leave, which nothing that the session takes
    up can widen; ``expires_ns`` is when it expires (0: never), ``uid`` the user whose process opened it. ``derived``
    counts the live capabilities it has made. ``account`` has the quotas that the session was opened with, if any."""

    __slots__ = (
        "account",
        "bounds",
        "calls",
        "caps",
        "conn",
        "derived",
        "engine_seconds",
        "errors",
        "expires_ns",
        "id",
        "jobs_cancelled",
        "jobs_completed",
        "jobs_failed",
        "jobs_submitted",
        "opened_ns",
        "qubits",
        "serial",
        "shots_completed",
        "tenant",
        "uid",
        "used_ns",
    )

    def __init__(
        self,
        id: str,
        tenant: Tenant,
        root: Capability,
        conn: int,
        now_ns: int,
        uid: int = -1,
        account: Account | None = None,
    ) -> None:
        self.id = id
        self.tenant = tenant
        self.account = account
        self.caps = Holding(root)
        self.serial = ""
        self.bounds = Bounds()
        self.expires_ns = root.expires_ns
        self.uid = uid
        self.derived = 0
        self.conn = conn
        self.opened_ns = self.used_ns = now_ns
        self.qubits: dict[str, str] = {}
        self.calls = self.errors = 0
        self.jobs_submitted = self.jobs_completed = self.jobs_failed = self.jobs_cancelled = 0
        self.shots_completed = 0
        self.engine_seconds = 0.0

    def release(self, handles: list[str]) -> None:
        """Gives the (held) handles back to the quotas."""
        for handle in handles:
            del self.qubits[handle]
        for account in self.accounts:
            account.give_qubits(len(handles))

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Every account that counts what the session uses."""
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
        self._detached: OrderedDict[str, None] = OrderedDict()
        self._detached_of: dict[str, OrderedDict[str, None]] = {}

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
        """It is in use."""
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
        self._taken_up(session)

    def expired(self, now_ns: int) -> list[Session]:
        """Sessions unused for too long, for the kernel to end."""
        found: list[Session] = []
        for session in self._by_id.values():
            if now_ns - session.used_ns <= self.idle_ns:
                break
            found.append(session)
        return found

    def displaced(self) -> Session | None:
        """At the bound: the session that makes room, if any may."""
        if len(self._by_id) < self.limit or not self._detached:
            return None
        return self._by_id[next(iter(self._detached))]

    def idle_of(self, tenant: str) -> Session | None:
        """The tenant's longest unused session whose connection is gone."""
        detached = self._detached_of.get(tenant)
        return self._by_id[next(iter(detached))] if detached else None

    def count_of_conn(self, conn: int) -> int:
        return len(self._by_conn.get(conn, ()))

    def require_room(self) -> None:
        if len(self._by_id) >= self.limit:
            raise QmkError(
                "QUOTA_EXCEEDED",
                f"{self.limit} sessions are open, which is the limit 'sessions'",
                quota="sessions",
                asked=self.limit + 1,
                limit=self.limit,
                help="close sessions with q_close_session",
            )

    def disconnect(self, conn: int) -> None:
        """The connection is gone; its sessions stay, and may be taken up from another connection."""
        for id in self._by_conn.pop(conn, ()):
            session = self._by_id[id]
            session.conn = NO_CONNECTION
            self._detached[id] = None
            self._detached_of.setdefault(session.tenant.name, OrderedDict())[id] = None

    def _taken_up(self, session: Session) -> None:
        """No longer among those whose connection is gone."""
        if session.id in self._detached:
            del self._detached[session.id]
            of_tenant = self._detached_of[session.tenant.name]
            del of_tenant[session.id]
            if not of_tenant:
                del self._detached_of[session.tenant.name]

    def _attach(self, session: Session, conn: int) -> None:
        session.conn = conn
        self._taken_up(session)
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
