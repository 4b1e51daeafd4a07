"""``q_checkpoints``: which checkpoints there are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    job_id: Annotated[shapes.JobId, Meta(description="only this job's; absent: of all the tenant's jobs")] | None = None
    limit: shapes.PageRows = shapes.PAGE_ROWS
    cursor: shapes.Cursor = ""


class CheckpointRow(Struct, frozen=True, kw_only=True):
    """One checkpoint that somebody asked for."""

    checkpoint_id: Annotated[str, Meta(description="for q_restore")]
    job_id: str
    epoch: Annotated[int, Meta(description="epochs of the program behind the saved state; 0: its start")]
    size_bytes: Annotated[int, Meta(description="size of the state; 0 when it is the start, which needs none")]
    saved: Annotated[float, Meta(description="Unix time in seconds")]


class Reply(Struct, frozen=True, kw_only=True):
    checkpoints: list[CheckpointRow]
    next: shapes.NextCursor


CALL = Call(
    name="q_checkpoints",
    doc="Answers the checkpoints that q_checkpoint has made for the session's tenant and that are still there, or "
    "those of one job, the newest first, page by page. States that the kernel saves for its own sake are not listed.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND"),
)
