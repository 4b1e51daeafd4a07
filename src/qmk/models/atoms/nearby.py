"""Points among many, so that the neighbours of one are found without looking at all."""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from qmk.models.atoms.geometry import Point

Key = TypeVar("Key", bound=str | int)

NEIGHBOURS = tuple(itertools.product((-1, 0, 1), repeat=3))


class Cells(Generic[Key]):
    """Named points (um) in cubes as wide as the largest radius that is asked for."""

    def __init__(self, radius: float) -> None:
        self.radius = radius if radius > 0 else 1.0
        self.points: dict[Key, Point] = {}
        self._cells: dict[tuple[int, int, int], set[Key]] = {}

    def cell(self, point: Point) -> tuple[int, int, int]:
        radius, (x, y, z) = self.radius, point
        return math.floor(x / radius), math.floor(y / radius), math.floor(z / radius)

    def put(self, key: Key, point: Point) -> None:
        """Wherever it was before."""
        self.drop(key)
        self.points[key] = point
        self._cells.setdefault(self.cell(point), set()).add(key)

    def drop(self, key: Key) -> None:
        point = self.points.pop(key, None)
        if point is not None:
            cell = self.cell(point)
            self._cells[cell].discard(key)
            if not self._cells[cell]:
                del self._cells[cell]

    def neighbour_cells(self, point: Point) -> Iterator[tuple[int, int, int]]:
        """The cells that hold whatever is within the radius."""
        x, y, z = self.cell(point)
        return ((x + dx, y + dy, z + dz) for dx, dy, dz in NEIGHBOURS)

    def keys_in(self, cell: tuple[int, int, int]) -> set[Key]:
        return self._cells.get(cell, set())

    def near(self, point: Point, radius: float) -> Iterator[tuple[float, Key]]:
        """(distance, name) of every point at most ``radius`` away, in no order."""
        assert radius <= self.radius, "cells are too small for this radius"
        x, y, z = self.cell(point)
        cells = self._cells.get
        for dx, dy, dz in NEIGHBOURS:
            for key in cells((x + dx, y + dy, z + dz), ()):
                apart = math.dist(point, self.points[key])
                if apart <= radius:
                    yield apart, key


class Neighbours:
    """Points in order along the axis on which they spread most."""

    def __init__(self, points: Mapping[int, Point]) -> None:
        self.points = points
        spread = [max(axis) - min(axis) for axis in zip(*points.values(), strict=True)] if points else [0.0]
        self.axis = spread.index(max(spread))
        self.order = sorted((point[self.axis], key) for key, point in points.items())

    def nearest(self, point: Point, count: int, least: float, most: float) -> list[tuple[float, int]]:
        """(distance, name) of the nearest ``count`` points from ``least`` to ``most`` um away, nearest first; a point
        at ``point`` itself is none."""
        found: list[tuple[float, int]] = []
        here = point[self.axis]
        at = bisect.bisect_left(self.order, (here, -1))
        for side in (itertools.islice(self.order, at, None), reversed(self.order[:at])):
            for along, key in side:
                bound = -found[0][0] if len(found) == count else most
                if abs(along - here) > bound:
                    break
                apart = math.dist(point, self.points[key])
                if apart > 0 and least <= apart <= bound:
                    heapq.heappush(found, (-apart, key))
                    if len(found) > count:
                        heapq.heappop(found)
        return sorted((-apart, key) for apart, key in found)


DENSE = 64
"""In a cell of more points than this no single point is looked at."""


class Busy:
    """Until when what is within a radius of a point is busy. In a cell with many points all count, also those a little
    further away: a gate then starts later than it could, never too early."""

    def __init__(self, radius: float) -> None:
        self.cells: Cells[int] = Cells(radius)
        self.until: dict[int, float] = {}
        self.latest: dict[tuple[int, int, int], float] = {}

    def put(self, key: int, point: Point, until: float) -> None:
        """``until`` does not fall."""
        self.cells.put(key, point)
        self.until[key] = until
        cell = self.cells.cell(point)
        self.latest[cell] = max(until, self.latest.get(cell, 0.0))

    def near(self, point: Point, since: float) -> Iterator[tuple[int | None, float]]:
        """(name, until when) of points that are busy after ``since`` and perhaps near; None for a whole cell."""
        for cell in self.cells.neighbour_cells(point):
            if self.latest.get(cell, 0.0) <= since:
                continue
            keys = self.cells.keys_in(cell)
            if len(keys) > DENSE:
                yield None, self.latest[cell]
            else:
                yield from ((key, self.until[key]) for key in keys if self.until[key] > since)
