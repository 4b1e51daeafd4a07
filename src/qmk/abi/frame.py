"""JSON-RPC 2.0 frames to typed calls and back.

A frame is one line: JSON text without raw newlines, ended by ``\\n``. Decoding is pure, linear in the frame, and
total: every sequence of bytes gives either calls or errors to send back. A graph inside q_submit or q_estimate stays
raw bytes here; ``graph_of`` decodes it once.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

from qmk.abi.call import Call
from qmk.base.errors import QmkError

NULL_ID = b"null"


class Decoded(Struct, frozen=True):
    """One call of a frame. ``id`` is the caller's id as JSON text, None for a notification (which is never answered,
    not even with an error). Exactly one of ``call`` with ``request`` and ``error`` is set."""

    id: bytes | None
    call: Call | None = None
    request: Any = None
    error: QmkError | None = None


class Frame(Struct, frozen=True):
    """The calls of one frame. ``batch``: the answers go back as one array, or as nothing when there are none."""

    calls: list[Decoded]
    batch: bool = False


class Answer(Struct, frozen=True):
    """A reply as the client reads it: ``result`` is the raw JSON of the result; one of result and error is set."""

    id: Any
    result: Raw | None = None
    error: QmkError | None = None
