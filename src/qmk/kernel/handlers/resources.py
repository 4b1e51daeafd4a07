"""Figures: q_query_resources, q_get_telemetry, q_get_mapping."""

from __future__ import annotations

from qmk.abi.calls import q_get_mapping, q_get_telemetry, q_query_resources
from qmk.kernel.effects import QueryResources
from qmk.kernel.events import CallReceived
from qmk.kernel.objects.job import QUEUED
from qmk.kernel.objects.session import Session
from qmk.kernel.state import State


def query_resources(kernel: State, event: CallReceived) -> None:
    request: q_query_resources.Request = event.params
    session = kernel.session_of(event, request.session_id) if request.session_id else None
    queued, running = _queue_figures(kernel, event, session)
    kernel.out.append(QueryResources(event.conn, event.ref, queued, running, kernel.config.workers))


def _queue_figures(kernel: State, event: CallReceived, session: Session | None) -> tuple[int | None, int | None]:
    """Jobs queued and running: all of them for an operator and where there is only the local tenant, else the
    caller's. What other tenants do is not told."""
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
