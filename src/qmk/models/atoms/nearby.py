"""Points in cells, so that the neighbours of one are found without looking at all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
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

    def _cell(self, point: Point) -> tuple[int, int, int]:
        x, y, z = (math.floor(value / self.radius) for value in point)
        return x, y, z

    def put(self, key: Key, point: Point) -> None:
        """Wherever it was before."""
        self.drop(key)
        self.points[key] = point
        self._cells.setdefault(self._cell(point), set()).add(key)

    def drop(self, key: Key) -> None:
        point = self.points.pop(key, None)
        if point is not None:
            cell = self._cell(point)
            self._cells[cell].discard(key)
            if not self._cells[cell]:
                del self._cells[cell]

    def near(self, point: Point, radius: float) -> Iterator[tuple[float, Key]]:
        """(distance, name) of every point at most ``radius`` away, in no order."""
        assert radius <= self.radius, "cells are too small for this radius"
        x, y, z = self._cell(point)
        for dx, dy, dz in NEIGHBOURS:
            for key in self._cells.get((x + dx, y + dy, z + dz), ()):
                apart = math.dist(point, self.points[key])
                if apart <= radius:
                    yield apart, key
