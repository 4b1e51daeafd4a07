"""When each atom, event and resource of a device is free: every op as soon as its operands are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping

from qmk.models.atoms.machine import Timing

EPSILON = 1e-9
"""Gaps shorter than this, in us, are rounding errors of sums and count as none."""

Demand = Mapping[str, tuple[int, int]]
"""Resources by name: (how many may be in use at once, how many are asked for)."""


class Clock:
    """All times in us since the program's begin."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.done: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.events: dict[str, float] = {}
        self.floor = 0.0
        self.end = 0.0
        self._lanes: dict[str, list[float]] = {}

    def begin(self, atoms: Iterable[str]) -> None:
        """Atoms that are there from now on: from the begin, or from the last barrier."""
        for atom in atoms:
            self.done[atom] = self.ready[atom] = self.floor

    def earliest(self, atoms: Iterable[str], after: float = 0.0, demand: Demand | None = None) -> float:
        """The first time at which an op on ``atoms`` can start, not before ``after``."""
        atoms = tuple(atoms)
        start = max([after, self.floor, *(self.ready[atom] for atom in atoms)])
        for name, (width, count) in (demand or {}).items():
            assert count <= width, "an op asks for more than there is"
            start = max(start, heapq.nsmallest(count, self._lane(name, width))[-1])
        least = self.timing.min_wait
        while least:
            later = max((self.done[a] + least for a in atoms if EPSILON < start - self.done[a] < least), default=start)
            if later <= start + EPSILON:
                break
            start = later
        return start

    def take(self, atoms: Iterable[str], start: float, duration: float, demand: Demand | None = None) -> None:
        """An op runs. ``start`` is not before ``earliest``."""
        end = start + duration
        for atom in atoms:
            self.done[atom] = self.ready[atom] = end
        for name, (width, count) in (demand or {}).items():
            lane = self._lane(name, width)
            for _ in range(count):
                heapq.heapreplace(lane, end)
        self.end = max(self.end, end)

    def _lane(self, name: str, width: int) -> list[float]:
        return self._lanes.setdefault(name, [0.0] * width)

    def waits(self, atom: str, start: float) -> list[float]:
        """The waits in us of an atom between its last op and ``start``: one, or several of equal length where one would
        be longer than the device allows."""
        gap = start - self.done[atom]
        if gap <= EPSILON:
            return []
        most = self.timing.max_wait
        count = max(1, math.ceil(gap / most - EPSILON)) if most else 1
        return [gap / count] * count
