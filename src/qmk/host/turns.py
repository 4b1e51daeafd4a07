"""Whose call is taken next: the time that the loop spends on calls is shared between the owners of connections.

A call that comes while little else goes on is taken at once, and so is an answer that is ready: what one commit
releases may be thousands. What must wait is taken a few milliseconds at a time, between which the loop does what else
there is to do, and always from whoever has had the least time of late.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

TURN_S = 0.003
"""What is taken before the loop looks at other things."""

MEMORY_S = 1.0
"""Half of the time that somebody had is forgotten within so many seconds."""


class Waits(Protocol):
    """Somebody with calls or answers that wait."""

    owner: str

    def take_call(self) -> bool:
        """Takes one call or writes one answer, and says whether more wait that may be taken now."""
        ...


class RecentTime:
    """Seconds that somebody had of late: half of them are forgotten within ``half_s``."""

    __slots__ = ("_at_s", "_had_s", "_half_s")

    def __init__(self, half_s: float) -> None:
        self._half_s = half_s
        self._had_s = self._at_s = 0.0

    def of(self, now_s: float) -> float:
        """What is remembered at ``now_s``."""
        return self._had_s * 0.5 ** ((now_s - self._at_s) / self._half_s)

    def add(self, seconds: float, now_s: float) -> None:
        self._had_s, self._at_s = self.of(now_s) + seconds, now_s


class _Owner:
    __slots__ = ("recent", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Waits] = deque()
        self.recent = RecentTime(MEMORY_S)


class Turns:
    """``ask`` for each connection with calls that wait, once until they are taken."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._owners: dict[str, _Owner] = {}
        self._waiting = 0
        self._used_s = 0.0
        self._scheduled = False
        self.taking: Waits | None = None
        """Whose call is just being taken."""

    def ask(self, waits: Waits) -> None:
        """Takes the calls of ``waits``: now if there is time and no other is being taken, else in its turn."""
        if self.taking is None and not self._waiting and self._used_s < TURN_S:
            self._schedule()
            more = self._take(waits)
            while more and self._used_s < TURN_S:
                more = self._take(waits)
            if not more:
                return
        self._put(waits)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _put(self, waits: Waits) -> None:
        self._owner_of(waits).waiting.append(waits)
        self._waiting += 1

    def _owner_of(self, waits: Waits) -> _Owner:
        owner = self._owners.get(waits.owner)
        if owner is None:
            owner = self._owners[waits.owner] = _Owner()
        return owner

    def _take(self, waits: Waits) -> bool:
        owner = self._owner_of(waits)
        began_s = self._loop.time()
        self.taking = waits
        try:
            more = waits.take_call()
        finally:
            self.taking = None
        now_s = self._loop.time()
        owner.recent.add(now_s - began_s, now_s)
        self._used_s += now_s - began_s
        return more

    def _run(self) -> None:
        """Takes calls for one turn. It runs once in each round of the loop in which calls came or wait."""
        self._scheduled, self._used_s = False, 0.0
        while self._waiting and self._used_s < TURN_S:
            now_s = self._loop.time()
            waiting = (owner for owner in self._owners.values() if owner.waiting)
            waits = min(waiting, key=lambda owner: owner.recent.of(now_s)).waiting.popleft()
            self._waiting -= 1
            if self._take(waits):
                self._put(waits)
        if self._waiting:
            self._schedule()
        elif len(self._owners) > 64:
            now_s = self._loop.time()
            self._owners = {name: owner for name, owner in self._owners.items() if owner.recent.of(now_s) > 1e-6}
