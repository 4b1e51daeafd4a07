"""``q_close_session``: end a session."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call

Request = shapes.OfSession


class Reply(Struct, frozen=True):
    released: Annotated[list[str], Meta(description="qubit handles that the session still held")]


CALL = Call(
    name="q_close_session",
    doc="Ends the session: its qubits are released, its open waits are answered with SESSION_NOT_FOUND. Its jobs go "
    "on and can be reached from any session of the same tenant.",
    request=Request,
    reply=Reply,
    errors=("SESSION_NOT_FOUND",),
)
