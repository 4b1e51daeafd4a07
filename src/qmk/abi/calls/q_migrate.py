"""``q_migrate``: move a job to another worker and region at a fence."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfJob, frozen=True):
    region: Annotated[str, Meta(description="region of the device", min_length=1, max_length=256)]


class Reply(Struct, frozen=True):
    job_id: str
    region: str
    handles: Annotated[
        dict[str, int], Meta(description="device index of each handle that lives in the epoch it goes on with")
    ]
    epoch: Annotated[int, Meta(description="epochs of the program behind it")]


CALL = Call(
    name="q_migrate",
    doc="Moves a job: it stops at its next fence, and goes on in another worker process and in that region of the map. "
    "Answered when it has been placed there, which may be after jobs before it in the queue; its bits do not change. "
    "A job that is there already is answered at once.",
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
