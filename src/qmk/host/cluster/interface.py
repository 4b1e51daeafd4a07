"""What the bridge needs of a kind of cluster: slots by name, and a way to call them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class SlotLost(Exception):
    """The slot is gone, with all it had."""


class SlotAway(SlotLost):
    """The slot cannot be reached now."""


class Cluster(Protocol):
    """Slots have names ``NUMBER-GENERATION``. A call raises ``away`` where the slot cannot be reached now, and ``lost``
    where it is gone; the first is one of the second."""

    lost: type[BaseException]
    away: type[BaseException]
    address: str
    """At which others can join it."""

    async def names(self) -> list[str]:
        """Every slot of this daemon that is up."""
        ...

    async def size(self) -> tuple[int, int]:
        """How many nodes and processors the cluster has."""
        ...

    async def find(self, name: str) -> Any:
        """The slot, to call it. Raises ``lost`` where it has gone meanwhile."""
        ...

    async def make(self, number: int, generation: int) -> tuple[Any, int]:
        """Asks for a slot; gives it, and its generation, which may be that of one asked for before. Raises ``lost``
        where there will be none."""
        ...

    def call(self, slot: Any, name: str, *arguments: Any) -> Awaitable[Any]:
        """Calls ``attach``, ``tell``, ``hear``, ``node`` or ``close`` of its runner."""
        ...

    async def kill(self, slot: Any, node: str, pid: int) -> None:
        """Ends the slot, whatever state it is in. ``pid`` is its process on ``node``; 0 where that is not known."""
        ...

    async def hint(self, numbers: list[int]) -> None:
        """Tells an autoscaler which slots are wanted. A cluster whose queue says so takes no notice."""
        ...

    async def leave(self) -> None:
        """Ends what has been asked for and is not up, and the cluster if it was started for us."""
        ...


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip() or repr(error)).splitlines()[0]
