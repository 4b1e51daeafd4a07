"""``q_negotiate_caps``: open a session."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.base.limits import LIMITS


class Request(shapes.Request, frozen=True):
    requested: (
        Annotated[
            list[shapes.Name],
            Meta(description="capabilities wanted; absent: all that policy grants by default", max_length=64),
        ]
        | None
    ) = None
    quota: (
        Annotated[
            dict[shapes.Name, Annotated[int, Meta(ge=0, le=shapes.INT_MAX)]],
            Meta(description="limits for this session by name of a quota, at most the tenant's", max_length=64),
        ]
        | None
    ) = None
    token: Annotated[
        str, Meta(description="bearer token; empty: the local tenant, where allowed", max_length=LIMITS.text_chars)
    ] = ""


class Granted(Struct, frozen=True):
    name: str
    capability: Annotated[str, Meta(description="id for q_revoke")]


class Denied(Struct, frozen=True):
    name: str
    reason: str


class FamilyRow(Struct, frozen=True):
    name: str
    version: int
    doc: str


class Reply(Struct, frozen=True):
    session_id: str
    tenant: Annotated[str, Meta(description="tenant of the token; 'local' without one")]
    root: Annotated[str, Meta(description="capability every granted one derives from; others may delegate to it")]
    rights: Annotated[list[str], Meta(description="rights of the root: what the session may do at all")]
    granted: list[Granted]
    denied: list[Denied]
    expires: Annotated[float | None, Meta(description="Unix time at which the token, and so the session, ends")]
    quota: Annotated[
        list[shapes.QuotaFigures], Meta(description="the tenant's quotas; a session's own limits in place")
    ]
    limits: Annotated[dict[str, int], Meta(description="every bound of the system by name")]
    families: list[FamilyRow]
    devices: list[str]


CALL = Call(
    name="q_negotiate_caps",
    doc="Opens a session for the tenant of the token and grants it capabilities. Authority only shrinks afterwards.",
    request=Request,
    reply=Reply,
    errors=("AUTH_FAILED", "TENANT_SUSPENDED", "QUOTA_EXCEEDED", "INVALID_PARAMS"),
    aliases=("qmk_session_create",),
)
