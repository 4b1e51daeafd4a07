"""``q_alloc``: reserve logical qubits for the session."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    n: Annotated[int, Meta(description="number of qubits", ge=1, le=shapes.INT_MAX)]
    profile: Annotated[str, Meta(description="code profile such as logical:surface(d=7)", max_length=256)] = ""


class Reply(Struct, frozen=True):
    handles: list[str]
    profile: Annotated[str, Meta(description="the profile in its one spelling; empty when none was asked for")]
    note: Annotated[str, Meta(description="what was granted instead of what was asked for, if anything")]


CALL = Call(
    name="q_alloc",
    doc="Reserves logical qubits. They belong to the session and count against its tenant's qubit quota until "
    "q_release, q_revoke of the capability they came from, or the end of the session.",
    request=Request,
    reply=Reply,
    rights=("CAP_ALLOC",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "QUOTA_EXCEEDED"),
)
