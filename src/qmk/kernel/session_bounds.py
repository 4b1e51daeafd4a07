"""Who may open one more session, and with which quotas of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.quota import QUOTAS, SESSION, check_limits
from qmk.kernel.objects.tenant import Tenant

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.state import State


def account_of(kernel: State, event: CallReceived, tenant: Tenant) -> Account | None:
    """The account of the session that a q_negotiate_caps opens, None when it has no quotas of its own.

    Raises QUOTA_EXCEEDED when the tenant calls too fast or has too many sessions, or the connection has; INVALID_PARAMS
    for a quota that is not one, or is wider than the tenant's. At the tenant's bound the longest unused of its sessions
    whose connection is gone makes room.
    """
    try:
        assert tenant.account.calls is not None
        tenant.account.calls.call(event.now_ns)
        narrowed = _narrowed(tenant, event.params.quota)
        if kernel.sessions.count_of_conn(event.conn) >= LIMITS.connection_sessions:
            raise _crowded()
        sessions = tenant.quota("sessions")
        if not sessions.fits():
            idle = kernel.sessions.idle_of(tenant.name)
            if idle is not None:
                kernel.end_session(idle, "to make room for another of its tenant")
        sessions.require()
    except QmkError as error:
        error.fields["tenant"] = tenant.name  # there is no session yet that could tell whom it is about
        raise
    return narrowed


def _narrowed(tenant: Tenant, wanted: Mapping[str, int] | None) -> Account | None:
    if not wanted:
        return None
    check_limits(wanted)
    for name, limit in wanted.items():
        field = f"quota.{name}"
        if not QUOTAS[name].per_session:
            own = ", ".join(name for name, row in QUOTAS.items() if row.per_session)
            raise QmkError(
                "INVALID_PARAMS", f"'{name}' is a quota of tenants only; a session may narrow {own}", field=field
            )
        bound = tenant.quota(name).limit
        if limit > bound:
            raise QmkError(
                "INVALID_PARAMS",
                f"a session's quota '{name}' is at most the tenant's {bound}, not {limit}",
                field=field,
                expected=f"int 0 to {bound}",
            )
    return Account(SESSION, wanted)


def _crowded() -> QmkError:
    limit = LIMITS.connection_sessions
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{limit} sessions are open on this connection, which is the limit 'connection_sessions'",
        quota="connection_sessions",
        asked=limit + 1,
        limit=limit,
        help="close sessions with q_close_session",
    )
