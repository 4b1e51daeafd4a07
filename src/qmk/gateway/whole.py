"""An answer that is there as a whole, as one message of ASGI where the server takes it: each message passes whoever
counts requests and whoever completes headers, and is looked through by the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWER = "qmk.answer"
"""The name of the extension, and the type of its message: ``status``, ``headers`` and ``body``."""
BEGINS = frozenset(("http.response.start", ANSWER))
"""Messages that have the status and the headers of an answer."""


async def send_answer(
    scope: Mapping[str, Any], send: Any, status: int, body: bytes, headers: Mapping[str, str]
) -> None:
    """An answer of a part that stands before the router."""
    rows = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    rows.append((b"content-length", b"%d" % len(body)))
    if ANSWER in (scope.get("extensions") or ()):
        await send({"type": ANSWER, "status": status, "headers": rows, "body": body})
        return
    await send({"type": "http.response.start", "status": status, "headers": rows})
    await send({"type": "http.response.body", "body": body})
