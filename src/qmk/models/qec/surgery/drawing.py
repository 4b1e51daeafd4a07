"""The floor plan over time as an SVG picture, and as lines of text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import pairwise

from qmk.models.qec.surgery.floor import Floor, Tile, wrong
from qmk.models.qec.surgery.program import Inject, Measure, Merge, Phase, Prepare, Program, Timed, timeline

TILE, SEAM, MARGIN, TITLE, GAP = 46, 8, 10, 22, 18
PER_ROW_PX = 900
MAX_PANELS = 2_000
COLOURS = {"Z": "#2166ac", "X": "#b2182b"}
FILLS = {"Z": "#c6dbef", "X": "#fcc5b8", "XZ": "#d9c7ec", "idle": "#f7f7f2", "free": "#ececec"}
LEGEND = (
    (FILLS["idle"], "patch that waits"),
    (FILLS["Z"], "product of Z"),
    (FILLS["X"], "product of X"),
    (FILLS["XZ"], "product of X and Z"),
    (FILLS["free"], "free tile"),
)


def svg(program: Program) -> str:
    """A panel for each stretch of time without an event. Blue sides join products of Z, red ones products of X; what
    is prepared stands above a patch's name in the panel in which it begins, what is measured below in its last one.
    Raises INVALID_PARAMS for more panels than anybody looks at."""
    times = timeline(program)
    floor = program.floor
    events = sorted({timed.start_cycle for timed in times} | {timed.end_cycle for timed in times})
    if len(events) > MAX_PANELS:
        raise wrong(f"a drawing of {len(events) - 1} panels", f"draw a part of it, of fewer than {MAX_PANELS}")
    width = floor.cols * (TILE + SEAM) - SEAM
    height = floor.rows * (TILE + SEAM) - SEAM
    legend = sum(34 + 6 * len(text) for _, text in LEGEND)
    columns = max(1, min(len(events) - 1, PER_ROW_PX // (width + GAP)))
    rows = -(-(len(events) - 1) // columns)
    total_width = max(columns * (width + GAP) - GAP, legend, 7 * len(program.name)) + 2 * MARGIN
    total_height = rows * (height + TITLE + GAP) + 2 * MARGIN + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{total_height}" '
        f'viewBox="0 0 {total_width} {total_height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{total_width}" height="{total_height}" fill="white"/>',
        _text(MARGIN, MARGIN + 10, program.name, "start", bold=True),
    ]
    for at, (start, end) in enumerate(pairwise(events)):
        x = MARGIN + at % columns * (width + GAP)
        y = MARGIN + 20 + at // columns * (height + TITLE + GAP)
        label = f"cycle {start}" if end == start + 1 else f"cycles {start} to {end - 1}"
        parts.append(_text(x, y + 14, label, "start"))
        parts += _panel(floor, times, start, end, x, y + TITLE)
    parts += _legend(MARGIN, total_height - MARGIN - 8)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(floor: Floor, times: tuple[Timed, ...], start: int, end: int, x: int, y: int) -> Iterable[str]:
    now = [timed for timed in times if timed.start_cycle <= start < timed.end_cycle]
    fill = dict.fromkeys((patch.tile for patch in floor.patches.values()), "")
    fill |= dict.fromkeys(floor.free(), FILLS["free"])
    for timed in now:
        for name in timed.patches:
            fill[floor.patches[name].tile] = FILLS["idle"]
        if isinstance(timed.op, Merge) and timed.route is not None:
            colour = FILLS["".join(sorted(set(timed.op.paulis.values())))]
            for tile in (*timed.route.tiles, *(floor.patches[name].tile for name in timed.patches)):
                fill[tile] = colour
            for (row, col), (below, _) in timed.route.joints:
                left, top = _corner((row, col), x, y)
                if below > row:
                    yield _rect(left, top + TILE - 1, TILE, SEAM + 2, colour)
                else:
                    yield _rect(left + TILE - 1, top, SEAM + 2, TILE, colour)
    for tile, colour in sorted(fill.items()):
        left, top = _corner(tile, x, y)
        yield _rect(left, top, TILE, TILE, colour or "white", "#dddddd" if not colour else "")
    joined = {(a, b) for timed in now if timed.route for a, b in timed.route.joints}
    alive = {name for timed in now for name in timed.patches}
    for name in sorted(alive):
        yield from _patch(floor, name, times, start, end, x, y, joined)


def _patch(
    floor: Floor,
    name: str,
    times: tuple[Timed, ...],
    start: int,
    end: int,
    x: int,
    y: int,
    joined: set[tuple[Tile, Tile]],
) -> Iterable[str]:
    patch = floor.patches[name]
    left, top = _corner(patch.tile, x, y)
    ends = {
        "top": (left, top, left + TILE, top),
        "bottom": (left, top + TILE, left + TILE, top + TILE),
        "left": (left, top, left, top + TILE),
        "right": (left + TILE, top, left + TILE, top + TILE),
    }
    for pauli, colour in COLOURS.items():
        for side in patch.sides(pauli):
            x1, y1, x2, y2 = ends[side]
            across = any(patch.tile in pair and _faces(patch.tile, pair, side) for pair in joined)
            dash = ' stroke-dasharray="2 4"' if across else ""
            yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="2.5"{dash}/>'
    yield _text(left + TILE // 2, top + TILE // 2 + 4, name, "middle", bold=True)
    for timed in times:
        if timed.patches != (name,):
            continue
        if isinstance(timed.op, Prepare) and timed.start_cycle == start:
            yield _text(left + TILE // 2, top + 13, "|0⟩" if timed.op.basis == "Z" else "|+⟩", "middle", size=9)
        elif isinstance(timed.op, Inject) and timed.start_cycle == start:
            yield _text(left + TILE // 2, top + 13, f"inject {timed.op.state}", "middle", size=9)
        elif isinstance(timed.op, Measure) and timed.end_cycle == end:
            yield _text(left + TILE // 2, top + TILE - 6, f"M{timed.op.basis}", "middle", size=9)


def _faces(tile: Tile, pair: tuple[Tile, Tile], side: str) -> bool:
    (row, col), other = tile, pair[1] if pair[0] == tile else pair[0]
    step = (other[0] - row, other[1] - col)
    return step == {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}[side]


def _corner(tile: Tile, x: int, y: int) -> tuple[int, int]:
    return x + tile[1] * (TILE + SEAM), y + tile[0] * (TILE + SEAM)


def _rect(x: int, y: int, width: int, height: int, fill: str, stroke: str = "") -> str:
    line = f' stroke="{stroke}"' if stroke else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"{line}/>'


def _text(x: int, y: int, text: str, anchor: str, bold: bool = False, size: int = 11) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"{weight}>{escape(text)}</text>'


def _legend(x: int, y: int) -> Iterable[str]:
    for colour, text in LEGEND:
        yield _rect(x, y - 9, 12, 12, colour, "#999999")
        yield _text(x + 17, y + 1, text, "start", size=10)
        x += 34 + 6 * len(text)


def lines(program: Program) -> list[str]:
    """One line for each operation, in order of time."""
    found: list[str] = []
    for timed in timeline(program):
        span = (
            f"{timed.start_cycle}" if timed.end_cycle == timed.start_cycle else f"{timed.start_cycle}-{timed.end_cycle}"
        )
        found.append(f"{span:>7}  {describe(timed)}")
    return found


def describe(timed: Timed) -> str:
    """What happens, in words."""
    op = timed.op
    name = timed.patches[0]
    if isinstance(op, Prepare):
        return f"prepare {name} in {'|0>' if op.basis == 'Z' else '|+>'}"
    if isinstance(op, Inject):
        return f"inject {op.state} into {name}"
    if isinstance(op, Merge):
        assert timed.route is not None, "merges are routed"
        through = f" over {len(timed.route.tiles)} tiles" if timed.route.tiles else ""
        return f"measure {' '.join(f'{p}({n})' for n, p in op.paulis.items())} -> {op.key}{through}"
    if isinstance(op, Measure):
        return f"measure {name} in {op.basis} -> {op.key}"
    if isinstance(op, Phase):
        return f"S on {name} where {' + '.join(op.keys)} is odd"
    return f"{name} idles" if op is not None else f"{name} waits"
