"""``q_delegate``: pass on part of what a capability allows, or take up what was passed on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    capability: Annotated[
        str, Meta(description="what to derive from: held, or on offer to this session", min_length=1, max_length=64)
    ]
    rights: Annotated[list[shapes.Name], Meta(description="rights of the new capability", min_length=1, max_length=64)]
    to_session: Annotated[
        str, Meta(description="root of the session that may take it up; empty: see to_tenant", max_length=64)
    ] = ""
    to_tenant: Annotated[
        str, Meta(description="tenant whose sessions may take it up; both empty: the caller holds it", max_length=64)
    ] = ""
    jobs: (
        Annotated[
            list[shapes.JobId],
            Meta(description="jobs it is for; absent: as what it derives from", min_length=1, max_length=1024),
        ]
        | None
    ) = None
    expiry: Annotated[float, Meta(description="Unix time in seconds at which it ends", ge=0, le=9e9)] | None = None
    expiry_epoch: Annotated[int, Meta(description="scheduling epoch it ends with", ge=1, le=shapes.INT_MAX)] | None = (
        None
    )
    shots: Annotated[int, Meta(description="most shots of a job made under it", ge=1, le=shapes.INT_MAX)] | None = None
    uses: Annotated[int, Meta(description="calls it answers for", ge=1, le=shapes.INT_MAX)] | None = None


class Reply(Struct, frozen=True):
    capability: Annotated[str, Meta(description="the new capability, for q_delegate of its receiver and for q_revoke")]
    rights: list[str]
    jobs: Annotated[list[str] | None, Meta(description="jobs it is for; null: whatever belongs to the tenant")]
    expiry: float | None
    expiry_epoch: int | None
    shots: int | None
    uses: Annotated[int | None, Meta(description="uses left, of it or of what it derives from; null: not counted")]


CALL = Call(
    name="q_delegate",
    doc="Derives a narrower capability from one that the session holds or is offered. With a receiver it is on offer: "
    "a session of the receiver takes it up by calling q_delegate on it without one, and holds by it no more than its "
    "token allows. What is on offer is taken up before it is handed on. It ends with what it derives from, at the "
    "latest with the session that this belongs to. Another tenant can only be given rights over named jobs; whether it "
    "exists is not answered, unless the daemon has but one.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "QUOTA_EXCEEDED"),
)
