"""A timeline: a row for each atom, a bar for each op, waits pale, moves and measurements in colours of their own.

A pulse of 0.3 us and a move of 400 us do not fit on one axis. Where the stretches between two events differ by more
than ``EVEN``, each is drawn as wide as the logarithm of its length, and the axis says so. A picture of a given width is
folded into strips. No text meets another: what has no room is shortened or left out, and stands in full in a title.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from qmk.drawing.labels import Room, box_of, fit, paragraph
from qmk.drawing.scene import INK, PALE, Line, Mark, Rect, Scene, Text, text_width
from qmk.models.atoms.timeline import Entry, Timeline
from qmk.qvm.families import OPS

COLOURS = {
    "one qubit": "#3565a8",
    "several qubits": "#d98032",
    "move": "#a3487a",
    "wait": "#a8a8a066",
    "measurement": "#4d9a58",
    "reset": "#7a6bb5",
    "evolution": "#4a9aa5",
}
ON_BAR = "#fdfdfd"
"""Ink of texts on bars, on every page; the white of paper is dark on dark ones."""
EVEN = 40.0
ROW, TOP, LEAST_WIDTH, MOST_WIDTH = 20.0, 34.0, 480.0, 2400.0
MOST_ROWS = 256
MOST_EVENTS = 4000


def kind(entry: Entry) -> str:
    """What the entry is, as the legend calls it."""
    if entry.op in ("atoms.wait", "atoms.move"):
        return entry.op.partition(".")[2]
    op_class = OPS[entry.op].op_class if entry.op in OPS else ""
    named = {"measure": "measurement", "reset": "reset", "evolution": "evolution"}.get(op_class)
    return named or ("one qubit" if len(entry.atoms) == 1 else "several qubits")


class _Strip(NamedTuple):
    """The part of the timeline between two distances from its begin, in pixels; ``rows``: the atoms that do something
    there, by the row of each; of a timeline in one strip all."""

    low: float
    high: float
    left: float
    top: float
    rows: dict[str, int]

    @property
    def bottom(self) -> float:
        return self.top + ROW * len(self.rows)

    def clip(self, start: float, end: float) -> tuple[float, float] | None:
        """Where what lies between two distances stands in the picture; None where it is not in the strip."""
        if start >= self.high or end <= self.low:
            return None
        aside = self.left - self.low
        return max(start, self.low) + aside, min(end, self.high) + aside


def gantt(timeline: Timeline, title: str, width: float | None = None) -> Scene:
    """The timeline of atoms in order of their first op, folded to ``width`` pixels if one is given. Beyond
    ``MOST_ROWS`` atoms or ``MOST_EVENTS`` ops the rest is left out, and the picture says how much."""
    entries, atoms, left = _rows(timeline, width)
    shown = atoms[:MOST_ROWS]
    room = None if width is None else width - left - 20
    x_at, length, even = _scale(entries, room)
    total = width or max(left + length + 20, 40 + text_width(title, 13))
    marks: list[Mark] = [mark for mark in [fit(Text(8, 20, title, size=13, bold=True), total - 16)] if mark]
    top = TOP
    for strip in _strips(entries, shown, x_at, (left, top, length, room or length)):
        marks += _names(strip)
        marks += _axis(entries, x_at, strip)
        marks += (mark for row in entries for mark in _links(row, strip, x_at))
        marks += (mark for row in entries for mark in _bar(row, strip, x_at))
        top = strip.bottom + 28
    unit = "us" if even else "us; long stretches are shortened"
    unit += "" if length <= (room or length) else "; a strip leaves out atoms that do nothing in it but wait"
    notes = paragraph(unit, 12, top + 6, total - 16, fill="#777777")
    gone = len(timeline.timeline) - len(entries), len(atoms) - len(shown)
    if any(gone):
        text = f"left out: {gone[0]} ops, {gone[1]} atoms"
        notes += paragraph(text, 12, top + 6 + 14 * len(notes), total - 16, fill="#b0483c")
    legend, below = _legend([*dict.fromkeys(kind(row) for row in entries)], top + 2 + 14 * len(notes), total)
    return Scene(total, below, title, (*marks, *notes, *legend))


def _rows(timeline: Timeline, width: float | None) -> tuple[Sequence[Entry], list[str], float]:
    """The ops that are drawn, all atoms, and the pixels that the names of those take."""
    entries = timeline.timeline[:MOST_EVENTS]
    atoms = list(dict.fromkeys([*timeline.sites, *(atom for row in entries for atom in row.atoms)]))
    longest = 16 + max((text_width(atom) for atom in atoms[:MOST_ROWS]), default=0)
    return entries, atoms, min(longest, (width or MOST_WIDTH) / 4)


def knots(timeline: Timeline) -> list[tuple[float, float]]:
    """Times in us of a timeline in one strip and where they stand in pixels; between them its axis is even."""
    entries, _, left = _rows(timeline, None)
    x_at, _, _ = _scale(entries, None)
    return [(time, left + x_at(time)) for time in _events(entries)]


def _strips(
    entries: Sequence[Entry], atoms: Sequence[str], x_at: Callable[[float], float], size: tuple[float, ...]
) -> Iterator[_Strip]:
    left, top, length, room = size
    for k in range(max(1, math.ceil(length / room - 1e-9))):
        low, high = k * room, (k + 1) * room
        there = [row for row in entries if x_at(row.start_us) < high and x_at(row.end_us) > low]
        busy = {atom for row in there if kind(row) != "wait" for atom in row.atoms} if length > room else set(atoms)
        strip = _Strip(low, min(high, length), left, top, {a: at for at, a in enumerate(a for a in atoms if a in busy)})
        yield strip
        top = strip.bottom + 28


def _names(strip: _Strip) -> Iterator[Mark]:
    for atom, row in strip.rows.items():
        mark = fit(Text(strip.left - 6, strip.top + ROW * row + 14, atom, "end"), strip.left - 10)
        yield from [mark] if mark is not None else []


def _scale(entries: Sequence[Entry], room: float | None) -> tuple[Callable[[float], float], float, bool]:
    """How far from the begin a time stands, the length of all, and whether the axis is even."""
    times = _events(entries)
    steps = [b - a for a, b in pairwise(times)]
    least_length = LEAST_WIDTH if room is None else room
    if not steps:
        return (lambda _t: 0.0), least_length, True
    least = min(steps)
    even = max(steps) <= EVEN * least
    sizes = steps if even else [1 + math.log2(step / least) for step in steps]
    per = 26.0 if even else 12.0
    length = min(MOST_WIDTH, max(least_length, per * sum(sizes) / (least if even else 1.0)))
    places = [0.0]
    for size in sizes:
        places.append(places[-1] + length * size / sum(sizes))

    def x_at(time: float) -> float:
        at = min(max(bisect.bisect_right(times, time) - 1, 0), len(steps) - 1)
        share = (time - times[at]) / steps[at]
        return places[at] + share * (places[at + 1] - places[at])

    return x_at, length, even


def _events(entries: Sequence[Entry]) -> list[float]:
    """Times at which something begins or ends, to a nanosecond."""
    return sorted({0.0, *(round(t, 3) for row in entries for t in (row.start_us, row.end_us))})


def _axis(entries: Sequence[Entry], x_at: Callable[[float], float], strip: _Strip) -> list[Mark]:
    """Events with their times, as many as have room; the last of the strip has."""
    marks: list[Mark] = []
    times = [time for time in _events(entries) if strip.low - 1e-6 <= x_at(time) <= strip.high + 1e-6]
    room = Room()
    for time in [*times[-1:], *times[:-1]]:
        x = strip.left + x_at(time) - strip.low
        mark = Text(x, strip.bottom + 16, f"{time:.6g}", "middle", 10)
        box = box_of(mark)
        wide = box._replace(left=box.left - 4, right=box.right + 4)
        if room.is_free(wide):
            room.take(wide)
            marks += [Line(x, strip.top, x, strip.bottom + 4, PALE, 0.5), mark]
    return [*marks, Line(strip.left, strip.bottom, strip.left + strip.high - strip.low, strip.bottom, PALE)]


def _links(row: Entry, strip: _Strip, x_at: Callable[[float], float]) -> Iterator[Mark]:
    """What joins the atoms of an op, under the bars."""
    shown = [strip.rows[atom] for atom in row.atoms if atom in strip.rows]
    seen = strip.clip(x_at(row.start_us), x_at(row.end_us))
    if seen is not None and kind(row) == "several qubits" and len(shown) > 1:
        x = sum(seen) / 2
        ends = (strip.top + ROW * (at + 0.5) for at in (min(shown), max(shown)))
        yield Line(x, next(ends), x, next(ends), COLOURS["several qubits"], 1.5)


def _bar(row: Entry, strip: _Strip, x_at: Callable[[float], float]) -> Iterator[Mark]:
    seen = strip.clip(x_at(row.start_us), max(x_at(row.end_us), x_at(row.start_us) + 2.0))
    if seen is None:
        return
    x, width = seen[0], seen[1] - seen[0]
    what, name = kind(row), row.op.partition(".")[2]
    told = f"{row.node}: {row.op}, {row.start_us:g} to {row.end_us:g} us"
    for at in (strip.rows[atom] for atom in row.atoms if atom in strip.rows):
        height = 6 if what == "wait" else ROW - 5
        y = strip.top + ROW * at + (ROW - height) / 2
        yield Rect(x, y, width, height, COLOURS[what], title=told)
        label = fit(Text(x + width / 2, y + 11, name, "middle", 9, fill=ON_BAR), width - 3, 2)
        if what != "wait" and label is not None:
            yield label


def _legend(names: Sequence[str], y: float, width: float) -> tuple[list[Mark], float]:
    """The marks, and where the picture ends."""
    marks: list[Mark] = []
    x = 12.0
    for name in names:
        wide = 26 + text_width(name)
        if x > 12 and x + wide > width:
            x, y = 12.0, y + 18
        marks += [Rect(x, y, 12, 12, COLOURS[name], PALE), Text(x + 17, y + 10, name, fill=INK)]
        x += wide
    return marks, y + 22
