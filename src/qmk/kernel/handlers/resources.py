"""Figures: q_query_resources, q_get_telemetry, q_get_mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_get_mapping, q_get_telemetry, q_query_resources
from qmk.base.errors import QmkError
from qmk.kernel import views
from qmk.kernel.effects import QueryResources

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.objects.session import Session
    from qmk.kernel.state import State


def query_resources(kernel: State, event: CallReceived) -> None:
    request: q_query_resources.Request = event.params
    if request.session_id:
        kernel.session_of(event, request.session_id)
    jobs = kernel.jobs
    kernel.out.append(QueryResources(event.conn, event.ref, len(jobs.queue), len(jobs.launched), kernel.config.workers))


def get_telemetry(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_get_telemetry.Request = event.params
    figures = None
    if request.job_id is not None:
        figures = views.job_figures(kernel.job_of(session, request.job_id), event.now_ns)
    own = views.session_figures(session, kernel.waits.count_of_session(session.id))
    kernel.reply(event, q_get_telemetry.Reply(own, figures, kernel.accounts.figures(session, event.now_ns)))


def get_mapping(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_get_mapping.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.mapping is None:
        raise QmkError(
            "INVALID_PARAMS",
            "the job was submitted without policy.debug, so no map was kept",
            field="job_id",
            help='submit it with policy {"debug": true}',
        )
    device = job.submitted.policy.get("device", "ideal")
    kernel.reply(event, q_get_mapping.Reply(job.id, device, job.mapping))
