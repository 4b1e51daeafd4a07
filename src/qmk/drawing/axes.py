"""Axes: values as pixels, and ticks at round values that have room for their labels."""

from __future__ import annotations

import math
from typing import NamedTuple

from qmk.drawing.scene import INK, PALE, Line, Mark, Text, text_width

TICK = 10.0
"""Pixels of a tick's label."""


class Axis(NamedTuple):
    """Values from ``low`` to ``high`` as pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def across(self) -> list[float]:
        """Ticks of an axis from left to right, as many as have room for their labels."""
        for step in _steps(self.high - self.low):
            found = _multiples(self.low, self.high, step)
            room = step * abs(self.end - self.start) / (self.high - self.low)
            if max((text_width(label(value), TICK) for value in found), default=0.0) + TICK <= room:
                return found
        return [self.low]

    def upwards(self) -> list[float]:
        """Ticks of an axis from bottom to top."""
        for step in _steps(self.high - self.low):
            if step * abs(self.end - self.start) / (self.high - self.low) >= 1.6 * TICK:
                return _multiples(self.low, self.high, step)
        return [self.low]


def label(value: float) -> str:
    return f"{value:.10g}".replace("-", "−") if value else "0"


def _steps(length: float) -> list[float]:
    """Steps of 1, 2 and 5 times a power of ten, from a hundredth of ``length`` up to all of it."""
    power = math.floor(math.log10(length)) - 2
    steps = [factor * 10.0**exponent for exponent in range(power, power + 4) for factor in (1, 2, 5)]
    return [step for step in steps if step <= 1.0001 * length]


def _multiples(low: float, high: float, step: float) -> list[float]:
    ease = 1e-9 * (high - low)
    first, last = math.ceil((low - ease) / step), math.floor((high + ease) / step)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def widest(values: list[float]) -> float:
    """Pixels that the labels of these ticks take."""
    return max((text_width(label(value), TICK) for value in values), default=0.0)


def below(axis: Axis, y: float, ticks: list[float]) -> list[Mark]:
    """The axis at ``y`` with its labels below."""
    marks: list[Mark] = [Line(axis.start, y, axis.end, y, INK)]
    for value in ticks:
        x = axis.at(value)
        marks += [Line(x, y, x, y + 4), Text(x, y + 15, label(value), "middle", TICK)]
    return marks


def left_of(axis: Axis, x: float, ticks: list[float], to_x: float) -> list[Mark]:
    """Labels left of ``x`` and pale lines from there to ``to_x``, that of 0 in ink."""
    marks: list[Mark] = []
    for value in ticks:
        y = axis.at(value)
        marks.append(Line(x, y, to_x, y, PALE, 0.5 if value else 1.0))
        marks.append(Text(x - 5, y + 3.5, label(value), "end", TICK))
    return marks
