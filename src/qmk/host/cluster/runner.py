"""A slot of a cluster: the local pool with one place, behind three calls that any cluster can carry.

``attach`` makes the caller the one whose orders count: an earlier one, whose daemon has gone, is refused from then on.
``tell`` gives orders, ``hear`` the news. News stay here until they were heard, so that a daemon that comes back learns
what happened without it. Jails, bounds of memory and the end of stuck workers are those of the pool (``host.pool``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from qmk.host import machine
from qmk.host.cluster import messages as ms
from qmk.host.cluster.local import LOOK_S, ORPHAN_S
from qmk.host.cluster.messages import Begin, Begun, Census, Key, Refused, Running, Said, Settings
from qmk.host.cluster.resources import MEMORY
from qmk.rpc.kept import Kept
from qmk.worker.messages import Done, Failed, NotDone, Partial, RunProgress, StateSaved

if TYPE_CHECKING:
    from qmk.host.launcher import Loss
    from qmk.host.pool import Pool
    from qmk.kernel.effects import Launch
    from qmk.kernel.objects.alternative import Alternative

HEARTBEAT_S = 2.0
"""``hear`` answers within this time, so that a slot that is silent for longer is known to be lost."""
LINGER_S = 0.004
GRAPH_BYTES = 256 << 20
"""Graphs that a slot keeps, those unused for longest given up first."""


class Graphs:
    """Packed graphs by digest, within a bound of bytes; one alone may be larger."""

    def __init__(self, most_bytes: int = GRAPH_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: Kept[str, bytes] = Kept()

    def put(self, digest: str, graph: bytes) -> None:
        if self._kept.get(digest) is None:
            self._kept.put(digest, graph, len(graph), max(self._most_bytes, len(graph)))

    def get(self, digest: str) -> bytes | None:
        return self._kept.get(digest)


class Outbox:
    """News that were not heard yet. Progress, and states saved without being asked for, are kept once a launch."""

    def __init__(self) -> None:
        self._waiting: list[Said] = []
        self._number = 0
        self._fresh = asyncio.Event()

    def put(self, job: str, fence: int, what: Any, **more: Any) -> None:
        ours = (said for said in reversed(self._waiting) if (said.job, said.fence) == (job, fence))
        last = next((said for said in ours if _supersedes(what, said.what)), None)
        if last is not None:
            self._waiting.remove(last)
            what = _with_partial(what, last.what)
        self._number += 1
        self._waiting.append(Said(self._number, job, fence, what, **more))
        self._fresh.set()

    def drop(self, key: Key) -> None:
        """Forgets news of a launch that nobody wants, but for what it was refused."""
        self._waiting = [each for each in self._waiting if (each.job, each.fence) != key or _is_refusal(each)]

    def forget(self, number: int) -> list[Key]:
        """Forgets the news up to this one; gives the launches that are over with them."""
        ends = [(said.job, said.fence) for said in self._waiting if said.number <= number and said.is_end]
        self._waiting = [said for said in self._waiting if said.number > number]
        return ends

    async def wait(self, seconds: float) -> list[Said]:
        """The news, once there are some, or none after so many seconds. A start alone is kept for ``LINGER_S``: a short
        launch is over by then, and told with it."""
        if not self._waiting:
            await self._freshen(seconds)
        if self._waiting and all(isinstance(said.what, Begun) for said in self._waiting):
            await self._freshen(LINGER_S)
        return list(self._waiting)

    async def _freshen(self, seconds: float) -> None:
        """Waits for further news, for so many seconds at most."""
        self._fresh.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._fresh.wait(), seconds)


def _is_refusal(said: Said) -> bool:
    return isinstance(said.what, Refused)


def _supersedes(new: Any, old: Any) -> bool:
    if isinstance(new, RunProgress):
        return isinstance(old, RunProgress)
    return isinstance(new, StateSaved) and isinstance(old, StateSaved) and not (new.ref or old.ref or old.stopped)


def _with_partial(new: Any, old: Any) -> Any:
    if isinstance(new, RunProgress) and new.partial is None and old.partial is not None:
        return RunProgress(new.fence, new.shots_done, new.epoch, old.partial)
    return new


class Runner:
    """``settings`` are packed; ``node`` is the name of where it is. It is the listener of its pool. The calls come on
    one event loop."""

    def __init__(self, settings: bytes, node: str = "") -> None:
        self._node = node
        self._settings: Settings = ms.unpack_settings(settings)
        self.heard_s = time.monotonic()
        """When a daemon last listened."""
        self._token = ""
        self._told = 0
        self._memory_bytes = machine.memory_bytes()
        self._graphs = Graphs()
        self._out: dict[Key, Running] = {}
        self._asked: set[tuple[int, str]] = set()
        self._news: Outbox
        self._pool: Pool | None = None

    async def attach(self, token: str) -> bytes:
        """Only orders with this token count from now on. Gives the ``Census``, packed."""
        if self._pool is None:
            self._open()
        self._token, self._told = token, 0
        return ms.pack(Census(self._settings, list(self._out.values()), self._memory_bytes, os.getpid()))

    def _open(self) -> None:
        from qmk.host.isolation.policy import isolation_of
        from qmk.host.pool import Pool
        from qmk.host.tasks import Bounds

        made = self._settings
        memory_bytes = int(made.resources.get(MEMORY, self._memory_bytes))
        bounds = Bounds(1, made.processes, made.threads, memory_bytes, made.idle_s, nice=made.nice)
        self._news = Outbox()
        self._pool = Pool(bounds, self, made.external, isolation_of(made.isolation))

    async def tell(self, token: str, number: int, orders: list[bytes]) -> None:
        """Follows orders; ``number`` counts the calls, so that one that comes twice is followed once."""
        if token != self._token or number <= self._told:
            return
        self._told = number
        for order in orders:
            self._follow(ms.unpack_order(order))

    def _follow(self, order: ms.Order) -> None:
        assert self._pool is not None
        if isinstance(order, Begin):
            self._begin(order)
        elif isinstance(order, ms.Stop):
            self._out.pop((order.job, order.fence), None)
            self._news.drop((order.job, order.fence))
            self._pool.cancel(order.job, order.fence, order.grace_s)
        elif (key := (order.interrupt.fence, order.interrupt.ref)) not in self._asked:
            self._asked.add(key)
            self._pool.interrupt(order.interrupt)

    def _begin(self, order: Begin) -> None:
        assert self._pool is not None
        launch = order.launch
        if (launch.job, launch.fence) in self._out:
            return
        if order.graph is not None:
            self._graphs.put(launch.digest, order.graph)
        graph = self._graphs.get(launch.digest)
        if graph is None:
            why = "the slot no longer holds this program"
            self._news.put(launch.job, launch.fence, Failed(launch.fence, "INTERNAL_ERROR", why, missing_graph=True))
            return
        self._asked.clear()
        self._out[launch.job, launch.fence] = Running(launch, begun=False)
        self._pool.launch(launch, graph, order.state)

    async def hear(self, token: str, number: int) -> tuple[int, bytes]:
        """Waits for news after ``number``, for ``HEARTBEAT_S`` at most: the last one's number, and all of them packed.
        News up to ``number`` are forgotten. A caller who was superseded gets number -1."""
        if token != self._token:
            return -1, b""
        self.heard_s = time.monotonic()
        for key in self._news.forget(number):
            self._out.pop(key, None)
        said = await self._news.wait(HEARTBEAT_S)
        if token != self._token:
            return -1, b""
        return (said[-1].number, ms.pack(said)) if said else (number, b"")

    async def node(self) -> str:
        """The name of its node."""
        return self._node

    async def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            await self._pool.close()

    async def end_alone(self) -> None:
        """Ends the process once no daemon has listened for ``ORPHAN_S``."""
        while time.monotonic() < self.heard_s + ORPHAN_S:
            await asyncio.sleep(LOOK_S)
        await self.close()
        os._exit(0)

    def _say(self, job: str, fence: int, what: Any, **more: Any) -> None:
        if (job, fence) in self._out:
            waited_s = self._pool.waited_s(job, fence) if self._pool is not None else 0.0
            self._news.put(job, fence, what, waited_s=waited_s, **more)

    def on_started(self, job: str, fence: int) -> None:
        if (job, fence) in self._out:
            self._out[job, fence] = Running(self._out[job, fence].launch, begun=True)
        self._say(job, fence, Begun())

    def on_progressed(
        self, job: str, fence: int, shots_done: int, epoch: int = 0, partial: Partial | None = None
    ) -> None:
        self._say(job, fence, RunProgress(fence, shots_done, epoch, partial))

    def on_saved(self, job: str, fence: int, saved: StateSaved) -> None:
        self._say(job, fence, saved)

    def on_not_done(self, job: str, fence: int, refusal: NotDone) -> None:
        self._say(job, fence, refusal)

    def on_done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        self._say(job, fence, done, version=version, hedge=hedge)

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        self._say(job, fence, failed, loss=loss)

    def on_calls_refused(self, launch: Launch, calls: dict[str, int]) -> None:
        self._news.put(launch.job, launch.fence, Refused(launch, calls))
