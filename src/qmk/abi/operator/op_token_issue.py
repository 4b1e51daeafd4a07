"""``op_token_issue``: make a token."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes
from qmk.abi.shapes import Request as Base


class Request(Base, frozen=True):
    tenant: operator_shapes.TenantName
    expires: Annotated[int, Meta(description="Unix time in seconds; absent: never", ge=1, le=9_000_000_000)] | None = (
        None
    )
    rights: (
        Annotated[list[shapes.Name], Meta(description="at most these; absent: all of the tenant's", max_length=64)]
        | None
    ) = None
    shots: Annotated[int, Meta(description="most shots of one job", ge=1, le=shapes.INT_MAX)] | None = None
    uid: Annotated[int, Meta(description="the only user id that may present it", ge=0, le=1 << 32)] | None = None


class Reply(Struct, frozen=True):
    token: Annotated[str, Meta(description="the secret; it is kept nowhere and not told again")]
    serial: Annotated[str, Meta(description="its name for op_token_revoke")]


CALL = Call(
    name="op_token_issue",
    doc="Makes a token of a tenant. Whoever holds it can narrow it further, and nobody can widen it.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS", "QUOTA_EXCEEDED", "UNSUPPORTED"),
    journaled=True,
)
