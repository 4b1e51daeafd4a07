"""Jobs seen from outside: q_status, q_wait, q_result, q_cancel, q_events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_cancel, q_events, q_result, q_status, q_wait
from qmk.base.errors import QmkError
from qmk.kernel.effects import ReplyResult
from qmk.kernel.events import Cancelled
from qmk.kernel.objects.job import COMPLETED
from qmk.kernel.waits import STATUS_WAIT

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.objects.session import Session
    from qmk.kernel.state import State


def status(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_status.Request = event.params
    job = kernel.job_of(session, request.job_id)
    kernel.reply(event, kernel.views.status(job, kernel.jobs.queue.forecast(job)))


def wait(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_wait.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.ended or request.timeout_ms == 0 or kernel.closing:
        kernel.answer_wait(event.conn, event.ref, job, session)
    else:
        kernel.open_wait(event, session, job, STATUS_WAIT, request.timeout_ms)


def result(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_result.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.state != COMPLETED:
        raise kernel.views.no_result(job)
    if request.from_shot >= job.shots:
        raise QmkError(
            "INVALID_PARAMS",
            f"from_shot {request.from_shot} is past the last of {job.shots} shots",
            field="from_shot",
            expected=f"int 0 to {job.shots - 1}",
        )
    kernel.out.append(ReplyResult(event.conn, event.ref, job.id, request.from_shot, result=kernel.views.result(job)))


def cancel(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_cancel.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.ended:
        raise QmkError("ALREADY_COMPLETED", f"the job is {job.state} already", job_id=job.id, state=job.state)
    epoch = kernel.views.epoch_reached(job)
    kernel.stop(job, Cancelled(now_ns=event.now_ns, job=job.id, reason=request.reason))
    kernel.reply(event, kernel.views.cancelled(job, epoch))
    kernel.launch_ready()


def events(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_events.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.last_seq > request.after or job.ended or request.timeout_ms == 0 or kernel.closing:
        kernel.answer_events(event.conn, event.ref, job, request.after)
    else:
        kernel.open_wait(event, session, job, request.after, request.timeout_ms)
