"""What there is: q_jobs, q_checkpoints, q_channels. A page costs what it shows; nobody sees another tenant's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_channels, q_checkpoints, q_jobs
from qmk.base.errors import QmkError
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.job import STATES, VALIDATING

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.objects.session import Session
    from qmk.kernel.state import State

LISTED = tuple(state for state in STATES if state != VALIDATING)


def jobs(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_jobs.Request = event.params
    if request.state is not None and request.state not in LISTED:
        raise QmkError(
            "INVALID_PARAMS",
            f"no job is listed in state '{request.state}'",
            field="state",
            expected=", ".join(LISTED),
            help=f"states: {', '.join(LISTED)}",
        )
    groups = [(session.tenant.name, state) for state in LISTED if request.state in (None, state)]
    ids, following = kernel.jobs.listed.page(groups, request.cursor, request.limit)
    rows = [kernel.jobs.by_id[id] for id in ids]
    rows = [kernel.views.job_row(job) for job in rows if (job.tenant, job.state) in groups]
    kernel.reply(event, q_jobs.Reply(jobs=rows, next=following))


def checkpoints(kernel: State, event: CallReceived, session: Session) -> None:
    """Over named jobs only, the right shows those jobs' alone."""
    request: q_checkpoints.Request = event.params
    if request.job_id is not None:
        group = ("job", kernel.job_of(session, request.job_id).id)
    elif session.caps.held.issuperset(kernel.rights):
        group = ("tenant", session.tenant.name)
    else:
        raise insufficient(kernel.rights, session.caps.held)
    table = kernel.jobs.checkpoints
    ids, following = table.listed.page([group], request.cursor, request.limit)
    rows = [row for row in (table.by_id[id] for id in ids) if group in (("job", row.job), ("tenant", row.tenant))]
    kernel.reply(
        event, q_checkpoints.Reply(checkpoints=[kernel.views.checkpoint_row(row) for row in rows], next=following)
    )


def channels(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_channels.Request = event.params
    table = kernel.channels
    ids, following = table.listed.page([session.tenant.name], request.cursor, request.limit)
    rows = [row for row in (table.by_id[id] for id in ids) if session.tenant.name in row.tenants]
    kernel.reply(event, q_channels.Reply(channels=[kernel.views.channel_row(row) for row in rows], next=following))
