"""q_checkpoint: save a job at its last fence; not in this release."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    job_id: shapes.JobId


class Reply(Struct, frozen=True):
    checkpoint_id: str
    epoch: int
    size_bytes: int


CALL = Call(
    name="q_checkpoint",
    doc="Saves a job's state at its last fence.",
    request=Request,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "job_id": examples.JOB},
        {
            "code": -32203,
            "message": "q_checkpoint is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_checkpoint",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
