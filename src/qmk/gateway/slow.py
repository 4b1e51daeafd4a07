"""Connections that send no request in time are closed, and earlier when others need their places: the gateway has a
bounded number of them, and uvicorn bounds only how long one is idle after a request."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 10.0
"""Seconds from the first byte that is waited for to the end of a request's headers."""


class TimelyProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; whoever is not being served has ``HEAD_S`` to say what it wants, and where all
    places are taken, of the address with the most connections the one that has waited longest makes room."""

    _deadline: asyncio.TimerHandle | None = None
    _since: float = 0.0
    _closing: bool = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        if cycle is not None and not cycle.response_complete:
            self._unwatch()
        elif self._deadline is None:
            self._since = self.loop.time()
            self._deadline = self.loop.call_later(HEAD_S, self._too_late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        own = [each for each in cast("set[Any]", self.connections) if isinstance(each, TimelyProtocol)]
        count = Counter(each._peer for each in own)
        waiting = [each for each in own if each._deadline is not None and not each._closing]
        if waiting:
            first = max(waiting, key=lambda each: (count[each._peer], -each._since))
            first._closing = True
            first.transport.close()

    @property
    def _peer(self) -> str:
        """The address at the other end, without its port."""
        return "" if self.client is None else str(self.client[0])

    def _too_late(self) -> None:
        self.transport.close()
