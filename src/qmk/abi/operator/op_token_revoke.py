"""``op_token_revoke``: make tokens void."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes


class Request(operator_shapes.OfTenant, frozen=True):
    serial: Annotated[str, Meta(description="of the token; empty: all of the tenant's so far", max_length=64)] = ""


class Reply(Struct, frozen=True):
    revoked: Annotated[list[str], Meta(description="serials")]
    sessions: Annotated[int, Meta(description="sessions that were open with them, and have ended")]


CALL = Call(
    name="op_token_revoke",
    doc="Makes a token void, with all that was narrowed from it, and ends the sessions that were opened with them. "
    "Jobs already accepted go on.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
    journaled=True,
)
