"""A cluster in this process for tests: slots that are reached without Ray, and that can be lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qmk.host.cluster import messages as ms
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.resources import Resources
from qmk.host.cluster.runner import Runner
from qmk.host.launcher import Listener
from qmk.host.pool import Pool
from qmk.kernel.effects import Launch

SETTINGS = ms.Settings("1", threads=1, processes=2, idle_s=60.0, nice=0, isolation="auto")


class Machines:
    """The slots, which outlive the bridges to them."""

    def __init__(
        self,
        slots: int = 2,
        settings: ms.Settings = SETTINGS,
        resources: Sequence[dict[str, float]] = (),
        idle_s: float = 0.0,
    ) -> None:
        self.join = ms.Join("", "", "test", slots, settings, list(resources), idle_s)
        self.runners: dict[int, tuple[int, Runner]] = {}
        self.bridges: list[LoopbackBridge] = []
        self.generation = 0

    def make(self, slot: int) -> None:
        self.generation += 1
        self.runners[slot] = (self.generation, Runner(ms.pack(self.join.settings_of(slot))))

    async def lose(self, slot: int) -> None:
        """The machine of the slot goes down with all it had, and another takes its place."""
        generation, runner = self.runners[slot]
        await runner.close()
        self.make(slot)
        for bridge in self.bridges:
            bridge.say(ms.SlotDown(slot, generation, "was lost"))
            await bridge.attach(slot)

    def open_bridge(self, on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]) -> Any:
        bridge = LoopbackBridge(self, on_message, on_end)
        self.bridges.append(bridge)
        return bridge

    def launcher(
        self, listener: Listener, here: Pool | None = None, needs: Callable[[Launch], Resources] = lambda launch: {}
    ) -> ClusterPool:
        return ClusterPool("ray", self.join, 0, listener, self.open_bridge, here, needs)


class LoopbackBridge:
    """Carries orders and news as the bridge to Ray does."""

    pid = 0

    def __init__(
        self, machines: Machines, on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]
    ) -> None:
        self._machines, self._on_message, self._on_end = machines, on_message, on_end
        self._token = uuid.uuid4().hex
        self._told = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._open = True
        self.lost: Callable[[ms.Order], bool] = lambda order: False
        """Orders that get lost on their way."""

    def say(self, message: ms.FromBridge) -> None:
        if self._open:
            self._on_message(message)

    def send(self, message: Any) -> None:
        if isinstance(message, ms.Join):
            self._start(self._begin())
        elif isinstance(message, ms.Leave):
            self._start(self._leave())
        elif isinstance(message, ms.Want):
            self._start(self._keep(message.slots))
        elif self._open:
            generation, runner = self._machines.runners[message.slot]
            if generation == message.generation and not self.lost(ms.unpack_order(message.order)):
                self._told += 1
                self._start(runner.tell(self._token, self._told, [message.order]))

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _begin(self) -> None:
        for slot in self._machines.runners:
            await self.attach(slot)
        self.say(ms.Joined("here", 1, len(self._machines.runners)))
        if not self._machines.join.idle_s:
            await self._make(range(self._machines.join.slots))

    async def _make(self, slots: Iterable[int]) -> None:
        for slot in set(slots) - self._machines.runners.keys():
            self._machines.make(slot)
            await self.attach(slot)

    async def _keep(self, slots: list[int]) -> None:
        """Has these slots, and no others."""
        for slot in self._machines.runners.keys() - set(slots):
            generation, runner = self._machines.runners.pop(slot)
            await runner.close()
            self.say(ms.SlotDown(slot, generation, ms.GIVEN_UP))
        await self._make(slots)

    async def attach(self, slot: int) -> None:
        generation, runner = self._machines.runners[slot]
        census = await runner.attach(self._token)
        self.say(ms.SlotUp(slot, generation, f"node-{slot}", census))
        self._start(self._listen(slot, generation, runner))

    async def _listen(self, slot: int, generation: int, runner: Runner) -> None:
        heard = 0
        while self._open:
            heard, said = await runner.hear(self._token, heard)
            if heard < 0:
                return
            if said:
                self.say(ms.News(slot, generation, said))

    async def _leave(self) -> None:
        for _, runner in self._machines.runners.values():
            await runner.close()
        self.kill()

    def kill(self) -> None:
        """It ends; what it had in hand is lost."""
        self._open = False
        if self in self._machines.bridges:
            self._machines.bridges.remove(self)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        asyncio.get_running_loop().call_soon(self._on_end, "")
