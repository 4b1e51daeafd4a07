"""A slot as an actor of Ray. A node of the cluster imports this module by its name: QMK must be installed there."""

from __future__ import annotations

import asyncio
from importlib import import_module

from qmk.host.cluster.runner import Runner


class RaySlot(Runner):
    """A runner that can say where it is, and ends when no daemon has listened for ``ORPHAN_S``."""

    _watch: asyncio.Task[None] | None = None

    async def attach(self, token: str) -> bytes:
        """As ``Runner.attach``."""
        self._watch = self._watch or asyncio.create_task(self.end_alone())
        return await super().attach(token)

    async def node(self) -> str:
        """The id of its node, in hexadecimal."""
        return import_module("ray").get_runtime_context().get_node_id()
