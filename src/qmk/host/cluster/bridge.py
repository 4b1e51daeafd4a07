"""The bridge: ``python -m qmk.host.cluster.bridge --fd N``, the one process of a daemon that speaks to a cluster.

Of Ray it is the driver. It starts or joins the cluster, keeps one actor alive for each slot (one job of Slurm), and
carries orders and news without reading them. It keeps nothing that counts: when it ends, the next one finds the slots
by their names. The daemon itself loads no Ray, reads no pickle from the cluster, and goes on when Ray ends its driver.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster import local
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import SLURM
from qmk.host.cluster.engine import Cluster
from qmk.host.cluster.ray_cluster import RayCluster
from qmk.host.cluster.runner import HEARTBEAT_S
from qmk.host.cluster.slurm import SlurmCluster
from qmk.rpc.keys import secret
from qmk.rpc.places import KEYS_NAME
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker import process
from qmk.worker.wire import Unframer, frame

SILENT_S = 5 * HEARTBEAT_S
"""A slot that says nothing for so long is ended."""
PLACED_S = 30.0
"""A slot that is not up by then, as nothing is free or it was stopped as it started, is asked for anew."""
AGAIN_S = 0.2
KEY_NAME = "cluster.key"
HOW_TO = "pip install 'quantum-microkernel[cluster]'"


@dataclass(eq=False)
class Link:
    """One slot. ``orders`` wait to be sent."""

    number: int
    generation: int = 0
    actor: Any = None
    node: str = ""
    pid: int = 0
    orders: list[bytes] = field(default_factory=list[bytes])
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Bridge:
    """Keeps the slots of ``cluster`` there, and carries their orders and news."""

    def __init__(self, cluster: Cluster, join: ms.Join, writer: asyncio.StreamWriter) -> None:
        self._cluster, self._join, self._writer = cluster, join, writer
        self._token = uuid.uuid4().hex
        self._links = {number: Link(number) for number in range(join.slots)}
        self._settings = ms.pack(join.settings)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, address: str) -> None:
        """Attaches the slots that are there, says so, and has the others made."""
        await asyncio.gather(*(self._find(name) for name in await self._cluster.names()))
        await self.say(ms.Joined(address, *await self._cluster.size()))
        self._tasks = [asyncio.create_task(self._keep(link)) for link in self._links.values()]

    async def say(self, message: msgspec.Struct) -> None:
        """Hands a message to the daemon, and returns when the system has it."""
        self._writer.write(frame(message))
        await self._writer.drain()

    def tell(self, tell: ms.Tell) -> None:
        """Sends an order, after those before it. One for a slot that was made anew meanwhile is dropped."""
        link = self._links[tell.slot]
        if tell.generation == link.generation:
            link.orders.append(tell.order)
            link.wake.set()

    async def leave(self) -> None:
        """Ends the slots."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(self._end(link.actor) for link in self._links.values() if link.actor is not None))
        await self._cluster.leave()

    async def _end(self, actor: Any, node: str = "", pid: int = 0) -> None:
        with contextlib.suppress(Exception):  # whatever state it is in, it is ended
            await asyncio.wait_for(self._cluster.call(actor, "close"), HEARTBEAT_S)
        await self._cluster.kill(actor, node, pid)

    async def _find(self, name: str) -> None:
        """Attaches a slot that is there already. One of too high a number, or made otherwise, is ended."""
        number, _, generation = name.partition("-")
        actor = await self._cluster.find(name)
        link = self._links.get(int(number))
        if link is None or not await self._attach(link, actor, int(generation), SILENT_S):
            await self._end(actor)

    async def _attach(self, link: Link, actor: Any, generation: int, seconds: float) -> bool:
        """Makes the actor the slot's, unless it has another already."""
        try:
            packed = await asyncio.wait_for(self._cluster.call(actor, "attach", self._token), seconds)
            node = await asyncio.wait_for(self._cluster.call(actor, "node"), seconds)
        except (self._cluster.lost, TimeoutError) as error:
            sys.stderr.write(f"slot {link.number}, generation {generation}: {error!r}\n")
            return False
        census = ms.unpack_census(packed)
        if ms.pack(census.settings) != self._settings or link.actor is not None:
            return False
        link.actor, link.generation, link.node, link.pid = actor, generation, node, census.pid
        link.orders.clear()
        await self.say(ms.SlotUp(link.number, generation, node, packed))
        return True

    async def _keep(self, link: Link) -> None:
        """Has the slot there: makes it anew whenever it is gone."""
        while True:
            if link.actor is None:
                await self._make(link)
            if link.actor is None:
                await asyncio.sleep(AGAIN_S)
                continue
            sender = asyncio.create_task(self._send(link, link.actor))
            why = await self._listen(link, link.actor)
            sender.cancel()
            actor, link.actor = link.actor, None
            await self.say(ms.SlotDown(link.number, link.generation, why))
            await self._end(actor, link.node, link.pid)

    async def _make(self, link: Link) -> None:
        generation = max(link.generation + 1, time.time_ns() // 1_000_000)
        try:
            actor, generation = await self._cluster.make(link.number, generation)
        except self._cluster.lost as error:
            sys.stderr.write(f"slot {link.number}: {error}\n")
            return
        if not await self._attach(link, actor, generation, PLACED_S):
            await self._end(actor)

    async def _listen(self, link: Link, actor: Any) -> str:
        """Passes on what the slot says, until it is gone: why."""
        heard, seen_s = 0, time.monotonic()
        while True:
            try:
                number, said = await asyncio.wait_for(self._cluster.call(actor, "hear", self._token, heard), SILENT_S)
            except self._cluster.away as error:
                if time.monotonic() > seen_s + SILENT_S:
                    return f"cannot be reached: {_first_line(error)}"
                await asyncio.sleep(AGAIN_S)
                continue
            except TimeoutError:
                return f"has said nothing for {SILENT_S:g} s"
            except self._cluster.lost as error:
                return f"has ended: {_first_line(error)}"
            if number < 0:
                os._exit(0)  # another bridge has the slots
            heard, seen_s = number, time.monotonic()
            if said:
                await self.say(ms.News(link.number, link.generation, said))

    async def _send(self, link: Link, actor: Any) -> None:
        """Sends the slot its orders, one call after the other. What cannot be sent is lost with the slot."""
        for number in range(1, sys.maxsize):
            await link.wake.wait()
            link.wake.clear()
            orders, link.orders = link.orders, []
            while orders:
                try:
                    await self._cluster.call(actor, "tell", self._token, number, orders)
                    break
                except self._cluster.away:
                    await asyncio.sleep(AGAIN_S)
                except self._cluster.lost:
                    return


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]


class Membership:
    """Ray's module, joined to a cluster. One that was started here takes the bridge with it when it ends, whatever call
    of Ray that is in."""

    def __init__(self, join: ms.Join) -> None:
        """Raises UNSUPPORTED without Ray, RESOURCE_EXHAUSTED when none can be started, CONNECTION_LOST when the one at
        the address does not answer."""
        self._folder, self._head, self.address = Path(join.folder), None, join.address
        self._leaving = threading.Event()
        if not self.address:
            self._prepare_key()
        try:
            self.ray: Any = import_module("ray")
        except ImportError as error:
            message = f"Ray is not installed, which --cluster needs: {error}"
            raise QmkError("UNSUPPORTED", message, help=HOW_TO) from None
        if not self.address:
            self._head = self._start(join.slots * join.settings.threads)
            self.address = self._head.address
        try:
            self.ray.init(self.address, namespace=f"qmk-{join.name}", log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises many kinds, and what it says is for people
            self.leave()
            message = f"cannot join the Ray cluster at {self.address}: {_first_line(error)}"
            help = "is it up, and is this machine one of its nodes? From another, give the address as ray://HOST:10001"
            raise QmkError("CONNECTION_LOST", message, help=help) from None

    def _prepare_key(self) -> None:
        """Makes the token of the cluster, known to this user alone. Ray reads its environment when it is loaded."""
        key = self._folder / KEYS_NAME / KEY_NAME
        secret(key)
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(key))

    def _start(self, cpus: int) -> local.Head:
        head = local.find(self._folder)
        if head is not None and head.cpus != cpus:
            local.stop(self._folder, head)
            head = None
        head = head or local.start(self._folder, cpus, os.environ)
        threading.Thread(target=self._end_with, args=(head,), daemon=True).start()
        return head

    def _end_with(self, head: local.Head) -> None:
        while head.lives:
            time.sleep(AGAIN_S)
        if not self._leaving.is_set():
            sys.stderr.write("the Ray cluster of this machine has ended\n")
            sys.stderr.flush()
            os._exit(1)

    def leave(self) -> None:
        """Ends the cluster if it was started here."""
        self._leaving.set()
        if self._head is not None:
            local.stop(self._folder, self._head)


async def serve(sock: socket.socket) -> None:
    """Carries messages until the daemon leaves or is gone. The first is the wish to join."""
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.transport.set_write_buffer_limits(0)
    messages = _read(reader)
    join = await anext(messages, None)
    if not isinstance(join, ms.Join):
        return
    try:
        cluster, address, leave = await _join(join)
    except QmkError as error:
        writer.write(frame(ms.NoCluster(error.message, str(error.fields.get("help", "")))))
        await writer.drain()
        return
    bridge = Bridge(cluster, join, writer)
    await bridge.open(address)
    async for message in messages:
        if isinstance(message, ms.Tell):
            bridge.tell(message)
        elif isinstance(message, ms.Leave):
            await bridge.leave()
            leave()
            return


async def _join(join: ms.Join) -> tuple[Cluster, str, Callable[[], None]]:
    """The cluster, its address, and what ends it if it was started here. Raises as ``Membership`` and
    ``SlurmCluster.open``."""
    if join.address == SLURM:
        slurm = SlurmCluster(join)
        await slurm.open()
        return slurm, SLURM, lambda: None
    member = Membership(join)
    return RayCluster(member.ray, join), member.address, member.leave


async def _read(reader: asyncio.StreamReader) -> AsyncGenerator[ms.ToBridge]:
    unframer: Unframer[ms.ToBridge] = Unframer(ms.ToBridge)
    while data := await reader.read(RECEIVE_BYTES):
        for message in unframer.feed(data):
            yield message


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    sock = socket.socket(fileno=parser.parse_args().fd)
    process.die_with_parent("qmk-bridge")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(sock))
    sys.stdout.flush()
    os._exit(0)  # Ray's own end waits for a cluster that may be gone


if __name__ == "__main__":
    main()
