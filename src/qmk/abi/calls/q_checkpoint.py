"""``q_checkpoint``: save a job at its next fence."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call

Request = shapes.OfJob


class Reply(Struct, frozen=True):
    checkpoint_id: Annotated[str, Meta(description="for q_restore")]
    job_id: str
    epoch: Annotated[int, Meta(description="epochs of the program behind the saved state; 0: its start")]
    size_bytes: Annotated[int, Meta(description="size of the state; 0 when it is the start, which needs none")]


CALL = Call(
    name="q_checkpoint",
    doc="Saves a job's state and answers when it is stored. A running job is saved at its next fence and goes on; one "
    "that waits is answered at once with the state that it will go on from, which before its first launch is the "
    "program's start. The checkpoint stays as long as the daemon keeps checkpoints after their job's end.",
    request=Request,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=(
        "INSUFFICIENT_CAPS",
        "SESSION_NOT_FOUND",
        "JOB_NOT_FOUND",
        "ALREADY_COMPLETED",
        "NOT_CHECKPOINTABLE",
        "QUOTA_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    ),
    journaled=True,
)
