"""``q_rollback``: take a job back to a fence it has passed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfJob, frozen=True):
    epoch: Annotated[int, Meta(description="epochs to be behind it afterwards; 0: the start", ge=0, le=shapes.INT_MAX)]


class Reply(Struct, frozen=True):
    job_id: str
    epoch: Annotated[int, Meta(description="epochs behind it now: as asked, or fewer")]
    how: Annotated[
        str,
        Meta(
            description="in_place: the worker undid gates or still held the state; saved: from the store; start: anew"
        ),
    ]


CALL = Call(
    name="q_rollback",
    doc="Takes a job back to a fence that it has passed; it goes on from there. The gates since that fence are undone "
    "if nothing irreversible (a measurement, a reset) is among them; otherwise the job goes on from the last state "
    "saved at that fence or before it, or from its start. Its bits do not change.",
    request=Request,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=(
        "SESSION_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "JOB_NOT_FOUND",
        "ALREADY_COMPLETED",
        "QUOTA_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    ),
    journaled=True,
)
