"""Opens sessions: for whoever negotiates one, and for running scripts."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.abi.rights import JOB_RIGHTS
from qmk.base.ids import opaque
from qmk.base.units import SECOND_NS
from qmk.kernel import authority
from qmk.kernel.effects import SetTimer
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.capability import Holding, Limits
from qmk.kernel.objects.session import Session
from qmk.kernel.tables import Tables
from qmk.kernel.tokens import Bearer


def open_session(
    kernel: Tables,
    id: str,
    entropy: bytes,
    bearer: Bearer,
    names: Sequence[str],
    account: Account | None = None,
    *,
    conn: int,
    uid: int,
) -> Session:
    """Opens the session ``id`` with the capabilities of these names, and the rights over jobs that the bearer's bounds
    leave. Ids of capabilities come of ``entropy``."""
    bounds, tenant = bearer.bounds, kernel.tenant(bearer.tenant)
    own = [name for name in JOB_RIGHTS if bounds.rights is None or name in bounds.rights]
    expires_ns = 0 if bounds.expires is None else bounds.expires * SECOND_NS
    limits = Limits(expires_ns=expires_ns, shots=bounds.shots)
    root = kernel.caps.root(opaque("cap", entropy, "root"), {*own, *names}, tenant.name, limits)
    session = Session(
        id=id,
        tenant=tenant,
        caps=Holding(root),
        conn=conn,
        opened_ns=kernel.now_ns,
        uid=uid,
        account=account,
        serial=bearer.serial,
        bounds=bounds,
        expires_ns=expires_ns,
        used_ns=kernel.now_ns,
    )
    root.session = session.id
    for name in names:
        made = kernel.caps.derive(opaque("cap", entropy, name), root, (name,), granted=True)
        made.session = session.id
        session.caps.items[made.id] = made
    session.caps.refresh()
    kernel.sessions.add(session)
    if len(kernel.sessions) == 1:  # else it is set, if perhaps for too early
        authority.set_idle_timer(kernel)
    if account is not None:
        kernel.jobs.queue.allow(session.id, *account.launch_limits)
    if expires_ns:
        kernel.out.append(SetTimer(authority.SESSION_TIMER + session.id, expires_ns))
    return session
