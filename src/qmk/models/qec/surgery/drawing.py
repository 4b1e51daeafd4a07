"""Pictures of a program on its floor: a floor plan for each stretch of time, or one space-time diagram."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.drawing.scene import PALE, PAPER, Line, Mark, Path, Rect, Scene, Text, text_width
from qmk.drawing.shown import Picture
from qmk.models.qec.surgery.blocks import space_time
from qmk.models.qec.surgery.floor import Floor, Joint, Tile
from qmk.models.qec.surgery.program import Idle, Inject, Measure, Prepare, Program, Span, timeline
from qmk.models.qec.surgery.stretches import (
    COLOURS,
    FILLS,
    KETS,
    ON_FILL,
    Stretch,
    describe,
    legend,
    product_of,
    stretches,
)

__all__ = ["VIEWS", "Layer", "draw", "layers", "lines", "slices", "space_time", "svg"]

TILE, SEAM, MARGIN, TITLE, GAP, LINE = 46.0, 8.0, 10.0, 22.0, 18.0, 13.0
WIDTH = 920.0
NARROWEST = 150.0
"""Width of a panel that the words below it fit into."""
SMALL = 10.0
LEGEND = (
    ("patch that waits", FILLS["idle"]),
    ("patch in a gate of its own", FILLS["gate"]),
    ("product of Z", FILLS["Z"]),
    ("product of X", FILLS["X"]),
    ("product of X and Z", FILLS["XZ"]),
    ("free tile", PAPER),
)


def slices(program: Program, spans: Sequence[Span] | None = None, cycle: float = 1, width: float = WIDTH) -> Picture:
    """A floor plan for each stretch of time without an event, with what happens below it, in rows of at most ``width``
    pixels unless one panel alone is wider. Blue sides join products of Z, red ones products of X, dotted ones are open.

    ``spans`` is a schedule of the program, such as ``magic.schedule(...).spans``, in which a code cycle takes ``cycle``
    rounds; left out, no state has to be waited for and time is in code cycles. Raises INVALID_PARAMS for more panels
    than anybody looks at."""
    panels = stretches(program, spans)
    floor = program.floor
    wide = max(floor.cols * (TILE + SEAM) - SEAM, NARROWEST)
    columns = max(1, min(len(panels), int((width - 2 * MARGIN + GAP) // (wide + GAP))))
    total = max(columns * (wide + GAP) - GAP, text_width(program.name)) + 2 * MARGIN
    marks: list[Mark] = [Text(MARGIN, MARGIN + 10, program.name, bold=True)]
    y = MARGIN + 20
    for first in range(0, len(panels), columns):
        deepest = 0.0
        for at, panel in enumerate(panels[first : first + columns]):
            x = MARGIN + at * (wide + GAP)
            marks.append(Text(x, y + 14, _time(panel, "cycle" if cycle == 1 else "round")))
            marks += _panel(floor, panel, x, y + TITLE)
            below = y + TITLE + floor.rows * (TILE + SEAM) + 4
            for text in (row for caption in panel.captions() for row in _wrap(caption, wide)):
                marks.append(Text(x, below + SMALL, text, size=SMALL))
                below += LINE
            deepest = max(deepest, below)
        y = deepest + GAP
    shown, bottom = legend(MARGIN, y, max(total, 340) - MARGIN, LEGEND, marks)
    title = f"{program.name}: the floor plan in {len(panels)} stretches of time"
    scene = Scene(max(total, 340), bottom + MARGIN, title, (*marks, *shown))
    return Picture(lambda: scene)


class Layer(NamedTuple):
    """One stretch of time: ``when`` in code cycles and ``told`` in words."""

    when: str
    told: list[str]
    picture: Scene


def layers(program: Program, most: int | None = None) -> Iterator[Layer]:
    """The floor plan of each stretch of time, the first ``most`` of them, each a picture of its own and all of one
    size. Raises as ``slices`` does."""
    floor = program.floor
    width, height = (each * (TILE + SEAM) - SEAM + 2 * MARGIN for each in (floor.cols, floor.rows))
    for panel in stretches(program)[:most]:
        when = _time(panel, "cycle")
        marks = tuple(_panel(floor, panel, MARGIN, MARGIN))
        told = panel.captions() or ["all patches wait"]
        yield Layer(when, told, Scene(width, height, f"{program.name}, {when}: {'; '.join(told)}", marks))


VIEWS = {"slices": slices, "3d": space_time}


def draw(program: Program, view: str = "slices", spans: Sequence[Span] | None = None, cycle: float = 1) -> Picture:
    """One of ``VIEWS``. Raises INVALID_PARAMS for another."""
    if view not in VIEWS:
        raise QmkError("INVALID_PARAMS", f"no view '{view}'", field="view", help=f"take one of {', '.join(VIEWS)}")
    return VIEWS[view](program, spans, cycle)


def svg(program: Program) -> str:
    """The floor plans as SVG."""
    return slices(program).to("svg").decode()


def _time(panel: Stretch, unit: str) -> str:
    if panel.end <= panel.start + 1:
        return f"{unit} {panel.start:g}"
    last = panel.end - 1 if panel.end % 1 == 0 else panel.end
    return f"{unit}s {panel.start:g} to {last:g}"


def _wrap(text: str, wide: float) -> list[str]:
    return textwrap.wrap(text, int(wide / text_width("m", SMALL)), subsequent_indent="  ") or [""]


def _panel(floor: Floor, panel: Stretch, x: float, y: float) -> Iterator[Mark]:
    fill: dict[Tile, str] = {floor.patches[name].tile: FILLS["idle"] for name in panel.patches()}
    fill |= {
        floor.patches[span.op.patch].tile: FILLS["gate"]
        for span in panel.now
        if isinstance(span.op, Idle) and span.op.label
    }
    joined: set[Joint] = set()
    for merge, span in panel.merges():
        assert span.route is not None
        colour = FILLS[product_of(merge)]
        fill |= dict.fromkeys((*span.route.tiles, *(floor.patches[name].tile for name in span.patches)), colour)
        joined |= set(span.route.joints)
        for tile, (below, _) in span.route.joints:
            left, top = _corner(tile, x, y)
            down = below > tile[0]
            yield (
                Rect(left, top + TILE - 1, TILE, SEAM + 2, colour)
                if down
                else Rect(left + TILE - 1, top, SEAM + 2, TILE, colour)
            )
    for tile in [(row, col) for row in range(floor.rows) for col in range(floor.cols)]:
        colour = fill.get(tile)
        yield Rect(*_corner(tile, x, y), TILE, TILE, colour or PAPER, "" if colour else PALE)
    alive = panel.patches()
    for name, patch in floor.patches.items():
        left, top = _corner(patch.tile, x, y)
        if name in alive:
            yield from _sides(floor, name, left, top, joined)
        ink = ON_FILL if name in alive else PALE
        yield Text(left + TILE / 2, top + TILE / 2 + 4, name, "middle", bold=name in alive, fill=ink)
    for span in (*panel.began, *panel.ended):
        left, top = _corner(floor.patches[span.patches[0]].tile, x, y)
        match span.op:
            case Prepare():
                yield Text(left + TILE / 2, top + 13, KETS[span.op.basis], "middle", 9, fill=ON_FILL)
            case Inject():
                yield Text(left + TILE / 2, top + 13, f"inject {span.op.state}", "middle", 9, fill=ON_FILL)
            case Measure():
                yield Text(left + TILE / 2, top + TILE - 6, f"M{span.op.basis}", "middle", 9, fill=ON_FILL)
            case _:
                pass


def _sides(floor: Floor, name: str, left: float, top: float, joined: set[Joint]) -> Iterator[Mark]:
    """The boundaries of a patch by what they join, dotted where they are open."""
    patch = floor.patches[name]
    right, bottom = left + TILE, top + TILE
    ends = {
        "top": (left, top, right, top),
        "bottom": (left, bottom, right, bottom),
        "left": (left, top, left, bottom),
        "right": (right, top, right, bottom),
    }
    for pauli, colour in COLOURS.items():
        for side in patch.sides(pauli):
            x1, y1, x2, y2 = ends[side]
            if any(patch.tile in pair and _faces(patch.tile, pair, side) for pair in joined):
                yield Path(((x1, y1), (x2, y2)), colour, 2.5, dashed=True)
            else:
                yield Line(x1, y1, x2, y2, colour, 2.5)


def _faces(tile: Tile, pair: Joint, side: str) -> bool:
    (row, col), other = tile, pair[1] if pair[0] == tile else pair[0]
    step = (other[0] - row, other[1] - col)
    return step == {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}[side]


def _corner(tile: Tile, x: float, y: float) -> tuple[float, float]:
    return x + tile[1] * (TILE + SEAM), y + tile[0] * (TILE + SEAM)


def lines(program: Program) -> list[str]:
    """One line for each operation, in order of time."""
    found: list[str] = []
    for timed in timeline(program):
        span = (
            f"{timed.start_cycle}" if timed.end_cycle == timed.start_cycle else f"{timed.start_cycle}-{timed.end_cycle}"
        )
        found.append(f"{span:>7}  {describe(timed)}")
    return found
