"""The base of the parts of a client: one call of the session, by its declaration and its fields."""

from __future__ import annotations

from typing import Any

from qmk.abi.call import Call


class Asks:
    """Declares what the parts of a client need of the whole."""

    _patience_s: float

    async def _ask(self, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        """Make a call of the session. ``repeatable``: it may be made twice; None as its declaration says."""
        raise AssertionError("the client that this is a part of asks")
