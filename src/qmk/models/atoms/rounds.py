"""Rounds: moves that crossed deflectors make at one time, since they keep the order of rows and columns."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from qmk.models.atoms.array import SLACK
from qmk.models.atoms.machine import Lane, Transport

Moves = dict[str, int]
"""Atoms, each with the id of the site to which it goes."""

Ends = tuple[Sequence[float], Sequence[float]]
"""Where a move begins and ends."""


class Round:
    """Moves that go together. ``axes``: by axis, from where to where, in order. ``longest``: what the slowest takes, in
    us, where it is known."""

    def __init__(self) -> None:
        self.moves: Moves = {}
        self.bus: str | None = None
        self.longest = 0.0
        self.axes: tuple[list[tuple[float, float]], ...] = ([], [])

    def takes(self, ends: Ends, lane: Lane | None, transport: Transport) -> bool:
        most = transport.limits.at_once
        if (most and len(self.moves) >= most) or (lane is not None and lane.bus != self.bus):
            return False
        return transport.crossing or self.keeps(ends, transport.separation)

    def keeps(self, ends: Ends, separation: float = 0.0) -> bool:
        """Whether one more move keeps the order of rows and columns."""
        return all(_keeps(line, ends[0][k], ends[1][k], separation) for k, line in enumerate(self.axes))

    def add(self, atom: str, site: int, ends: Ends, lane: Lane | None = None, time: float = 0.0) -> None:
        self.moves[atom] = site
        self.bus = lane.bus if lane is not None else self.bus
        self.longest = max(self.longest, time)
        for k, line in enumerate(self.axes):
            pair = ends[0][k], ends[1][k]
            at = bisect.bisect_left(line, pair)
            if at == len(line) or line[at] != pair:
                line.insert(at, pair)

    def crossings(self, start: Sequence[float]) -> Iterator[tuple[float, float]]:
        """Points at which a tweezer of this round crosses one more that begins at ``start``."""
        columns, rows = self.axes
        x, y = start[0], start[1]
        yield from ((x, row) for row, _ in rows)
        yield from ((column, y) for column, _ in columns)


def agree(a: Ends, b: Ends, separation: float) -> bool:
    """Whether two moves keep their order along both axes."""
    return all(_keeps([(a[0][k], a[1][k])], b[0][k], b[1][k], separation) for k in (0, 1))


def _keeps(line: list[tuple[float, float]], start: float, end: float, separation: float) -> bool:
    """Whether one more tweezer keeps the order of those in ``line``; equal beginnings have equal ends."""
    at = bisect.bisect_left(line, (start, end))
    for other, aim in line[max(0, at - 1) : at + 1]:
        if (other == start) != (aim == end) or (other < start) != (aim < end):
            return False
        if other != start and separation and min(abs(other - start), abs(aim - end)) < separation * (1 - SLACK):
            return False
    return True
