"""q_migrate: move a job; not in this release."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    job_id: shapes.JobId
    region: Annotated[str, Meta(description="region of the device", min_length=1, max_length=256)]


class Reply(Struct, frozen=True):
    handles: dict[str, int]
    epoch: int


CALL = Call(
    name="q_migrate",
    doc="Moves a job's qubits to another region of the device at a fence.",
    request=Request,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "job_id": examples.JOB, "region": "left"},
        {
            "code": -32203,
            "message": "q_migrate is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_migrate",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
