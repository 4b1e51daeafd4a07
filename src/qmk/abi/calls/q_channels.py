"""``q_channels``: which channels there are."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    limit: shapes.PageRows = shapes.PAGE_ROWS
    cursor: shapes.Cursor = ""


class Reply(Struct, frozen=True, kw_only=True):
    channels: list[shapes.ChannelRow]
    next: shapes.NextCursor


CALL = Call(
    name="q_channels",
    doc="Answers the channels that the session's tenant is a party of, proposals of others to it among them, those "
    "proposed last first, page by page. Ended ones are listed while they are remembered.",
    request=Request,
    reply=Reply,
    rights=("CAP_LINK",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS"),
)
