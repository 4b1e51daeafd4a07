"""``grpc.health.v1``: every service is SERVING while ``/ready`` would say so, and NOT_SERVING otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Any, cast

from grpc_health.v1 import health, health_pb2

from qmk.gateway.http import Gate
from qmk.gateway.readiness import is_ready, look

LOOK_S = 0.5
"""How old an answer may be: whoever asks more often is told the last one. Watchers are told of a change that late."""


class HealthService:
    """Looks when it is asked, and while somebody watches. ``names``: the services, beside "", which is all of them."""

    def __init__(self, gate: Gate, names: Iterable[str]) -> None:
        self._states: Any = cast("Any", health).aio.HealthServicer()
        self._gate, self._names = gate, ("", *names)
        self._looking = asyncio.Lock()
        self._looked_s = -LOOK_S
        self._watchers = 0
        self._follower: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Sets the states of all services."""
        async with self._looking:
            if time.monotonic() - self._looked_s < LOOK_S:
                return
            good = is_ready(await look(self._gate))
            states: Any = health_pb2.HealthCheckResponse
            for name in self._names:
                await self._states.set(name, states.SERVING if good else states.NOT_SERVING)
            self._looked_s = time.monotonic()

    async def Check(self, request: Any, context: Any) -> Any:
        await self.refresh()
        return await self._states.Check(request, context)

    async def List(self, request: Any, context: Any) -> Any:
        await self.refresh()
        return await self._states.List(request, context)

    async def Watch(self, request: Any, context: Any) -> None:
        await self.refresh()
        async with self._following():
            await self._states.Watch(request, context)

    async def close(self) -> None:
        """Tells those that watch that nothing is served any more."""
        await self._states.enter_graceful_shutdown()

    @contextlib.asynccontextmanager
    async def _following(self) -> AsyncGenerator[None]:
        """Looks again and again until the last watcher is gone."""
        self._watchers += 1
        if self._follower is None:
            self._follower = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._follower.cancel()
                self._follower = None

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.refresh()
