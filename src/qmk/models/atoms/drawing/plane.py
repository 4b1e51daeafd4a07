"""The plane of the atoms in windows: um as pixels, equal in x and y, long arrays folded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from qmk.drawing import axes
from qmk.drawing.axes import Axis

LOW, NARROW = 76.0, 110.0
"""Least pixels of a window's height and of its width."""
HEIGHTS = ((1, 140.0), (64, 300.0))
HIGHEST = 460.0
"""Most pixels of a window's height, with up to so many atoms, and with more."""
APART, MOST_WINDOWS = 16.0, 12
"""Pixels that neighbours should be apart; a long array is folded into windows until they are."""

Point = tuple[float, float]


class View:
    """The plane in one or more windows of equal size and scale, one after the other along the longer side of the
    array. ``apart``: pixels between neighbours."""

    scale = 1.0
    size = 0.0, 0.0

    def __init__(self, points: Sequence[Point], vacant: Sequence[Point], radius: float, width: float) -> None:
        places = [*points, *vacant]
        spacing = _spacing(points) or max(min(radius, 10.0), 1.0)
        self._pad = 0.8 * spacing
        ends = [(min(p[axis] for p in places), max(p[axis] for p in places)) for axis in (0, 1)]
        reach = 2.1 * radius + spacing if radius <= 3 * spacing and len(points) > 1 else 0.0
        inner = [b - a for a, b in ends]
        self._long = 0 if inner[0] >= inner[1] else 1
        self.left = 14 + axes.widest([-9999.0, *map(round, ends[1])])
        highest = next((pixels for atoms, pixels in HEIGHTS if len(points) <= atoms), HIGHEST)
        most = max(1, int((width - 10) / (NARROW + self.left))) if self._long else MOST_WINDOWS
        for count in range(1, most + 1):
            part = [max(length + 2 * self._pad, reach) for length in inner]
            if count > 1:
                part[self._long] = inner[self._long] / count + 2 * self._pad
            column = (width - 10) / (count if self._long else 1) - self.left
            self.scale = min(column / part[0], highest / part[1], 40.0)
            self.size = max(min(NARROW, column), self.scale * part[0]), max(LOW, self.scale * part[1])
            if self.scale * spacing >= APART or (self._long == 0 and self.scale * part[1] >= highest - 1):
                break
        self.apart = self.scale * spacing
        self._um = self.size[0] / self.scale, self.size[1] / self.scale
        self._middle = [(a + b) / 2 for a, b in ends]
        self._parts = self._fold(sorted({p[self._long] for p in places}), self._um[self._long])

    def _fold(self, values: Sequence[float], length: float) -> list[tuple[float, float, float]]:
        """For each window where it begins along the longer side, and between which bounds it shows what there is: no
        bound is at an atom. There are never more windows than the length was divided by."""
        if values[-1] - values[0] + 2 * self._pad <= length * (1 + 1e-9):
            return [(self._middle[self._long] - length / 2, -math.inf, math.inf)]
        parts: list[tuple[float, float, float]] = []
        low, at = -math.inf, 0
        while at < len(values):
            start = values[at] - self._pad
            end = at
            while end < len(values) and values[end] <= start + length - self._pad + 1e-9 * length:
                end += 1
            end = max(end, at + 1)
            high = (values[end - 1] + values[end]) / 2 if end < len(values) else math.inf
            parts.append((start, low, min(high, start + length)))
            low, at = max(high, values[end] - self._pad) if end < len(values) else high, end
        return parts

    def windows(self) -> Iterator[Window]:
        for k, (start, low, high) in enumerate(self._parts):
            corner = [self._middle[0] - self._um[0] / 2, self._middle[1] - self._um[1] / 2]
            corner[self._long] = start
            left = self.left + (k * (self.size[0] + self.left) if self._long else 0.0)
            top = 0.0 if self._long else k * (self.size[1] + 26)
            x = Axis(corner[0], corner[0] + self._um[0], left, left + self.size[0])
            y = Axis(corner[1], corner[1] + self._um[1], top + self.size[1], top)
            bounds = [(x.low, x.high), (y.low, y.high)]
            bounds[self._long] = max(bounds[self._long][0], low), min(bounds[self._long][1], high)
            yield Window(x, y, (bounds[0], bounds[1]))

    def bottom(self) -> float:
        """Pixels that the windows and the labels of their axes take."""
        return (1 if self._long else len(self._parts)) * (self.size[1] + 26)


def _spacing(points: Sequence[Point]) -> float:
    """The median of the distances to the nearest neighbour, in um; 0 for one atom."""
    return median(
        min((math.dist(p, q) for k, q in enumerate(points) if k != at), default=0.0) for at, p in enumerate(points)
    )


class Window(NamedTuple):
    """A part of the plane: its axes, in um and pixels, and the um in x and y between which it shows something."""

    x: Axis
    y: Axis
    bounds: tuple[Point, Point]

    def place(self, point: Point) -> Point:
        return self.x.at(point[0]), self.y.at(point[1])

    def shows(self, point: Point) -> bool:
        return all(low <= value <= high for value, (low, high) in zip(point, self.bounds, strict=True))

    def clip(self, a: Point, b: Point) -> tuple[Point, Point] | None:
        """The part of the line from ``a`` to ``b`` that the window shows, in um (Liang and Barsky)."""
        first, last = 0.0, 1.0
        for start, end, (low, high) in zip(a, b, self.bounds, strict=True):
            step = end - start
            if step:
                near, far = sorted(((low - start) / step, (high - start) / step))
                first, last = max(first, near), min(last, far)
            elif not low <= start <= high:
                return None
        if first >= last:
            return None
        dx, dy = b[0] - a[0], b[1] - a[1]
        return (a[0] + first * dx, a[1] + first * dy), (a[0] + last * dx, a[1] + last * dy)
