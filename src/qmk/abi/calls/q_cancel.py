"""``q_cancel``: stop a job."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfJob, frozen=True):
    reason: Annotated[str, Meta(description="kept with the job", max_length=1024)] = ""


class Reply(Struct, frozen=True):
    state: str
    cancelled_at_epoch: Annotated[int, Meta(description="epoch reached; 0 when it had not started")]


CALL = Call(
    name="q_cancel",
    doc="Cancels a job that has not ended; its worker is stopped at once.",
    request=Request,
    reply=Reply,
    rights=("CAP_CANCEL",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "ALREADY_COMPLETED"),
    journaled=True,
)
