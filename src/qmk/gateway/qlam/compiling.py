"""Programs that are compiled, one after the other, each in a process of its own with a bound on time and memory.

Every tenant has its turn: of each, one definition at a time stands in the queue, so that nobody waits for more than one
of each other tenant.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec

from qmk.gateway.children import WAITING, ChildFailed, Turns, run_child
from qmk.gateway.http import Refusal
from qmk.gateway.qlam.compiler import Job, Made

log = logging.getLogger("qmk.gateway")
SECONDS = 30.0


class Failed(Exception):
    """Nothing came of a compilation, for a reason that is of no one program."""


class Compiling:
    """The gateway's compilations that are under way, by the id of their record."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._waiting: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_full(self, tenant: str) -> bool:
        return self._waiting[tenant] >= WAITING

    def is_under_way(self, id: str) -> bool:
        return id in self._tasks

    def require_room(self, tenant: str) -> None:
        """Raises ``Refusal`` 429 where the tenant has enough in the queue."""
        if self.is_full(tenant):
            raise Refusal(429, f"{WAITING} compilations of this tenant wait already; try again later")

    def enter(self, tenant: str) -> None:
        """Take a place in the queue, for ``begin``. Raises ``Refusal`` 429."""
        self.require_room(tenant)
        self._waiting[tenant] += 1

    def leave(self, tenant: str) -> None:
        """Give a place back that nothing was begun in."""
        self._waiting[tenant] -= 1
        if not self._waiting[tenant]:
            del self._waiting[tenant]

    def begin(self, id: str, tenant: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do ``work`` when it is this tenant's turn, in the place that was taken for it, unless it is under way."""
        if id in self._tasks:
            self.leave(tenant)
            return
        task = self._tasks[id] = asyncio.create_task(self._take_turn(tenant, work))
        task.add_done_callback(lambda done: self._end(id, tenant, done))

    async def _take_turn(self, tenant: str, work: Callable[[], Awaitable[object]]) -> None:
        async with self._turns.take(tenant):
            await work()

    def _end(self, id: str, tenant: str, done: asyncio.Task[None]) -> None:
        del self._tasks[id]
        self.leave(tenant)
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("compilation %s could not be ended", id, exc_info=error)

    async def wait(self, id: str, *, cancel: bool = False) -> None:
        """Until it has ended; ``cancel``: now."""
        task = self._tasks.get(id)
        if task is not None:
            if cancel:
                task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        for id in list(self._tasks):
            await self.wait(id, cancel=True)


async def compile_job(job: Job) -> Made:
    """What becomes of the programs. Raises ``Failed``."""
    try:
        out = await run_child("qmk.gateway.qlam.compiler", msgspec.json.encode(job), SECONDS)
    except TimeoutError:
        raise Failed(f"compiling takes more than {SECONDS:g} s: send fewer programs, or smaller ones") from None
    except ChildFailed as error:
        raise Failed(str(error)) from error
    return msgspec.json.decode(out, type=Made)
