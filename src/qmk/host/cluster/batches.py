"""Slots that are wanted at the same time are asked for together, those of one kind in one request."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from qmk.host.cluster import messages as ms

GATHER_S = 0.05


class Batches:
    """``submit`` asks the cluster for slots of these numbers, which have the same settings, in a generation. One that
    fails says so on standard error: its slots are found missing, as those are that a cluster has forgotten."""

    def __init__(self, join: ms.Join, submit: Callable[[list[int], int], Awaitable[None]]) -> None:
        self._join, self._submit = join, submit
        self.earlier: dict[int, int] = {}
        """Generations of slots that an earlier bridge has asked for and that are not up, by number."""
        self._wishes: dict[int, int] = {}
        self._next: asyncio.Task[int] | None = None
        self._under_way: set[asyncio.Task[int]] = set()

    def remember(self, name: str) -> None:
        """Notes a slot that an earlier bridge has asked for."""
        number, _, generation = name.partition("-")
        if number.isdecimal() and generation.isdecimal() and int(number) < self._join.slots:
            self.earlier[int(number)] = max(self.earlier.get(int(number), 0), int(generation))

    async def ask(self, number: int, generation: int) -> int:
        """Asks for a slot unless that was done before; its generation. The request is made even if the caller ends."""
        if number in self.earlier:
            return self.earlier.pop(number)
        self._wishes[number] = generation
        if self._next is None:
            self._next = asyncio.create_task(self._ask_for_all())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._under_way.discard)
        return await asyncio.shield(self._next)

    async def _ask_for_all(self) -> int:
        await asyncio.sleep(GATHER_S)
        wishes, self._wishes, self._next = self._wishes, {}, None
        generation = max(wishes.values())
        for numbers in self._join.by_kind(sorted(wishes)):
            try:
                await self._submit(numbers, generation)
            except OSError as error:
                sys.stderr.write(f"slots {', '.join(map(str, numbers))}: {error}\n")
        return generation

    async def settle(self) -> None:
        """Waits for the requests that are under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
