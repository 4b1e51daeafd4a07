"""q_delegate: pass on a capability; not in this release."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    capability: shapes.CapabilityId
    rights: Annotated[list[shapes.Name], Meta(description="at most the parent's rights", max_length=64)]
    expiry: Annotated[float, Meta(description="Unix time in seconds")] | None = None


class Reply(Struct, frozen=True):
    capability: str


CALL = Call(
    name="q_delegate",
    doc="Makes a narrower capability for another session of the same tenant.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND", "UNSUPPORTED"),
    supported=False,
    example=(
        {"session_id": examples.SESSION, "capability": "cap_example", "rights": ["CAP_ALLOC"]},
        {
            "code": -32203,
            "message": "q_delegate is not in this release",
            "data": {
                "name": "UNSUPPORTED",
                "retryable": False,
                "blame": "caller",
                "feature": "q_delegate",
                "planned": "a later release",
                "help": "docs/spec/qsyscall.md lists what is",
            },
        },
    ),
)
