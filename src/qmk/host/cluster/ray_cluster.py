"""Ray as a cluster: a slot is a detached actor. One that was started on this machine takes the bridge with it when it
ends, whatever call of Ray that is in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable
from importlib import import_module
from pathlib import Path
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.cluster import local
from qmk.host.cluster import messages as ms
from qmk.host.cluster.interface import first_line
from qmk.host.cluster.resources import GPU, MEMORY, total
from qmk.rpc.keys import secret
from qmk.rpc.places import KEYS_NAME

CALLS = 8
"""Calls that one actor may work on at once: an order, a wait for news, and those of a bridge that has gone."""
LOOK_S = 0.2
KEY_NAME = "cluster.key"
HOW_TO = "pip install 'quantum-microkernel[cluster]'"


def open_cluster(join: ms.Join) -> RayCluster:
    """Starts or joins the cluster. Raises UNSUPPORTED without Ray, RESOURCE_EXHAUSTED when none can be started,
    CONNECTION_LOST when the one at the address does not answer."""
    folder, head = Path(join.folder), None
    if not join.address:
        _prepare_key(folder)
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        message = f"Ray is not installed, which --cluster needs: {error}"
        raise QmkError("UNSUPPORTED", message, help=HOW_TO) from None
    if not join.address:
        head = _start(folder, [join.settings_of(number) for number in range(join.slots)])
    address = head.address if head is not None else join.address
    cluster = RayCluster(ray, join, address, head)
    try:
        ray.init(address, namespace=f"qmk-{join.name}", log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises many kinds, and what it says is for people
        cluster.end_head()
        message = f"cannot join the Ray cluster at {address}: {first_line(error)}"
        help = "is it up, and is this machine one of its nodes? From another, give the address as ray://HOST:10001"
        raise QmkError("CONNECTION_LOST", message, help=help) from None
    return cluster


def _prepare_key(folder: Path) -> None:
    """Makes the token of the cluster, known to this user alone. Ray reads its environment when it is loaded."""
    key = folder / KEYS_NAME / KEY_NAME
    secret(key)
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(key))


def _start(folder: Path, slots: list[ms.Settings]) -> local.Head:
    """The cluster of this machine, which has what the slots have together."""
    cpus, resources = sum(slot.threads for slot in slots), total(slot.resources for slot in slots)
    head = local.find(folder)
    if head is not None and (head.cpus, head.resources) != (cpus, resources):
        local.stop(folder, head)
        head = None
    return head or local.start(folder, cpus, os.environ, resources)


def _bundle(slot: ms.Settings) -> dict[str, float]:
    """What a slot takes, by Ray's own names."""
    names = {GPU: "GPU", MEMORY: "memory"}
    return {"CPU": slot.threads, **{names.get(name, name): amount for name, amount in slot.resources.items()}}


class RayCluster:
    """See ``interface.Cluster``. ``ray`` is the module, joined to the cluster at ``address``; ``head`` is the cluster's
    where it was started here."""

    def __init__(self, ray: Any, join: ms.Join, address: str, head: local.Head | None = None) -> None:
        self._ray, self._join, self.address, self._head = ray, join, address, head
        self.lost: type[BaseException] = ray.exceptions.RayError
        self.away: type[BaseException] = ray.exceptions.ActorUnavailableError
        from qmk.host.cluster.ray_slot import RaySlot

        self._slot_class = ray.remote(RaySlot)
        self._leaving = threading.Event()
        if head is not None:
            threading.Thread(target=self._end_with, args=(head,), daemon=True).start()

    def _end_with(self, head: local.Head) -> None:
        while head.lives:
            time.sleep(LOOK_S)
        if not self._leaving.is_set():
            sys.stderr.write("the Ray cluster of this machine has ended\n")
            sys.stderr.flush()
            os._exit(1)

    async def names(self) -> list[str]:
        return await asyncio.to_thread(self._ray.util.list_named_actors)

    async def size(self) -> tuple[int, int]:
        resources = await asyncio.to_thread(self._ray.cluster_resources)
        nodes = sum(name.startswith("node:") and "__" not in name for name in resources)
        return nodes, int(resources.get("CPU", 0))

    async def find(self, name: str) -> Any:
        return await asyncio.to_thread(self._ray.get_actor, name)

    async def make(self, number: int, generation: int) -> tuple[Any, int]:
        settings = self._join.settings_of(number)
        others = dict(settings.resources)
        options = {
            "name": f"{number}-{generation}",
            "lifetime": "detached",
            "num_cpus": settings.threads,
            "num_gpus": others.pop(GPU, 0),
            "memory": others.pop(MEMORY, None),
            "resources": others,
            "max_concurrency": CALLS,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        return await asyncio.to_thread(self._slot_class.options(**options).remote, ms.pack(settings)), generation

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

    async def hint(self, numbers: list[int]) -> None:
        """A cluster that has no autoscaler says so on standard error: the slots are asked for all the same."""
        bundles = [_bundle(self._join.settings_of(number)) for number in numbers]
        try:
            request = import_module("ray.autoscaler.sdk").request_resources
            await asyncio.to_thread(request, bundles=bundles)
        except Exception as error:  # Ray raises many kinds
            sys.stderr.write(f"the autoscaler was not told what is needed: {first_line(error)}\n")

    async def leave(self) -> None:
        """What Ray has not placed goes with its driver."""
        self.end_head()

    def end_head(self) -> None:
        """Ends the cluster if it was started here."""
        self._leaving.set()
        if self._head is not None:
            local.stop(Path(self._join.folder), self._head)
