"""A slot as an actor of Ray. A node of the cluster imports this module by its name: QMK must be installed there."""

from __future__ import annotations

import asyncio
import os
import time
from importlib import import_module

from qmk.host.cluster.local import LOOK_S, ORPHAN_S
from qmk.host.cluster.runner import Runner


class RaySlot(Runner):
    """A runner that can say where it is, and ends when no daemon has listened for ``ORPHAN_S``."""

    _watch: asyncio.Task[None] | None = None

    async def attach(self, token: str) -> bytes:
        """As ``Runner.attach``."""
        self._watch = self._watch or asyncio.create_task(self._end_alone())
        return await super().attach(token)

    async def _end_alone(self) -> None:
        while time.monotonic() < self.heard_s + ORPHAN_S:
            await asyncio.sleep(LOOK_S)
        await self.close()
        os._exit(0)

    async def node(self) -> str:
        """The id of its node, in hexadecimal."""
        return import_module("ray").get_runtime_context().get_node_id()
