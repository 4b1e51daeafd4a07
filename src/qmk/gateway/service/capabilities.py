"""What the operations on capabilities do: the tree of those that the gateway's session for a token holds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.calls import q_revoke
from qmk.gateway.callers import Caller
from qmk.gateway.service.shapes import Nothing


class OfCapability(shapes.Request, frozen=True):
    capability: shapes.CapabilityId


class CapabilityRow(Struct, frozen=True, kw_only=True):
    """A capability that the session may use by its name."""

    name: str
    capability: Annotated[str, Meta(description="its id")]
    parent: Annotated[str, Meta(description="the id of the one that it derives from")]


class NotGranted(Struct, frozen=True, kw_only=True):
    """A capability that the session asked for and does not have."""

    name: str
    reason: str


class Capabilities(Struct, frozen=True, kw_only=True):
    """A tree: all that is held derives from the root."""

    root: Annotated[str, Meta(description="id of the capability with the rights of the session")]
    rights: Annotated[list[str], Meta(description="rights of the root")]
    held: list[CapabilityRow]
    denied: list[NotGranted]


async def list_capabilities(caller: Caller, asked: Nothing) -> Capabilities:
    opened = await caller.describe_session()
    held = [
        CapabilityRow(name=row.name, capability=row.capability, parent=opened.root)
        for row in opened.granted
        if row.capability not in caller.revoked
    ]
    denied = [NotGranted(name=row.name, reason=row.reason) for row in opened.denied]
    return Capabilities(root=opened.root, rights=opened.rights, held=held, denied=denied)


async def revoke_capability(caller: Caller, asked: OfCapability) -> q_revoke.Reply:
    found: q_revoke.Reply = await caller.ask(q_revoke.CALL, capability=asked.capability)
    caller.revoked.update(found.revoked)
    return found
