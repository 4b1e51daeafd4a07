"""q_replay: run a job again from the journal; not in this release."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    job_id: shapes.JobId


class Reply(Struct, frozen=True):
    job_id: str


CALL = Call(
    name="q_replay",
    doc="Starts a new job that reproduces the bits of an earlier one.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT", "CAP_STATUS"),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "job_id": examples.JOB},
        {
            "code": -32203,
            "message": "q_replay is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_replay",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
