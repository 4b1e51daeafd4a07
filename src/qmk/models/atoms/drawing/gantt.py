"""A timeline: a row for each atom, a bar for each op, waits pale, moves and measurements in colours of their own.

A pulse of 0.3 us and a move of 400 us do not fit on one axis. Where the stretches between two events differ by more
than ``EVEN``, each is drawn as wide as the logarithm of its length, and the axis says so.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from qmk.drawing.scene import INK, PALE, Line, Mark, Rect, Scene, Text, text_width
from qmk.models.atoms.timeline import Entry, Timeline
from qmk.qvm.families import OPS

COLOURS = {
    "one qubit": "#3565a8",
    "several qubits": "#d98032",
    "move": "#a3487a",
    "wait": "#e6e6e0",
    "measurement": "#4d9a58",
    "reset": "#7a6bb5",
    "evolution": "#4a9aa5",
}
EVEN = 40.0
ROW, TOP, LEAST_WIDTH, MOST_WIDTH = 20, 34, 480, 2400
MOST_ROWS = 256
MOST_EVENTS = 4000


def kind(entry: Entry) -> str:
    """What the entry is, as the legend calls it."""
    if entry.op in ("atoms.wait", "atoms.move"):
        return entry.op.partition(".")[2]
    op_class = OPS[entry.op].op_class if entry.op in OPS else ""
    named = {"measure": "measurement", "reset": "reset", "evolution": "evolution"}.get(op_class)
    return named or ("one qubit" if len(entry.atoms) == 1 else "several qubits")


def gantt(timeline: Timeline, title: str) -> Scene:
    """The timeline of atoms in order of their first op. Beyond ``MOST_ROWS`` atoms or ``MOST_EVENTS`` ops the rest is
    left out, and the picture says how much."""
    entries = timeline.timeline[:MOST_EVENTS]
    atoms = list(dict.fromkeys([*timeline.sites, *(atom for row in entries for atom in row.atoms)]))
    rows = {atom: k for k, atom in enumerate(atoms[:MOST_ROWS])}
    left = 16 + max((text_width(atom) for atom in rows), default=0)
    x_at, width, even = _scale(entries, left)
    bottom = TOP + ROW * len(rows)
    marks: list[Mark] = [Text(8, 20, title, size=13, bold=True)]
    for atom, k in rows.items():
        marks.append(Text(left - 6, TOP + ROW * k + 14, atom, "end"))
    marks += _axis(entries, x_at, left + width, bottom)
    for row in entries:
        marks += _bar(row, rows, x_at)
    unit = "us" if even else "us; long stretches are shortened"
    marks.append(Text(left, bottom + 34, unit, size=10, fill="#666666"))
    gone = len(timeline.timeline) - len(entries), len(atoms) - len(rows)
    if any(gone):
        marks.append(
            Text(left + 220, bottom + 34, f"left out: {gone[0]} ops, {gone[1]} atoms", size=10, fill="#b0483c")
        )
    total = max(left + width + 20, 40 + text_width(title, 13))
    legend, below = _legend([*dict.fromkeys(kind(row) for row in entries)], bottom + 44, total)
    return Scene(total, below, title, (*marks, *legend))


def _scale(entries: Sequence[Entry], left: float) -> tuple[Callable[[float], float], float, bool]:
    """Where a time stands, the width of all, and whether the axis is even."""
    times = _events(entries)
    steps = [b - a for a, b in pairwise(times)]
    if not steps:
        return (lambda _t: left), LEAST_WIDTH, True
    least = min(steps)
    even = max(steps) <= EVEN * least
    sizes = steps if even else [1 + math.log2(step / least) for step in steps]
    per = 26.0 if even else 12.0
    width = min(MOST_WIDTH, max(LEAST_WIDTH, per * sum(sizes) / (least if even else 1.0)))
    places = [left]
    for size in sizes:
        places.append(places[-1] + width * size / sum(sizes))

    def x_at(time: float) -> float:
        at = min(max(bisect.bisect_right(times, time) - 1, 0), len(steps) - 1)
        share = (time - times[at]) / steps[at]
        return places[at] + share * (places[at + 1] - places[at])

    return x_at, width, even


def _events(entries: Sequence[Entry]) -> list[float]:
    """Times at which something begins or ends, to a nanosecond."""
    return sorted({0.0, *(round(t, 3) for row in entries for t in (row.start_us, row.end_us))})


def _axis(entries: Sequence[Entry], x_at: Callable[[float], float], right: float, bottom: float) -> list[Mark]:
    """Events with their times, as many as have room."""
    marks: list[Mark] = []
    free, times = 0.0, _events(entries)
    last = x_at(times[-1]) - text_width(f"{times[-1]:.6g}", 10)
    for time in times:
        x, text = x_at(time), f"{time:.6g}"
        half = text_width(text, 10) / 2
        if x - half >= free and (x + half < last or time == times[-1]):
            marks += [Line(x, TOP, x, bottom + 4, "#dddddd"), Text(x, bottom + 16, text, "middle", 10)]
            free = x + text_width(text, 10) / 2 + 8
    return [*marks, Line(x_at(0.0), bottom, right, bottom, PALE)]


def _bar(row: Entry, rows: dict[str, int], x_at: Callable[[float], float]) -> list[Mark]:
    x = x_at(row.start_us)
    width = max(x_at(row.end_us) - x, 2.0)
    what, name = kind(row), row.op.partition(".")[2]
    told = f"{row.node}: {row.op}, {row.start_us:g} to {row.end_us:g} us"
    shown = [rows[atom] for atom in row.atoms if atom in rows]
    marks: list[Mark] = []
    if what == "several qubits" and len(shown) > 1:
        y = TOP + ROW * min(shown) + ROW / 2
        marks.append(Line(x + width / 2, y, x + width / 2, TOP + ROW * max(shown) + ROW / 2, COLOURS[what], 1.5))
    for k in shown:
        height = 6 if what == "wait" else ROW - 5
        y = TOP + ROW * k + (ROW - height) / 2
        marks.append(Rect(x, y, width, height, COLOURS[what], title=told))
        if what != "wait" and width >= text_width(name, 9) + 4:
            marks.append(Text(x + width / 2, y + 11, name, "middle", 9, fill="#ffffff"))
    return marks


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
