"""The space-time diagram of lattice surgery: patches are blocks that grow upwards in time, merges pipes between them.

The floor is drawn in parallel (isometric) projection, seen from beyond its last row and column and from above. Space is
a grid of tiles and of the seams between them, time a list of stretches; each cell of that grid which holds a patch or a
part of a merge is a box with at most three visible faces. A box can only hide boxes that have no larger index in any of
the three directions, so boxes drawn in the order of (stretch, row, column) cover each other as they should.

A wall has the colour of the products that a patch joins over it: blue Z, red X. The walls of a merge of Z are red, as
they go on from those walls of its patches that join nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qmk.drawing.scene import INK, PALE, PAPER, Line, Mark, Path, Polygon, Scene, Text, move_mark, text_width
from qmk.drawing.shown import Picture
from qmk.models.qec.surgery.floor import Floor
from qmk.models.qec.surgery.program import Inject, Measure, Prepare, Program, Span
from qmk.models.qec.surgery.stretches import FILLS, KETS, ON_FILL, Stretch, legend, product_of, stretches

EDGE, SEAM = 52.0, 42.0
"""Pixels of a tile's edge, which is d qubits, and of the gap that a pipe bridges."""
LOWEST, HIGHEST, LINE = 0.5, 2.0, 13.0
"""Heights of a stretch in code cycles beyond which it is not to scale, and pixels of a line of words."""
COS, SIN = 0.866, 0.5
WALLS = {"Z": ("#7fb2de", "#5f98ca"), "X": ("#f0a392", "#d9826f"), "XZ": ("#b79cd6", "#9a7cc0")}
"""Colours of walls that face the lower right and the lower left."""
CROSSED = {"Z": "X", "X": "Z", "XZ": "XZ"}
LEGEND = (
    ("wall that joins Z", *WALLS["Z"]),
    ("wall that joins X", *WALLS["X"]),
    ("domain wall", *WALLS["XZ"]),
    ("top of a product of Z", FILLS["Z"]),
    ("top of a product of X", FILLS["X"]),
    ("end of a patch", FILLS["idle"]),
)


class Box(NamedTuple):
    """A cell of space-time that is in use. ``row`` and ``col`` are even for tiles and odd for seams; ``walls`` are the
    products that its right and its lower wall join, ``name`` that of the patch in it, ``product`` that of its merge."""

    at: int
    row: int
    col: int
    walls: tuple[str, str]
    name: str = ""
    product: str = ""


def boxes(program: Program, rows: Sequence[Stretch]) -> dict[tuple[int, int, int], Box]:
    """The boxes by (stretch, row, column)."""
    found: dict[tuple[int, int, int], Box] = {}
    patches = program.floor.patches
    for at, stretch in enumerate(rows):
        for name in stretch.patches():
            row, col = 2 * patches[name].row, 2 * patches[name].col
            walls = ("X", "Z") if not patches[name].turned else ("Z", "X")
            found[at, row, col] = Box(at, row, col, walls, name)
        for merge, span in stretch.merges():
            assert span.route is not None
            product = product_of(merge)
            places = [(2 * row, 2 * col) for row, col in span.route.tiles]
            places += [(a[0] + b[0], a[1] + b[1]) for a, b in span.route.joints]
            for row, col in places:
                found[at, row, col] = Box(at, row, col, (CROSSED[product], CROSSED[product]), "", product)
    return dict(sorted(found.items()))


def space_time(program: Program, spans: Sequence[Span] | None = None, cycle: float = 1) -> Picture:
    """The space-time diagram: patches as blocks, merges as pipes, time upwards with what happens beside it. ``spans``
    and ``cycle`` are as in ``slices``. Raises INVALID_PARAMS for more stretches of time than anybody looks at."""
    rows = stretches(program, spans)
    heights, scaled = _heights(rows, cycle)
    found = boxes(program, rows)
    floor = program.floor
    marks: list[Mark] = [*_ground(floor)]
    for box in found.values():
        marks += _faces(box, found, rows, heights)
    unit = "cycle" if cycle == 1 else "round"
    marks += _axis(floor, rows, heights, unit)
    marks += _dimensions(floor)
    left, top = _least(marks)
    marks = [move_mark(mark, 12 - left, 36 - top) for mark in marks]
    right, bottom = _most(marks)
    marks.append(Text(12, 20, program.name, bold=True))
    note = "an edge is d data qubits, a cycle d rounds" + ("" if scaled else "; stretches of time are not to scale")
    marks.append(Text(12, bottom + 22, note, size=10))
    shown, bottom = legend(12, bottom + 34, max(right, 340), LEGEND, marks)
    title = f"{program.name}: space-time diagram of {len(floor.patches)} patches, time upwards"
    scene = Scene(max(right, 340) + 12, bottom + 8, title, (*marks, *shown))
    return Picture(lambda: scene)


def _heights(rows: Sequence[Stretch], cycle: float) -> tuple[list[float], bool]:
    """Pixels above the floor at which each stretch begins, with the end of the last, and whether all are to scale."""
    found, scaled = [0.0], True
    for row in rows:
        length = (row.end - row.start) / cycle
        height = max(min(max(length, LOWEST), HIGHEST) * EDGE, LINE * len(row.captions()) + 4)
        scaled = scaled and abs(height - length * EDGE) < 1e-6
        found.append(found[-1] + height)
    return found, scaled


def _side(index: int) -> tuple[float, float]:
    """Where a row or column of the grid begins and ends, in pixels along the floor."""
    start = index // 2 * (EDGE + SEAM)
    return (start + EDGE, start + EDGE + SEAM) if index % 2 else (start, start + EDGE)


def _place(row: float, col: float, height: float) -> tuple[float, float]:
    """The projection of a place of the floor, lifted."""
    return (col - row) * COS, (col + row) * SIN - height


def _cap(row: int, col: int, height: float) -> tuple[tuple[float, float], ...]:
    (r0, r1), (c0, c1) = _side(row), _side(col)
    return tuple(_place(r, c, height) for r, c in ((r0, c0), (r0, c1), (r1, c1), (r1, c0)))


def _ground(floor: Floor) -> Iterator[Mark]:
    for row in range(floor.rows):
        for col in range(floor.cols):
            yield Polygon(_cap(2 * row, 2 * col, 0.0), PAPER, PALE)


def _faces(
    box: Box, found: dict[tuple[int, int, int], Box], rows: Sequence[Stretch], heights: Sequence[float]
) -> Iterator[Mark]:
    """The faces that are seen: the lower wall, the right one, and the top, unless another box goes on there."""
    at, row, col = box.at, box.row, box.col
    low, high = heights[at], heights[at + 1]
    _, b, c, d = _cap(row, col, high)
    drop = high - low
    under = [(x, y + drop) for x, y in (b, c, d)]
    title = f"{box.name or 'merge'}, {rows[at].start:g} to {rows[at].end:g}"
    if (at, row + 1, col) not in found:
        yield Polygon((d, c, under[1], under[2]), WALLS[box.walls[1]][1], INK, title)
    if (at, row, col + 1) not in found:
        yield Polygon((c, b, under[0], under[1]), WALLS[box.walls[0]][0], INK, title)
    above = found.get((at + 1, row, col))
    ended = [span.op for span in rows[at].ended if span.patches == (box.name,)]
    if above is None or above.name != box.name or ended:
        fill = FILLS[box.product] if box.product else FILLS["idle"]
        yield Polygon(_cap(row, col, high), fill, INK, title)
        if box.name:
            yield from _words(
                _cap(row, col, high), box.name, [f"M{op.basis}" for op in ended if isinstance(op, Measure)]
            )
    started = [span.op for span in rows[at].began if span.patches == (box.name,)]
    for op in started:
        x, y = (under[1][0] + under[2][0]) / 2, (under[1][1] + under[2][1]) / 2
        text = KETS[op.basis] if isinstance(op, Prepare) else op.state if isinstance(op, Inject) else ""
        yield Text(x, y - drop / 2 + 9, f"{box.name} {text}", "middle", 10, fill=ON_FILL)


def _words(cap: tuple[tuple[float, float], ...], name: str, more: list[str]) -> Iterator[Mark]:
    x, y = sum(px for px, _ in cap) / 4, sum(py for _, py in cap) / 4
    yield Text(x, y + (0 if more else 4), name, "middle", 11, bold=True, fill=ON_FILL)
    for text in more:
        yield Text(x, y + 11, text, "middle", 9, fill=ON_FILL)


def _axis(floor: Floor, rows: Sequence[Stretch], heights: Sequence[float], unit: str) -> Iterator[Mark]:
    """Time beside the right corner of the floor, with the operations of each stretch."""
    x, y = _place(0, _side(2 * floor.cols - 2)[1], 0.0)
    x += 20
    yield Line(x, y, x, y - heights[-1] - 16, INK, arrow=True)
    for at, row in enumerate(rows):
        yield Line(x - 3, y - heights[at], x + 3, y - heights[at])
        yield Text(x + 7, y - heights[at] + 4, f"{unit} {row.start:g}" if at == 0 else f"{row.start:g}", size=10)
        middle = y - (heights[at] + heights[at + 1]) / 2
        captions = row.captions()
        for k, text in enumerate(captions):
            yield Text(x + 52, middle + LINE * (k - (len(captions) - 1) / 2) + 4, text, size=10)
    if rows:
        yield Line(x - 3, y - heights[-1], x + 3, y - heights[-1])
        yield Text(x + 7, y - heights[-1] + 4, f"{rows[-1].end:g}", size=10)


def _dimensions(floor: Floor) -> Iterator[Mark]:
    """The edges of the foremost tile, each d data qubits, and the height of a code cycle, d rounds."""
    row, col = _side(2 * floor.rows - 2), _side(2 * floor.cols - 2)
    for ends in (((row[1] + 9, col[0]), (row[1] + 9, col[1])), ((row[0], col[1] + 9), (row[1], col[1] + 9))):
        a, b = (_place(*end, 0.0) for end in ends)
        yield Path((a, b))
        yield Text((a[0] + b[0]) / 2 + (4 if a[1] > b[1] else -4), (a[1] + b[1]) / 2 + 13, "d", "middle", 10)


def _corners(marks: Sequence[Mark]) -> Iterator[tuple[float, float]]:
    for mark in marks:
        if isinstance(mark, Polygon | Path):
            yield from mark.points
        elif isinstance(mark, Line):
            yield from ((mark.x, mark.y), (mark.to_x, mark.to_y))
        elif isinstance(mark, Text):
            wide = text_width(mark.text, mark.size)
            back = {"start": 0.0, "middle": wide / 2, "end": wide}[mark.anchor]
            yield from ((mark.x - back, mark.y - mark.size), (mark.x - back + wide, mark.y))


def _least(marks: Sequence[Mark]) -> tuple[float, float]:
    xs, ys = zip(*_corners(marks), strict=True)
    return min(xs), min(ys)


def _most(marks: Sequence[Mark]) -> tuple[float, float]:
    xs, ys = zip(*_corners(marks), strict=True)
    return max(xs), max(ys)
