"""``q_close_chan``: take one's leave back."""

from __future__ import annotations

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    channel: shapes.ChannelId


CALL = Call(
    name="q_close_chan",
    doc="Closes a channel, or withdraws or turns down a proposal; either of its tenants may, at any time. Jobs that "
    "wait for it fail with CHANNEL_CLOSED. A job that runs keeps it until its next fence and fails there, unless no "
    "use of it is left. Closing a channel that has ended changes nothing.",
    request=Request,
    reply=shapes.ChannelState,
    rights=("CAP_LINK",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "CHANNEL_NOT_FOUND"),
    journaled=True,
)
