"""An analog program as lines of text: its curves in dots, what happens when, and what there is to say of the atoms."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise

from qmk.drawing.axes import Axis, label
from qmk.models.atoms.drawing import register
from qmk.models.atoms.drawing.course import (
    UNITS,
    Channel,
    Course,
    Curve,
    Points,
    course,
    heading,
    name_of,
    stretch_label,
    summary,
    value_range,
)
from qmk.qvm.graph import Graph

ROWS, ASCII_ROWS = 3, 5
MOST_LINES = 40
"""Most lines on what happens when."""
LEAST_COLUMNS = 12
"""Columns that a curve has at least."""
BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a sign's dots, by row and column (Unicode, Braille Patterns)."""
ASCII = str.maketrans({"│": "|", "┤": "+", "└": "+", "─": "-", "┬": "+", "−": "-", "⁶": "^6", "…": "..."})


def lines(graph: Graph, width: int, ascii_only: bool = False) -> list[str]:
    """The program in at most ``width`` columns."""
    program = course(graph)
    out: list[str] = [name_of(program)]
    margin = max((len(_tick(value)) for c in program.channels for v in c.curves for value in value_range(v)), default=1)
    columns = max(width - margin - 2, LEAST_COLUMNS)
    for channel in program.channels:
        out += _channel(channel, program, margin, columns, ascii_only)
    out += _axis(program, margin, columns)
    out += _happenings(program)
    for block in register.blocks(graph, program):
        out += textwrap.wrap(f"{block.title}: {register.note(block, in_picture=False)}", max(width, 20))
    if ascii_only:
        out = [line.translate(ASCII).encode("ascii", "replace").decode() for line in out]
    return [line if len(line) <= width else line[: width - 1] + ("~" if ascii_only else "…") for line in out]


def _tick(value: float) -> str:
    return label(float(f"{value:.4g}"))


def _channel(channel: Channel, program: Course, margin: int, columns: int, ascii_only: bool) -> Iterator[str]:
    yield heading(channel)
    for curve in channel.curves:
        low, high = value_range(curve)
        yield " " * margin + f"   {curve.field} ({UNITS[curve.field]})"
        rows = _plot(curve, Axis(0.0, program.duration, 0.0, columns), (low, high), ascii_only)
        for at, row in enumerate(rows):
            shown = {0: _tick(high), len(rows) - 1: _tick(low)}.get(at, "")
            yield f"{shown:>{margin}} {'┤' if shown else '│'}{row.rstrip()}"


def _plot(curve: Curve, time: Axis, values: tuple[float, float], ascii_only: bool) -> list[str]:
    """The rows of a curve: with braille, a sign has two columns of four dots."""
    wide, high = (1, 1) if ascii_only else (2, 4)
    rows = ASCII_ROWS if ascii_only else ROWS
    columns = int(time.end)
    level = Axis(*values, rows * high - 1, 0)
    cells = [[0] * columns for _ in range(rows)]
    for piece in curve.pieces:
        for x, (least, most) in spans(piece, time._replace(end=columns * wide)).items():
            for y in range(round(level.at(most)), round(level.at(least)) + 1):
                cells[y // high][x // wide] |= 1 if ascii_only else _DOTS[y % 4][x % 2]
    zero = round(level.at(0.0)) // high
    blank = [" "] * rows
    blank[zero] = "─"
    return [
        "".join(blank[at] if not cell else "*" if ascii_only else chr(BRAILLE + cell) for cell in row)
        for at, row in enumerate(cells)
    ]


def spans(points: Points, time: Axis) -> dict[int, tuple[float, float]]:
    """The lowest and the highest value in each column that the curve crosses."""
    found: dict[int, tuple[float, float]] = {}
    last = int(time.end) - 1
    for (t, value), (until, after) in pairwise(points):
        start, end = time.at(t), time.at(until)
        for x in range(min(int(start), last), min(int(end), last) + 1):
            inside = [min(max(edge, start), end) for edge in (x, x + 1)]
            share = [(edge - start) / (end - start) if end > start else at for at, edge in enumerate(inside)]
            if end > start and share[0] == share[1]:
                continue  # the curve ends where the column begins
            seen = [value + (after - value) * part for part in share]
            low, high = found.get(x, (seen[0], seen[0]))
            found[x] = min(low, *seen), max(high, *seen)
    return found


def _axis(program: Course, margin: int, columns: int) -> list[str]:
    """The axis of time with ticks at round values, and their labels below."""
    time = Axis(0.0, program.duration, 0.0, columns - 1)
    ticks = time._replace(end=7.0 * columns).across()
    ruler, labels = ["─"] * columns, [" "] * (columns + margin + 2)
    free = 0
    for value in ticks:
        x = round(time.at(value))
        ruler[x] = "┬"
        text = label(value)
        start = min(max(margin + 2 + x - len(text) // 2, 0), len(labels) - len(text))
        if start >= free:
            labels[start : start + len(text)] = text
            free = start + len(text) + 1
    unit = " us" if free + 3 <= len(labels) else ""
    shown = "".join(labels).rstrip() + unit
    return [" " * (margin + 1) + "└" + "".join(ruler), shown]


def _happenings(program: Course) -> Sequence[str]:
    rows = [(moment.time, f"{moment.time:.6g} us: {summary(moment)}") for moment in program.moments]
    if len(program.stretches) > 1:
        rows += [(s.start, f"{s.start:.6g} to {s.end:.6g} us: {stretch_label(s)}") for s in program.stretches]
    told = [text for _, text in sorted(rows, key=lambda row: row[0])]
    left_out = len(told) - MOST_LINES
    return told if left_out <= 0 else [*told[:MOST_LINES], f"… {left_out} more"]
