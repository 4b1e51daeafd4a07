"""Values that settle as a job goes on, with the error bars that they had, drawn without another package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qmk.drawing import axes
from qmk.drawing.axes import Axis
from qmk.drawing.scene import PALE, Circle, Line, Mark, Path, Rect, Scene, Text, text_width
from qmk.drawing.theme import COLOURS, wrong

WIDTH, HEIGHT = 560.0, 260.0
RIGHT, TOP, BOTTOM = 26.0, 12.0, 40.0
CAP = 3.0
MARKED = 40
"""Most points of a curve; of more, every so many."""


class Point(NamedTuple):
    """A value after so many shots, and one standard error of it."""

    shots: int
    value: float
    error: float


def settling(curves: Mapping[str, Sequence[Point]], label: str) -> Scene:
    """Each curve by its name, a bar of one standard error up and down at each point. Raises INVALID_PARAMS for no
    points, and for more curves than there are colours."""
    points = [point for row in curves.values() for point in row]
    if not points or len(curves) > len(COLOURS):
        raise wrong("curves", f"must be 1 to {len(COLOURS)}, with points", "draw those that have some")
    low = min(point.value - point.error for point in points)
    high = max(point.value + point.error for point in points)
    pad = 0.06 * (high - low) or 0.05
    y = Axis(low - pad, high + pad, HEIGHT - BOTTOM, TOP)
    ticks = y.upwards()
    left = 16 + axes.widest(ticks)
    x = Axis(0, max(point.shots for point in points), left, WIDTH - RIGHT)
    marks: list[Mark] = [*axes.left_of(y, left, ticks, x.end), *axes.below(x, y.start, x.across())]
    marks.append(Text((left + x.end) / 2, HEIGHT - 8, "shots", "middle", axes.TICK))
    for k, row in enumerate(curves.values()):
        marks += _curve(row, x, y, COLOURS[k])
    at, down = left, HEIGHT + 4.0
    for k, name in enumerate(curves):
        wide = 24 + text_width(name, 10)
        at, down = (left, down + 17) if at > left and at + wide > WIDTH else (at, down)
        marks += [Rect(at, down, 12, 12, COLOURS[k]), Text(at + 17, down + 10, name, size=10)]
        at += wide
    title = f"{label} after so many shots, with one standard error: " + ", ".join(
        f"{name} {row[-1].value:.4g} ± {row[-1].error:.2g}" for name, row in curves.items() if row
    )
    return Scene(WIDTH, down + 18, title, tuple(marks))


def _curve(row: Sequence[Point], x: Axis, y: Axis, colour: str) -> list[Mark]:
    step = -(-len(row) // MARKED)
    shown = [point for at, point in enumerate(reversed(row)) if at % step == 0][::-1]
    marks: list[Mark] = []
    for point in shown:
        at, low, high = x.at(point.shots), y.at(point.value - point.error), y.at(point.value + point.error)
        marks.append(Line(at, low, at, high, colour))
        marks += [Line(at - CAP, end, at + CAP, end, colour) for end in (low, high)]
        marks.append(Circle(at, y.at(point.value), 2.2, colour, title=f"{point.value:.6g} ± {point.error:.2g}"))
    if len(shown) > 1:
        marks.append(Path(tuple((x.at(point.shots), y.at(point.value)) for point in shown), colour, 1.3))
    if not marks:
        marks.append(Line(x.start, y.start, x.start, y.start, PALE))
    return marks
