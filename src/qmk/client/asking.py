"""What the parts of a client rest on: one call of the session, by its declaration and its fields."""

from __future__ import annotations

from typing import Any

from qmk.abi.call import Call


class Asks:
    """``repeatable``: the call may be made twice; None as its declaration says."""

    _patience_s: float

    def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        raise AssertionError("the client that this is a part of asks")


class AsyncAsks:
    """The same, awaited."""

    _patience_s: float

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        raise AssertionError("the client that this is a part of asks")
