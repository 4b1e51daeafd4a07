"""Refusals of more than a quota or a limit allows."""

from __future__ import annotations

from typing import Any

from qmk.abi.quotas import JOB_ENDS, QUOTAS
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import MS_NS, SECOND_NS, seconds_text
from qmk.kernel.objects.account import BOUND
from qmk.kernel.objects.quota import MINUTE_NS, SESSION, Quota, Rate, Spent
from qmk.policy.refusals.params import wrong

_CALLS = {"wait": "q_wait and q_events", "ask": "q_checkpoint, q_migrate and q_rollback"}


def quota_exceeded(quota: Quota, more: int, now_ns: int) -> QmkError:
    """A job or a call asks for ``more`` than is free. It may be tried again if ``more`` alone would fit."""
    of_one_job = quota.name in BOUND
    used = 0 if of_one_job else quota.in_use
    retryable, frees, fields = not of_one_job and more <= quota.bound, quota.row.frees, dict[str, Any]()
    if isinstance(quota, Rate) and quota.limit:
        next_ns = max(quota.ready_ns, now_ns) + MINUTE_NS // quota.limit - MINUTE_NS
        fields["retry_after_ms"] = -(-(next_ns - now_ns) // MS_NS)
        frees = f"in {seconds_text(fields['retry_after_ms'] / 1000)}"
    elif isinstance(quota, Spent) and more + quota.held > quota.bound:
        frees = JOB_ENDS  # what others reserve is charged or given back when their jobs end
    elif isinstance(quota, Spent):
        fields["retry_after_ms"] = max(1, -(-(quota.ends_ns - now_ns) // MS_NS))
        fields["period_end"] = quota.ends_ns / SECOND_NS
        frees = f"{frees}, in {seconds_text(fields['retry_after_ms'] / 1000)}"
    amount, unit = quota.in_units(more), quota.row.unit
    top = " of one job" if of_one_job else f" on top of {quota.in_units(used)}" if used else ""
    whose = "the session's quota" if quota.owner == SESSION else "the quota"
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{_count_text(amount, unit)}{top} {'exceeds' if amount == 1 else 'exceed'} {whose} '{quota.name}' of "
        f"{_count_text(quota.limit, unit)}{f'; it is free again {frees}' if retryable and frees else ''}",
        quota=quota.name,
        asked=quota.in_units(used + more),
        limit=quota.limit,
        used=quota.in_units(used),
        scope="session" if quota.owner == SESSION else "tenant",
        retryable=retryable,
        **fields,
    )


def _count_text(amount: float, unit: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def too_many_shots(shots: int, limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{shots} shots exceed the {limit} shots a job that the session's token or capability allows",
        quota="token_shots",
        asked=shots,
        limit=limit,
    )


def no_room_for_graph(size_bytes: int, limit: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"there is no room for a graph of {size_bytes} bytes beside those of the jobs that wait; "
        f"'queued_bytes' is {limit}",
        resource="queued_bytes",
        asked=size_bytes,
        limit=limit,
        help="try again when jobs have ended",
    )


def too_many_open_calls(kind: str, limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"the session has {limit} open {_CALLS[kind]} calls, which is the limit 'open_waits'",
        quota="open_waits",
        asked=limit + 1,
        limit=limit,
        help="wait for several jobs with one call each, or open another session",
    )


def too_many_sessions(limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{limit} sessions are open, which is the limit 'sessions'",
        quota="sessions",
        asked=limit + 1,
        limit=limit,
        help="close sessions with q_close_session",
    )


def too_many_checkpoints(held: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"the tenant keeps {held} checkpoints, which is the limit 'checkpoints'",
        quota="checkpoints",
        asked=held + 1,
        limit=LIMITS.checkpoints,
        help="they go with their jobs: qmk gc --older-than forgets old ones",
    )


def too_many_on_connection() -> QmkError:
    limit = LIMITS.connection_sessions
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{limit} sessions are open on this connection, which is the limit 'connection_sessions'",
        quota="connection_sessions",
        asked=limit + 1,
        limit=limit,
        help="close sessions with q_close_session",
    )


def quota_of_tenants(name: str) -> QmkError:
    own = ", ".join(name for name, row in QUOTAS.items() if row.per_session)
    return wrong(f"quota.{name}", f"'{name}' is a quota of tenants only; a session may narrow {own}")


def wide_quota(name: str, bound: int, limit: int) -> QmkError:
    return wrong(
        f"quota.{name}",
        f"a session's quota '{name}' is at most the tenant's {bound}, not {limit}",
        expected=f"int 0 to {bound}",
    )
