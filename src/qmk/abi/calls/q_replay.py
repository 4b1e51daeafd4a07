"""``q_replay``: run a job again from the journal, bit for bit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfJob, frozen=True):
    idempotency_key: shapes.IdempotencyKey = ""


class Reply(Struct, frozen=True):
    job_id: Annotated[str, Meta(description="the new job")]
    replay_of: Annotated[str, Meta(description="the job whose bits it reproduces")]
    seed: int


CALL = Call(
    name="q_replay",
    doc="Starts a new job that reproduces the bits of an earlier one: its program as the journal has it, its shots, "
    "seed, engine and method. The earlier job need not have ended, or ended well. The program is verified again, "
    "against what this session may do.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT", "CAP_STATUS"),
    errors=(
        "SESSION_NOT_FOUND",
        "JOB_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "INVALID_GRAPH",
        "QUOTA_EXCEEDED",
        "UNSUPPORTED",
        "RESOURCE_EXHAUSTED",
    ),
    journaled=True,
)
