"""Jobs seen from outside: q_status, q_wait, q_result, q_cancel, q_events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_cancel, q_events, q_result, q_status, q_wait
from qmk.base.errors import QmkError
from qmk.kernel.effects import ReplyResult
from qmk.kernel.events import Cancelled
from qmk.kernel.objects.job import CANCELLED, COMPLETED, FAILED, Job
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
        raise _no_result(job)
    if request.from_shot >= job.shots:
        raise QmkError(
            "INVALID_PARAMS",
            f"from_shot {request.from_shot} is past the last of {job.shots} shots",
            field="from_shot",
            expected=f"int 0 to {job.shots - 1}",
        )
    kernel.out.append(ReplyResult(event.conn, event.ref, job.id, request.from_shot, result=kernel.views.result(job)))


def _no_result(job: Job) -> QmkError:
    """Why there is no result; the failure's own error is in the fields."""
    if job.state == FAILED:
        assert job.error is not None
        if job.error.get("data", {}).get("name") == "TIMEOUT":  # the caller's own limit, not the engine's fault
            return QmkError("TIMEOUT", job.error["message"], job_id=job.id, error=job.error)
        return QmkError("JOB_FAILED", f"the job failed: {job.error['message']}", job_id=job.id, error=job.error)
    if job.state == CANCELLED:
        return QmkError("JOB_CANCELLED", "the job was cancelled", job_id=job.id, error=job.error)
    return QmkError(
        "NOT_COMPLETED",
        f"the job is {job.state}",
        job_id=job.id,
        state=job.state,
        help="q_wait answers when it has ended",
    )


def cancel(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_cancel.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.ended:
        raise QmkError("ALREADY_COMPLETED", f"the job is {job.state} already", job_id=job.id, state=job.state)
    epoch = job.epoch_reached
    kernel.stop(job, Cancelled(now_ns=event.now_ns, job=job.id, reason=request.reason))
    kernel.reply(event, q_cancel.Reply(job.state, epoch))
    kernel.launch_ready()


def events(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_events.Request = event.params
    job = kernel.job_of(session, request.job_id)
    if job.last_seq > request.after or job.ended or request.timeout_ms == 0 or kernel.closing:
        kernel.answer_events(event.conn, event.ref, job, request.after)
    else:
        kernel.open_wait(event, session, job, request.after, request.timeout_ms)
