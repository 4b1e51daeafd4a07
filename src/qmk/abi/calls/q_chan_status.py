"""q_chan_status: the state of a channel; not in this release."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    channel: shapes.ChannelId


class Reply(Struct, frozen=True):
    channel: str
    state: str
    fidelity: float
    use_count: int


CALL = Call(
    name="q_chan_status",
    doc="Answers the state of a channel.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "channel": "chan_example"},
        {
            "code": -32203,
            "message": "q_chan_status is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_chan_status",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
