"""``q_chan_status``: the state of a channel."""

from __future__ import annotations

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    channel: shapes.ChannelId


CALL = Call(
    name="q_chan_status",
    doc="Answers the state of a channel to either of its tenants. Another tenant's is answered like an absent one.",
    request=Request,
    reply=shapes.ChannelState,
    errors=("SESSION_NOT_FOUND", "CHANNEL_NOT_FOUND"),
)
