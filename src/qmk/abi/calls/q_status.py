"""``q_status``: the state of a job, now."""

from __future__ import annotations

from qmk.abi import shapes
from qmk.abi.call import Call

Request = shapes.OfJob
Reply = shapes.Status

CALL = Call(
    name="q_status",
    doc="Answers the state of a job at once.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND"),
)
