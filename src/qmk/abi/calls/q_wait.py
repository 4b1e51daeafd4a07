"""``q_wait``: the state of a job when it has ended."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.abi.calls import q_result


class Request(shapes.OfJob, frozen=True):
    timeout_ms: (
        Annotated[shapes.TimeoutMs, Meta(description="answer at the latest after this; absent: no limit")] | None
    ) = None


class Reply(shapes.Status, frozen=True, kw_only=True):
    result: Annotated[
        q_result.Reply | None,
        Meta(description="as q_result, when the job has COMPLETED; null without CAP_RESULT over it"),
    ] = None


CALL = Call(
    name="q_wait",
    doc="Answers when the job has ended, with its result if the session holds CAP_RESULT over the job, else without; "
    "or at the deadline with the state as it is, which is not an error.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "QUOTA_EXCEEDED"),
    aliases=("qmk_job_wait",),
)
