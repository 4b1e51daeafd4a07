"""An analog program as experimenters draw it: its light over time, what happens between evolutions, and the atoms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from qmk.drawing import axes
from qmk.drawing.axes import Axis
from qmk.drawing.labels import Room, box_of, fit, paragraph
from qmk.drawing.scene import INK, PALE, PAPER, Line, Mark, Path, Polygon, Rect, Scene, Text, move_mark
from qmk.models.atoms.drawing import register
from qmk.models.atoms.drawing.course import (
    UNITS,
    Course,
    Curve,
    Points,
    course,
    details,
    heading,
    name_of,
    stretch_label,
    summary,
    value_range,
)
from qmk.qvm.graph import Graph

WIDTH = 680.0
"""Pixels of a picture, unless another width is asked for: a column of paper."""
BESIDE, ASIDE = 900.0, 0.42
"""From this width on the atoms stand beside the light, and take this share of the width."""
COLOURS = {"amplitude": "#4d9a58", "detuning": "#8577c4", "phase": "#d98032"}
HEIGHTS = {"amplitude": 70.0, "detuning": 70.0, "phase": 40.0}
SHADE = "40"
"""Opacity of the area below a curve, of 255, in hexadecimal."""
TITLE, HEADING, GAP = 26.0, 17.0, 14.0
LANES, LANE = 4, 14.0
"""Most rows of labels above the panels, and the pixels of one."""
MOST_CHANNELS, MOST_BLOCKS = 24, 12
EVENT, MEASURED = "#c8594d", "#4d9a58"


class _Panel(NamedTuple):
    """A curve with its axis upwards, whose pixels count from the top of all panels. ``heading`` of its channel, if it
    is the first panel of one."""

    curve: Curve
    axis: Axis
    heading: str


def draw(graph: Graph, title: str = "", width: float | None = None) -> Scene:
    """The picture of a program with evolutions, ``width`` pixels wide. Curves are the fields of the program as they
    are; where there are more knots than pixels, each pixel has its extremes."""
    width = width or WIDTH
    program = course(graph)
    name = title or name_of(program)
    wave_width = width if width < BESIDE else width * (1 - ASIDE)
    light, bottom, _ = _light(program, wave_width)
    marks: list[Mark] = [mark for mark in [fit(Text(8, 18, name, size=13, bold=True), width - 16)] if mark]
    marks += (move_mark(mark, 0, TITLE) for mark in light)
    bottom += TITLE
    beside = width >= BESIDE
    arrays, height = _arrays(graph, program, width - wave_width if beside else width)
    marks += (move_mark(mark, wave_width if beside else 0.0, TITLE if beside else bottom + 8) for mark in arrays)
    return Scene(width, max(bottom, TITLE + height) if beside else bottom + 8 + height, name, tuple(marks))


def _arrays(graph: Graph, program: Course, width: float) -> tuple[list[Mark], float]:
    """The atoms, two blocks a row where there are several and room for them, and the height of all."""
    found = register.blocks(graph, program)
    columns = 2 if len(found) > 1 and width >= 560 else 1
    marks: list[Mark] = []
    y = 0.0
    for first in range(0, min(len(found), MOST_BLOCKS), columns):
        row = [register.draw(block, width / columns) for block in found[first : first + columns]]
        for k, scene in enumerate(row):
            marks += (move_mark(mark, k * width / columns, y) for mark in scene.marks)
        y += max(scene.height for scene in row) + 8
    if len(found) > MOST_BLOCKS:
        marks.append(Text(8, y + 8, f"{len(found) - MOST_BLOCKS} more are left out", size=10, fill=EVENT))
        y += 16
    return marks, y


def light(program: Course, width: float) -> tuple[Scene, Axis]:
    """The light alone, and its axis of time."""
    marks, bottom, time = _light(program, width)
    return Scene(width, bottom, name_of(program), tuple(marks)), time


def _light(program: Course, width: float) -> tuple[list[Mark], float, Axis]:
    panels, bottom = _panels(program)
    left = 12 + max((axes.widest(panel.axis.upwards()) for panel in panels), default=0.0)
    time = Axis(0.0, program.duration, left, width - 14)
    top, labels = _happenings(program, time, bottom)
    marks: list[Mark] = []
    for value in time.across():
        marks.append(Line(time.at(value), 0, time.at(value), bottom, PALE, 0.5))
    for panel in panels:
        marks += _draw_panel(panel, time, width)
    marks += axes.below(time, bottom, time.across())
    told = "time (us)" + ("; gates and measurements take none here" if program.moments else "")
    notes = paragraph(told, left, bottom + 29, width - left - 8)
    if len(program.channels) > MOST_CHANNELS:
        gone = len(program.channels) - MOST_CHANNELS
        notes += paragraph(f"{gone} more drives are left out", left, bottom + 29 + 14 * len(notes), width, fill=EVENT)
    found = [move_mark(mark, 0, top) for mark in (*labels, *marks, *notes)]
    return found, top + bottom + 24 + 14 * len(notes), time


def _panels(program: Course) -> tuple[list[_Panel], float]:
    panels: list[_Panel] = []
    y = 0.0
    for channel in program.channels[:MOST_CHANNELS]:
        for k, curve in enumerate(channel.curves):
            y += HEADING + (HEADING if not k else 0.0)
            low, high = value_range(curve)
            panels.append(_Panel(curve, Axis(low, high, y + HEIGHTS[curve.field], y), "" if k else heading(channel)))
            y = panels[-1].axis.start + GAP - 4
    return panels, max(y, HEADING)


def _draw_panel(panel: _Panel, time: Axis, width: float) -> Iterator[Mark]:
    curve, axis, head = panel
    yield from axes.left_of(axis, time.start, axis.upwards(), time.end)
    if head:
        mark = fit(Text(8, axis.end - HEADING - 5, head, size=11, bold=True), width - 16)
        yield from _on_paper(mark) if mark is not None else ()
    colour = COLOURS[curve.field]
    yield from _on_paper(Text(time.start + 2, axis.end - 5, f"{curve.field} ({UNITS[curve.field]})", size=axes.TICK))
    for piece in curve.pieces:
        points = tuple((time.at(t), axis.at(value)) for t, value in thin(piece, time))
        ends = (points[0][0], axis.at(0.0)), (points[-1][0], axis.at(0.0))
        yield Polygon((ends[0], *points, ends[1]), colour + SHADE)
        yield Path(points, colour, 1.5)


def _on_paper(mark: Text) -> Iterator[Mark]:
    """A text that hides the lines behind it."""
    box = box_of(mark)
    yield Rect(box.left, box.top, box.right - box.left, box.bottom - box.top, PAPER)
    yield mark


def thin(points: Points, time: Axis) -> Points:
    """The points of a curve. Of more than four a pixel the first, last, lowest and highest of each pixel."""
    pixels = time.at(points[-1][0]) - time.at(points[0][0])
    if len(points) <= 4 * max(pixels, 1.0):
        return points
    kept: list[tuple[float, float]] = []
    for _, group in groupby(range(len(points)), lambda k: int(time.at(points[k][0]))):
        rows = list(group)
        lowest = min(rows, key=lambda k: points[k][1])
        highest = max(rows, key=lambda k: points[k][1])
        kept += [points[k] for k in sorted({rows[0], rows[-1], lowest, highest})]
    return tuple(kept)


def _happenings(program: Course, time: Axis, bottom: float) -> tuple[float, list[Mark]]:
    """Lines at what takes no time and at the ends of evolutions, with labels above, and the pixels that these take."""
    room = Room()
    marks: list[Mark] = []
    texts: list[tuple[float, Text]] = []
    for moment in program.moments:
        is_read = all(node.produces for node in moment.nodes)
        colour = MEASURED if is_read else EVENT
        texts.append((moment.time, Text(0, 0, summary(moment), size=10, fill=colour, title=details(moment))))
    if len(program.stretches) > 1:
        marks += [Line(time.at(s.start), 0, time.at(s.start), bottom, INK, 0.5) for s in program.stretches[1:]]
        texts += [(s.start + (s.end - s.start) / 2, Text(0, 0, stretch_label(s), size=10)) for s in program.stretches]
    lanes, labels = 0, list[Mark]()
    for at, text in sorted(texts, key=lambda row: row[0]):
        x = time.at(at)
        lane, placed = _place(text, x, room, time)
        lanes = max(lanes, lane)
        if text.title:
            end = placed.y + 3 if placed is not None else -4.0
            marks.append(Line(x, end, x, bottom, text.fill, 1.5, title=text.title))
        labels += _on_paper(placed) if placed is not None else ()
    return lanes * LANE + 4, [*marks, *labels]


def _place(text: Text, x: float, room: Room, time: Axis) -> tuple[int, Text | None]:
    """The label near ``x`` in the lowest lane that has room for it, shortened if it has to be."""
    for longest in (240.0, 120.0, 60.0):
        short = fit(text, min(longest, time.end - 8), 3)
        if short is None:
            continue
        half = (box_of(short).right - box_of(short).left) / 2
        middle = min(max(x, 8 + half), time.end + 10 - half)
        for lane in range(1, LANES + 1):
            placed = room.put([short._replace(x=middle, y=-4 - (lane - 1) * LANE, anchor="middle")])
            if placed is not None:
                return lane, placed
    return 0, None
