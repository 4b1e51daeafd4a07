"""What waits to be read by translators: the programs of each owner, and how many may wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.translations import ReadFrame, ReadProgram, Request
from qmk.host.turns import RecentTime

Then = Callable[[Any, QmkError | None], Request | None]
"""What hears of the outcome, a message or an error; it gives what the same process shall do next, if anything."""

MEMORY_OF_USE_S = 60.0
"""Half of the time that somebody's programs took is forgotten within so many seconds."""


@dataclass(frozen=True, slots=True)
class TextBounds:
    """What reading one program may take: ``seconds`` of a processor, ``memory_bytes`` of address space. How many of one
    tenant may wait for it, and how many bytes; and how many processes read."""

    seconds: float = 30.0
    memory_bytes: int = 4 << 30
    waiting: int = 64
    waiting_bytes: int = 256 << 20
    processes: int = 4


@dataclass(slots=True, eq=False)
class Task:
    """Work of one owner; ``connection``: 0 when it is not for one. ``frame``: the frame whose program is read;
    ``lost``: processes that were lost with it, through no fault of its own."""

    request: Request
    owner: str
    connection: int
    size_bytes: int
    then: Then
    frame: ReadFrame | None = None
    lost: int = 0

    @property
    def may_be_sent_again(self) -> bool:
        return self.frame is not None or not isinstance(self.request, (ReadFrame, ReadProgram))


@dataclass(slots=True)
class Owner:
    """Somebody whose programs are read: what waits, and the time that others took of late."""

    tasks: deque[Task] = field(default_factory=deque[Task])
    busy: bool = False
    recent: RecentTime = field(default_factory=lambda: RecentTime(MEMORY_OF_USE_S))
