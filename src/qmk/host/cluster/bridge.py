"""The bridge: ``python -m qmk.host.cluster.bridge --fd N``, the one process of a daemon that speaks to a cluster.

It joins the cluster (Ray's, as a driver), keeps its slots there, and carries orders and news without reading them. It
keeps nothing that counts: when it ends, the next one finds the slots by their names. The daemon itself loads no Ray,
reads no pickle from the cluster, and goes on when Ray ends its driver.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import KUBERNETES, SLURM
from qmk.host.cluster.interface import Cluster, first_line
from qmk.host.cluster.runner import HEARTBEAT_S
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.worker import process
from qmk.worker.wire import Unframer, frame

SILENT_S = 5 * HEARTBEAT_S
"""A slot that says nothing for so long is ended."""
PLACED_S = 30.0
"""A slot that is not up by then, as nothing is free or it was stopped as it started, is asked for anew."""
AGAIN_S = 0.2


@dataclass(eq=False)
class Link:
    """One slot. ``orders`` wait to be sent. ``given_up``: the actor that it has is to end, even where the slot is
    wanted again meanwhile."""

    number: int
    generation: int = 0
    actor: Any = None
    node: str = ""
    pid: int = 0
    orders: list[bytes] = field(default_factory=list[bytes])
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: bool = False


class Bridge:
    """Keeps the slots of ``cluster`` there, and carries their orders and news."""

    def __init__(self, cluster: Cluster, join: ms.Join, writer: asyncio.StreamWriter) -> None:
        self._cluster, self._join, self._writer = cluster, join, writer
        self._token = uuid.uuid4().hex
        self._links = {number: Link(number) for number in range(join.slots)}
        self._tasks: list[asyncio.Task[None]] = []
        self._wanted: list[int] = []
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Attaches the slots that are there, says so, and has the others made."""
        await asyncio.gather(*(self._find(name) for name in await self._cluster.names()))
        await self.say(ms.Joined(self._cluster.address, *await self._cluster.size()))
        self._tasks = [asyncio.create_task(self._keep(link)) for link in self._links.values()]
        if self._join.idle_s:
            self._tasks.append(asyncio.create_task(self._hint()))
        else:
            for link in self._links.values():
                link.wanted.set()

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

    def want(self, slots: list[int]) -> None:
        """Makes these slots and ends the others, and tells the autoscaler what they take."""
        for link in self._links.values():
            if link.number in slots:
                link.wanted.set()
            elif link.wanted.is_set():
                link.wanted.clear()
                link.given_up = link.actor is not None
        self._wanted = slots
        self._changed.set()

    async def _hint(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._cluster.hint(self._wanted)

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
        try:
            actor = await self._cluster.find(name)
        except self._cluster.lost:
            return
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
        if census.settings != self._join.settings_of(link.number) or link.actor is not None:
            return False
        link.actor, link.generation, link.node, link.pid = actor, generation, node, census.pid
        link.wanted.set()
        link.orders.clear()
        await self.say(ms.SlotUp(link.number, generation, node, packed))
        return True

    async def _keep(self, link: Link) -> None:
        """Has the slot there: makes it anew whenever it is gone."""
        while True:
            if link.actor is None:
                await link.wanted.wait()
                await self._make(link)
            if link.actor is None:
                await asyncio.sleep(AGAIN_S)
                continue
            sender = asyncio.create_task(self._send(link, link.actor))
            why = await self._listen(link, link.actor)
            sender.cancel()
            actor, link.actor, link.given_up = link.actor, None, False
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
            if link.given_up:
                return ms.GIVEN_UP
            try:
                number, said = await asyncio.wait_for(self._cluster.call(actor, "hear", self._token, heard), SILENT_S)
            except self._cluster.away as error:
                if time.monotonic() > seen_s + SILENT_S:
                    return f"cannot be reached: {first_line(error)}"
                await asyncio.sleep(AGAIN_S)
                continue
            except TimeoutError:
                return f"has said nothing for {SILENT_S:g} s"
            except self._cluster.lost as error:
                return f"has ended: {first_line(error)}"
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


async def serve(sock: socket.socket) -> None:
    """Carries messages until the daemon leaves or is gone. The first is the wish to join."""
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.transport.set_write_buffer_limits(0)
    messages = _read(reader)
    join = await anext(messages, None)
    if not isinstance(join, ms.Join):
        return
    try:
        cluster = await _open_cluster(join)
    except QmkError as error:
        writer.write(frame(ms.NoCluster(error.message, str(error.fields.get("help", "")))))
        await writer.drain()
        return
    bridge = Bridge(cluster, join, writer)
    await bridge.open()
    async for message in messages:
        if isinstance(message, ms.Tell):
            bridge.tell(message)
        elif isinstance(message, ms.Want):
            bridge.want(message.slots)
        elif isinstance(message, ms.Leave):
            await bridge.leave()
            return


async def _open_cluster(join: ms.Join) -> Cluster:
    """Joins the cluster. Raises as the ``open_cluster`` of its kind."""
    if join.address == SLURM:
        from qmk.host.cluster import slurm_cluster

        return await slurm_cluster.open_cluster(join)
    if join.address == KUBERNETES:
        from qmk.host.cluster import kubernetes_cluster

        return await kubernetes_cluster.open_cluster(join)
    from qmk.host.cluster import ray_cluster

    return ray_cluster.open_cluster(join)


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
