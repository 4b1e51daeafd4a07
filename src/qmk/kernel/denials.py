"""Notes refusals in the audit log: denied rights and quotas of every call, callers without a session, and programs that
did not become a job.

Nobody can flood the log by being refused: of calls that come too fast only the first in a row is noted, and of refused
callers one entry a second, with their number.
"""

from __future__ import annotations

from typing import Any

from qmk.base.errors import QmkError
from qmk.base.ids import trace
from qmk.kernel.audit import SHOWN_NAMES, clip_names
from qmk.kernel.events import Submitted
from qmk.kernel.objects.refused import CallsRefused
from qmk.kernel.objects.session import Session
from qmk.kernel.tables import Tables

RATE = "calls_per_minute"
_DENIED_QUOTA = ("quota", "asked", "limit", "scope")

REFUSALS_EVERY_NS = 1_000_000_000
"""At most one entry in this time tells of refused callers, and how many."""


def note(kernel: Tables, method: str, session: Session | None, error: QmkError) -> None:
    """Notes that a call was refused."""
    tenant = session.tenant.name if session is not None else error.fields.get("tenant", "")
    fields: dict[str, Any] = {"call": method[:64], "error": error.kind.name}
    if session is not None:
        fields["session"] = trace(session.id)
    match error.kind.name:
        case "INSUFFICIENT_CAPS":
            kernel.audit("cap.deny", tenant, **fields, caps=clip_names(error.fields["missing"]))
        case "QUOTA_EXCEEDED":
            if not _again(kernel, tenant, session, error):
                kernel.audit("quota.deny", tenant, **fields, **_quota(error))
        case "AUTH_FAILED" | "TENANT_SUSPENDED":
            _note_refused_caller(kernel, tenant, fields)
        case _ if method == "q_submit" and session is not None:
            kernel.audit("job.refuse", tenant, **fields)
        case _:
            pass


def note_refused_job(kernel: Tables, draft: Submitted, error: QmkError) -> None:
    """Notes that a job in VALIDATING was refused."""
    fields = {"error": error.kind.name, "session": trace(draft.session), "job": draft.job}
    if error.kind.name == "QUOTA_EXCEEDED":
        kernel.audit("quota.deny", draft.tenant, **fields, **_quota(error))
    kernel.audit("job.refuse", draft.tenant, **fields)


def note_refused_calls(kernel: Tables, event: CallsRefused) -> None:
    """Notes the system calls of a job's worker that were refused, most often refused first."""
    most = sorted(event.calls, key=lambda name: (-event.calls[name], name))[:SHOWN_NAMES]
    calls, count = {name: event.calls[name] for name in most}, sum(event.calls.values())
    kernel.audit("job.calls_refused", event.tenant, job=event.job, engine=event.engine, calls=calls, count=count)


def _quota(error: QmkError) -> dict[str, Any]:
    return {name: error.fields[name] for name in _DENIED_QUOTA if name in error.fields}


def _again(kernel: Tables, tenant: str, session: Session | None, error: QmkError) -> bool:
    """Whether it is one more of a row of calls that came too fast."""
    if error.fields.get("quota") != RATE:
        return False
    account = kernel.tenant(tenant).account
    if session is not None and session.account is not None and error.fields.get("scope") == "session":
        account = session.account
    return account.calls is not None and account.calls.refused > 1


def _note_refused_caller(kernel: Tables, tenant: str, fields: dict[str, Any]) -> None:
    callers = kernel.refused_callers
    callers.count += 1
    if kernel.now_ns - callers.noted_ns >= REFUSALS_EVERY_NS or kernel.now_ns < callers.noted_ns:
        callers.noted_ns = kernel.now_ns
        kernel.audit("session.deny", tenant, **fields, count=callers.count)
        callers.count = 0
