"""``q_restore``: a new job that continues from a checkpoint."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    checkpoint_id: Annotated[str, Meta(description="checkpoint from q_checkpoint", min_length=1, max_length=64)]
    idempotency_key: shapes.IdempotencyKey = ""


class Reply(Struct, frozen=True):
    job_id: Annotated[str, Meta(description="the new job")]
    checkpoint_id: str
    epoch: Annotated[int, Meta(description="epochs of the program that are behind it already")]


CALL = Call(
    name="q_restore",
    doc="Starts a job from a checkpoint, with the program, shots, seed, engine and method of the job that was saved. "
    "It gives the same bits as that job, on whatever worker it runs and however often the daemon was started since. "
    "The program is verified again, against what this session may do.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT",),
    errors=(
        "SESSION_NOT_FOUND",
        "CHECKPOINT_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "INVALID_GRAPH",
        "QUOTA_EXCEEDED",
        "UNSUPPORTED",
        "RESOURCE_EXHAUSTED",
    ),
    journaled=True,
)
