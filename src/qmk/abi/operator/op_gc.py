"""``op_gc``: free what nobody needs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi.call import Call
from qmk.abi.shapes import Request as Base


class Request(Base, frozen=True):
    older_than_s: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="forget jobs that ended so many seconds ago or earlier; none if not given"),
    ] = None
    dry_run: Annotated[bool, Meta(description="only say what would go")] = False


class Reply(Struct, frozen=True):
    dry_run: bool
    jobs: Annotated[int, Meta(description="ended jobs that were forgotten")]
    job_bytes: Annotated[int, Meta(description="what they kept: graphs and results, as charged")]
    blobs: Annotated[int, Meta(description="files of the store that nothing named any more")]
    blob_bytes: int
    drafts: Annotated[int, Meta(description="files that a crash had left half written")]
    draft_bytes: int
    kept_jobs: Annotated[int, Meta(description="jobs that stay, those that have not ended among them")]
    going_jobs: Annotated[int, Meta(description="jobs that have not ended")]
    kept_blobs: Annotated[int, Meta(description="files that jobs and checkpoints need, or that are just being written")]
    kept_blob_bytes: int
    kept_states: Annotated[int, Meta(description="those of them that checkpoints name")]
    kept_state_bytes: int
    missing: Annotated[
        list[str], Meta(description="blobs that are named and not there, at most 100: restore them from a backup")
    ]


CALL = Call(
    name="op_gc",
    doc="Forgets ended jobs past an age, then deletes files of the store that nothing names. The ledger and the audit"
    " log stay.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
)
