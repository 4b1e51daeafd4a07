"""How many requests an address and a token may send, in all protocols: one place before the routes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar.datastructures import Headers
from litestar.types import ASGIApp, Receive, Scope, Send

from qmk.base.errors import QmkError
from qmk.gateway.accounts.accounts import digest
from qmk.gateway.accounts.buckets import Buckets
from qmk.gateway.callers import token_of

UNBOUNDED = frozenset({"/health", "/ready", "/metrics"})


@dataclass(frozen=True)
class RateLimits:
    """Requests in a second, 0: any number; and how many seconds' worth may come at once."""

    of_address: float = 0.0
    of_token: float = 0.0
    burst_s: float = 10.0


class Rates:
    """``check`` is for every protocol: those of HTTP by ``middleware``, others call it themselves."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        rates = (limits.of_address, limits.of_token)
        self._addresses, self._tokens = (Buckets(rate, max(1.0, rate * limits.burst_s)) for rate in rates)

    def check(self, address: str, headers: Mapping[str, str]) -> None:
        """Counts a request. Raises QUOTA_EXCEEDED, with the time after which one is let in."""
        now = self._clock()
        wait_s, whose, rate = self._addresses.take(address, now), "this address", self._addresses.rate
        if not wait_s and self._tokens.rate:
            try:
                shown = token_of(headers)
            except QmkError:  # which is answered where it is read
                shown = ""
            if shown:
                wait_s, whose, rate = self._tokens.take(digest(shown), now), "this token", self._tokens.rate
        if wait_s:
            raise QmkError(
                "QUOTA_EXCEEDED",
                f"{whose} sends more than {rate:g} requests in a second",
                limit=rate,
                retry_after_ms=max(1, round(wait_s * 1000)),
                help="send fewer, or wait as long as the answer says",
            )

    def middleware(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"] not in UNBOUNDED:
                client: Any = scope.get("client")
                self.check(client[0] if client else "", Headers.from_scope(scope))
            await app(scope, receive, send)

        return serve
