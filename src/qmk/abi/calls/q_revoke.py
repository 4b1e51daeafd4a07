"""``q_revoke``: give up a capability, or take back what was delegated."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    capability: shapes.CapabilityId


class Reply(Struct, frozen=True):
    revoked: Annotated[list[str], Meta(description="ids of the capability and of all that derived from it")]
    released: Annotated[list[str], Meta(description="qubit handles released with them")]


CALL = Call(
    name="q_revoke",
    doc="Revokes a capability that the session holds, or that derives from one it holds, and everything derived from "
    "it, in whatever session or tenant. Revoking one that was granted by name takes its right out of the session and "
    "of all it has delegated. Jobs already accepted go on.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND",),
)
