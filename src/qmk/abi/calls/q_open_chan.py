"""``q_open_chan``: propose a channel between two tenants, or approve one."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    """``peers`` proposes, ``channel`` approves. A proposal needs ``fidelity`` and ``entanglements_max``; whoever
    approves may narrow them."""

    peers: (
        Annotated[
            list[shapes.Name],
            Meta(
                description="the two tenants, one of them the session's own; twice the same for a channel within it",
                min_length=2,
                max_length=2,
            ),
        ]
        | None
    ) = None
    channel: Annotated[shapes.ChannelId, Meta(description="the channel to approve, instead of peers")] | None = None
    fidelity: Annotated[float, Meta(description="lowest fidelity of a Bell pair", ge=0.25, le=1.0)] | None = None
    entanglements_max: (
        Annotated[int, Meta(description="Bell pairs that may be made over its life", ge=1, le=shapes.INT_MAX)] | None
    ) = None
    expiry: Annotated[float, Meta(description="Unix time in seconds; absent: no end")] | None = None


CALL = Call(
    name="q_open_chan",
    doc="Proposes an entanglement channel between two tenants, or approves one that the other has proposed. It is OPEN "
    "once both have given their word, with the strictest of their bounds; a channel within one tenant is OPEN at once. "
    "Whether the other tenant exists is not answered, unless the daemon has but one: a proposal to a name that is "
    "nobody's stays PROPOSED until it is closed or expires. A fidelity that the device's links cannot reach is refused "
    "with what they can.",
    request=Request,
    reply=shapes.ChannelState,
    rights=("CAP_LINK",),
    errors=(
        "SESSION_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "QUOTA_EXCEEDED",
        "UNSUPPORTED",
        "CHANNEL_NOT_FOUND",
        "CHANNEL_CLOSED",
        "CHANNEL_EXPIRED",
    ),
    journaled=True,
)
