"""q_migrate: move a job; not in this release."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.Request):
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
    errors=("SESSION_NOT_FOUND", "UNSUPPORTED"),
    supported=False,
)
