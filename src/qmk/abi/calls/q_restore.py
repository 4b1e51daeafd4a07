"""q_restore: continue from a checkpoint; not in this release."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    checkpoint_id: Annotated[str, Meta(description="checkpoint from q_checkpoint", min_length=1, max_length=64)]


class Reply(Struct, frozen=True):
    job_id: str


CALL = Call(
    name="q_restore",
    doc="Starts a job from a checkpoint.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "checkpoint_id": "chk_example"},
        {
            "code": -32203,
            "message": "q_restore is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_restore",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
