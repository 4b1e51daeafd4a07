"""q_open_chan: open an entanglement channel; not in this release."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    peers: Annotated[list[shapes.Name], Meta(description="the two qubits", min_length=2, max_length=2)]
    fidelity: Annotated[float, Meta(description="lowest fidelity of a Bell pair", ge=0.25, le=1.0)]
    entanglements_max: Annotated[int, Meta(description="Bell pairs that may be made", ge=1, le=shapes.INT_MAX)]
    expiry: Annotated[float, Meta(description="Unix time in seconds")] | None = None


class Reply(Struct, frozen=True):
    channel: str
    state: str
    fidelity: float
    use_count: int


CALL = Call(
    name="q_open_chan",
    doc="Opens a brokered entanglement channel between qubits, possibly of two tenants.",
    request=Request,
    reply=Reply,
    rights=("CAP_LINK",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "peers": ["lq_a", "lq_b"], "fidelity": 0.95, "entanglements_max": 100},
        {
            "code": -32203,
            "message": "q_open_chan is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_open_chan",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
