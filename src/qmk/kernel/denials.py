"""What the audit log is told of refusals: which quota stood in the way, and which programs became no job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.kernel.state import State

RATE = "calls_per_minute"


def note_denial(kernel: State, tenant: str, session: str, method: str, error: QmkError) -> None:
    """A call was refused. Of calls that come too fast only the first in a row is noted, or the log would grow as fast
    as they come."""
    fields = error.fields
    quota = fields.get("quota") if "scope" in fields else None
    if quota == RATE:
        rate = kernel.tenant(tenant).account.calls
        own = getattr(kernel.sessions.get(session), "account", None)
        if fields["scope"] == "session" and own is not None:
            rate = own.calls
        if rate is not None and rate.refused > 1:
            return
    if quota is not None:
        amounts = {name: fields[name] for name in ("asked", "limit", "scope")}
        kernel.audit("quota.deny", tenant, session=session, method=method, quota=quota, **amounts)
    if method == "q_submit" and quota != RATE:
        kernel.audit("job.refuse", tenant, session=session, error=error.kind.name)
