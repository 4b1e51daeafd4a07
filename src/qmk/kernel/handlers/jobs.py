"""Handles the calls about jobs: q_status, q_wait, q_result, q_cancel, q_label, q_delete, q_events; what there is:
q_jobs, q_checkpoints, q_channels; and figures: q_query_resources, q_get_telemetry, q_get_mapping; and q_program. A page
of a list costs what it shows; nobody sees another tenant's rows.
"""

from __future__ import annotations

from qmk.abi.calls import (
    q_cancel,
    q_channels,
    q_checkpoints,
    q_delete,
    q_events,
    q_get_mapping,
    q_get_telemetry,
    q_jobs,
    q_label,
    q_program,
    q_query_resources,
    q_result,
    q_status,
    q_wait,
)
from qmk.abi.shapes import JOB_TAGS
from qmk.base.errors import QmkError
from qmk.kernel import condensing, retention
from qmk.kernel.effects import QueryResources, ReplyProgram, ReplyResult
from qmk.kernel.events import CallReceived, Cancelled
from qmk.kernel.labels import Labelled
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.job import COMPLETED, QUEUED, RUNNING, STATES, VALIDATING, labels_of
from qmk.kernel.objects.session import Session
from qmk.kernel.open_calls import STATUS_WAIT
from qmk.kernel.state import State


def status(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_status.Request = event.params
    job = kernel.job_of(session, request.job_id)
    kernel.reply(event, kernel.views.status(job, kernel.jobs.queue.forecast(job)))


def wait(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_wait.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.has_ended or request.timeout_ms == 0 or kernel.closing:
        kernel.answer_wait(event.conn, event.ref, job, session)
    else:
        kernel.open_wait(event, session, job, STATUS_WAIT, request.timeout_ms)


def result(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_result.Request = event.params
    job = kernel.job_of(session, request.job_id)
    fence = job.fence if request.partial and job.state == RUNNING else 0
    if job.state != COMPLETED and not fence:
        raise kernel.refusals.no_result(job)
    if request.from_shot >= job.shots:
        raise kernel.refusals.past_last_shot(request.from_shot, job.shots)
    known = kernel.views.result(job)
    kernel.out.append(ReplyResult(event.conn, event.ref, job.id, request.from_shot, fence, result=known))


def cancel(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_cancel.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.has_ended:
        raise QmkError("ALREADY_COMPLETED", f"the job is {job.state} already", job_id=job.id, state=job.state)
    epoch = kernel.views.epoch_reached(job)
    kernel.stop(job, Cancelled(now_ns=event.now_ns, job=job.id, reason=request.reason))
    kernel.reply(event, kernel.views.cancellation(job, epoch))
    kernel.launch_ready()


def label(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_label.Request = event.params
    job = kernel.job_of(session, request.job_id)
    before = job.submitted.tags
    tags = tuple(tag for tag in dict.fromkeys((*before, *request.add)) if tag not in request.remove)
    if len(tags) > JOB_TAGS:
        raise kernel.refusals.too_many_tags(len(tags))
    if tags != before:
        kernel.commit(Labelled(now_ns=event.now_ns, job=job.id, tags=tags))
        kernel.audit("job.label", job.tenant, job=job.id, tags=list(tags))
    kernel.reply(event, q_label.Reply(list(tags)))


def delete(kernel: State, event: CallReceived, session: Session) -> None:
    """The shares of tenants stay as they are: what ended jobs did to them may not go with these."""
    job = kernel.job_of(session, event.params.job_id)
    if not job.has_ended:
        raise kernel.refusals.no_result(job)
    reply = q_delete.Reply(job.state, job.kept_bytes)
    condensing.settle(kernel)
    retention.forget(kernel, job.id, durable=True)
    kernel.audit("job.delete", job.tenant, job=job.id)
    kernel.reply(event, reply)


def events(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_events.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.last_seq > request.after or job.has_ended or request.timeout_ms == 0 or kernel.closing:
        kernel.answer_events(event.conn, event.ref, job, request.after)
    else:
        kernel.open_wait(event, session, job, request.after, request.timeout_ms)


LISTED = tuple(state for state in STATES if state != VALIDATING)


def list_jobs(kernel: State, event: CallReceived, session: Session) -> None:
    show_jobs(kernel, event, {session.tenant.name})


def show_jobs(kernel: State, event: CallReceived, tenants: set[str]) -> None:
    """Answers with a page of these tenants' jobs."""
    request: q_jobs.Filter = event.params
    for named in filter(None, (request.state, request.not_state)):
        if named not in LISTED:
            raise kernel.refusals.unlisted_state(named, LISTED)
    states, labels = {request.state} if request.state else {*LISTED} - {request.not_state}, labels_of(request)
    groups = [(tenant, state, labels[:2][-1]) for tenant in tenants for state in states]
    ids, following = kernel.jobs.listed.page(groups, request.cursor, request.limit)
    jobs = [job for job in map(kernel.jobs.by_id.__getitem__, ids) if job.tenant in tenants and job.state in states]
    if request.not_tags:
        jobs = [job for job in jobs if {*request.not_tags}.isdisjoint(job.submitted.tags)]
    if len(labels) > 1:
        jobs = [job for job in jobs if {*labels}.issubset(labels_of(job.submitted))]
    rows = [kernel.views.job_row(job) for job in jobs]
    kernel.reply(event, q_jobs.Reply(jobs=rows, next=following))


def list_checkpoints(kernel: State, event: CallReceived, session: Session) -> None:
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


def list_channels(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_channels.Request = event.params
    table = kernel.channels
    ids, following = table.listed.page([session.tenant.name], request.cursor, request.limit)
    rows = [row for row in (table.by_id[id] for id in ids) if session.tenant.name in row.tenants]
    kernel.reply(event, q_channels.Reply(channels=[kernel.views.channel_row(row) for row in rows], next=following))


def query_resources(kernel: State, event: CallReceived) -> None:
    request: q_query_resources.Request = event.params
    session = kernel.session_of(event, request.session_id) if request.session_id else None
    kernel.out.append(QueryResources(event.conn, event.ref, *_figures(kernel, event, session), kernel.config.workers))


def _figures(kernel: State, event: CallReceived, session: Session | None) -> tuple[int | None, int | None]:
    """Counts jobs queued and running: all of them for an operator and where there is only the local tenant, else the
    caller's own."""
    jobs = kernel.jobs
    if event.operator or kernel.only_local:
        return len(jobs.queue), len(jobs.launched)
    return jobs.queue.scheduler.figures(session.tenant.name) if session is not None else (None, None)


def get_telemetry(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_get_telemetry.Request = event.params
    figures = None
    if request.job_id is not None:
        figures = kernel.views.job_figures(kernel.job_of(session, request.job_id), event.now_ns)
    own = kernel.views.session_figures(session, kernel.waits.count_of_session(session.id))
    kernel.reply(event, q_get_telemetry.Reply(own, figures, kernel.accounts.figures(session, event.now_ns)))


def get_mapping(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_get_mapping.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.mapping is None:
        raise kernel.refusals.no_map()
    region, first_qubit = job.place if job.state != QUEUED else kernel.jobs.queue.where(job)
    kernel.reply(event, kernel.views.mapping(job, job.mapping, region, first_qubit))


def show_program(kernel: State, event: CallReceived, session: Session) -> None:
    """A loan of a job shows none of its program."""
    request: q_program.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.tenant != session.tenant.name:
        raise QmkError("JOB_NOT_FOUND", f"no job '{job.id}'", job_id=job.id)
    kernel.out.append(ReplyProgram(event.conn, event.ref, kernel.views.program(job)))
