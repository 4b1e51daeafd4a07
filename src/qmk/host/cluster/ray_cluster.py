"""Ray as a cluster: a slot is a detached actor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from qmk.host.cluster import messages as ms

CALLS = 8
"""Calls that one actor may work on at once: an order, a wait for news, and those of a bridge that has gone."""


class RayCluster:
    """See ``engine.Cluster``. ``ray`` is the module, joined to the cluster."""

    def __init__(self, ray: Any, join: ms.Join) -> None:
        self._ray, self._join, self._settings = ray, join, ms.pack(join.settings)
        self.lost: type[BaseException] = ray.exceptions.RayError
        self.away: type[BaseException] = ray.exceptions.ActorUnavailableError
        from qmk.host.cluster.ray_slot import RaySlot

        self._slot_class = ray.remote(RaySlot)

    async def names(self) -> list[str]:
        return await asyncio.to_thread(self._ray.util.list_named_actors)

    async def size(self) -> tuple[int, int]:
        resources = await asyncio.to_thread(self._ray.cluster_resources)
        nodes = sum(name.startswith("node:") and "__" not in name for name in resources)
        return nodes, int(resources.get("CPU", 0))

    async def find(self, name: str) -> Any:
        return await asyncio.to_thread(self._ray.get_actor, name)

    async def make(self, number: int, generation: int) -> tuple[Any, int]:
        options = {
            "name": f"{number}-{generation}",
            "lifetime": "detached",
            "num_cpus": self._join.settings.threads,
            "max_concurrency": CALLS,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        return await asyncio.to_thread(self._slot_class.options(**options).remote, self._settings), generation

    def call(self, slot: Any, name: str, *arguments: Any) -> Awaitable[Any]:
        return getattr(slot, name).remote(*arguments)

    async def kill(self, slot: Any, node: str, pid: int) -> None:
        """A process on this machine that hears nobody is ended too: one that was stopped keeps its processors."""
        with contextlib.suppress(Exception):  # whatever state it is in, it is ended
            await asyncio.to_thread(self._ray.kill, slot)
        with contextlib.suppress(OSError, AttributeError):
            here = pid and node == self._ray.get_runtime_context().get_node_id()
            if here and b"ray::RaySlot" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

    async def leave(self) -> None:
        """What it has not placed goes with its driver."""
