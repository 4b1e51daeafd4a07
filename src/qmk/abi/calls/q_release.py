"""``q_release``: give back reserved qubits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.base.limits import LIMITS


class Request(shapes.OfSession, frozen=True):
    handles: Annotated[
        list[shapes.Name], Meta(description="handles from q_alloc", min_length=1, max_length=LIMITS.qubits)
    ]


class Reply(Struct, frozen=True):
    released: list[str]


CALL = Call(
    name="q_release",
    doc="Releases qubits of q_alloc; all of them or, when one is not held, none.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND",),
)
