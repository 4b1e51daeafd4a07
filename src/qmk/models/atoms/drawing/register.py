"""The atoms of an evolution in the plane: axes in um, the graph of their interactions, and weights of local light."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from qmk.drawing import axes
from qmk.drawing.axes import Axis
from qmk.drawing.labels import Box, Room, fit, paragraph
from qmk.drawing.scene import INK, PALE, Circle, Line, Mark, Path, Rect, Scene, Text, move_mark, text_width
from qmk.models.atoms.drawing.course import Channel, Course, Stretch, strongest_drive
from qmk.models.atoms.drawing.plane import Point, View, Window
from qmk.qvm.families import analog
from qmk.qvm.graph import Graph

ATOM, EDGE = "#3565a8", "#d98032"
SHADES = ((214, 224, 238), (36, 84, 150))
"""Colours of weight 0 and of the largest weight."""
MOST_EDGES = 1500
MOST_LABELS = 400
BARS = 64.0


class Block(NamedTuple):
    """What one picture of atoms shows. ``names``: handles. ``numbers``: of sites where the program numbers sites, else
    of qubits. ``pairs``: (i, j, C6/r^6 in rad/us) above ``rabi``, the strongest drive. ``radius`` in um is where the
    interaction equals it, 0 if there is no drive."""

    title: str
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    points: tuple[Point, ...]
    vacant: tuple[tuple[int, Point], ...]
    weights: tuple[float, ...] | None
    pairs: tuple[tuple[int, int, float], ...]
    rabi: float
    radius: float
    flat: bool


def blocks(graph: Graph, course: Course) -> list[Block]:
    """One for each placement of atoms in the program and each pattern of weights in it."""
    groups: dict[tuple[Any, ...], list[Stretch]] = {}
    for stretch in course.stretches:
        args = stretch.node.args
        points = cast("list[list[float]]", args["positions"])
        key = stretch.node.vqs, tuple(map(tuple, points)), float(args["c6"])
        groups.setdefault(key, []).append(stretch)
    found: list[Block] = []
    for number, (key, stretches) in enumerate(groups.items(), 1):
        where = f"placement {number}" if len(groups) > 1 else "atoms"
        plain = _block(graph, where, key, stretches)
        patterns: dict[tuple[float, ...], list[str]] = {}
        for channel in course.channels:
            for weights in _weights(channel, stretches):
                patterns.setdefault(weights, []).append(channel.name.partition(",")[0])
        found += [
            plain._replace(title=f"{where}: weights of {', '.join(dict.fromkeys(names))}", weights=weights)
            for weights, names in patterns.items()
        ] or [plain]
    return found


def _weights(channel: Channel, stretches: Sequence[Stretch]) -> Iterator[tuple[float, ...]]:
    starts = {stretch.start for stretch in stretches}
    for start, weights in channel.patterns:
        if start in starts:
            yield weights


def _block(graph: Graph, title: str, key: tuple[Any, ...], stretches: Sequence[Stretch]) -> Block:
    names, points, c6 = key
    flat = [(float(p[0]), float(p[1])) for p in points]
    rabi = max(map(strongest_drive, stretches))
    pairs = [pair for pair in analog.interactions(stretches[0].node.args) if abs(pair[2]) > rabi > 0]
    numbers, vacant = _sites(graph, names, flat)
    radius = (abs(c6) / rabi) ** (1 / 6) if rabi else 0.0
    is_flat = all(len(p) == 2 or p[2] == points[0][2] for p in points)
    return Block(title, names, numbers, tuple(flat), vacant, None, tuple(pairs), rabi, radius, is_flat)


def _sites(
    graph: Graph, names: Sequence[str], points: Sequence[Point]
) -> tuple[tuple[int, ...], tuple[tuple[int, Point], ...]]:
    """Numbers of the atoms, and the vacant sites, as the metadata of a program read from a file may tell them."""
    order = {name: k for k, name in enumerate(graph.vqs or names)}
    numbers = tuple(order.get(name, k) for k, name in enumerate(names))
    told = graph.metadata.get("atoms")
    told = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    filling, sites = told.get("filling"), told.get("sites_um")
    if not isinstance(filling, list) or analog.points_fault(sites, len(cast("list[Any]", filling))):
        return numbers, ()
    places = [(float(p[0]), float(p[1])) for p in cast("list[list[float]]", sites)]
    rows = list(zip(places, cast("list[Any]", filling), strict=True))
    if [place for place, there in rows if there] != list(points):
        return numbers, ()
    vacant = tuple((k, place) for k, (place, there) in enumerate(rows) if not there)
    return tuple(k for k, (_, there) in enumerate(rows) if there), vacant


def draw(block: Block, width: float) -> Scene:
    """The picture of a block, ``width`` pixels wide: windows of the plane, a note on the interactions, weights."""
    view = View(block.points, [place for _, place in block.vacant], block.radius, width)
    head: list[Mark] = [mark for mark in [fit(Text(8, 12, block.title, size=11, bold=True), width - 16)] if mark]
    marks: list[Mark] = []
    for window in view.windows():
        marks += _draw_window(block, view, window)
    x = next(view.windows()).x
    marks.append(Text(x.end, view.bottom() + 2, "um", "end", axes.TICK))
    y = view.bottom() + 16
    notes = paragraph(note(block), 8, y, width - 16)
    y += 14 * len(notes)
    marks += notes
    if block.weights is not None:
        bars = _bars(block, block.weights, width - view.left - 10)
        marks += [move_mark(mark, view.left, y) for mark in bars]
        y += BARS + 38
    return Scene(width, 22 + y, block.title, (*head, *(move_mark(mark, 0, 22) for mark in marks)))


def note(block: Block, in_picture: bool = True) -> str:
    """How many atoms there are, and which of them interact by more than the strongest drive, in words."""
    dashed, width = (" (dashed)", " (width of edges)") if in_picture else ("", "")
    text = _count(len(block.points), "atom")
    text += f", {_count(len(block.vacant), 'vacant site')}{dashed}" if block.vacant else ""
    text += "" if block.flat or not in_picture else ", x and y of three dimensions"
    if not block.rabi or len(block.points) == 1:
        return text
    text += f"; blockade radius {block.radius:.3g} um{dashed}, where C6/r⁶ is the strongest drive, "
    text += f"{block.rabi:.4g} rad/us"
    if not block.pairs:
        return text + "; no pair is closer"
    energies = [abs(energy) for _, _, energy in block.pairs]
    left_out = f", the {MOST_EDGES} strongest drawn" if in_picture and len(energies) > MOST_EDGES else ""
    span = " to ".join(dict.fromkeys(f"{energy:.4g}" for energy in (min(energies), max(energies))))
    return f"{text}; {_count(len(energies), 'pair')} closer{left_out}, {span} rad/us{width}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")


def _draw_window(block: Block, view: View, window: Window) -> list[Mark]:
    marks: list[Mark] = []
    (left, right), (bottom, top) = (window.x.start, window.x.end), (window.y.start, window.y.end)
    marks.append(Rect(left, top, right - left, bottom - top, "none", PALE))
    marks += axes.below(window.x, bottom, window.x.across())
    for value in window.y.upwards():
        y = window.y.at(value)
        marks += [Line(left - 4, y, left, y), Text(left - 6, y + 3.5, axes.label(value), "end", axes.TICK)]
    marks += _edges(block, window)
    marks += _circle(block, window)
    radius = max(1.6, min(10.0, 0.36 * view.apart))
    for number, point in block.vacant:
        if window.shows(point):
            marks.append(Circle(*window.place(point), radius, "", PALE, True, f"vacant site {number}"))
    for k, point in enumerate(block.points):
        if window.shows(point):
            weight = "" if block.weights is None else f", weight {block.weights[k]:g}"
            title = f"{block.names[k]} at ({point[0]:g}, {point[1]:g}) um{weight}"
            marks.append(Circle(*window.place(point), radius, _shade(block, k), "", title=title))
    return [*marks, *_numbers(block, window, radius)]


def _edges(block: Block, window: Window) -> Iterator[Mark]:
    for i, j, energy in sorted(block.pairs, key=lambda pair: -abs(pair[2]))[:MOST_EDGES]:
        seen = window.clip(block.points[i], block.points[j])
        if seen is not None:
            width = round(min(5.0, 1.0 + 0.5 * math.log2(abs(energy) / block.rabi)), 1)
            title = f"{block.names[i]}, {block.names[j]}: {energy:.4g} rad/us"
            yield Line(*window.place(seen[0]), *window.place(seen[1]), EDGE, width, title=title)


def _circle(block: Block, window: Window) -> Iterator[Mark]:
    """The blockade radius about the atom that is closest to the middle, as far as the window shows it."""
    if not block.radius or len(block.points) == 1:
        return
    middle = [sum(p[axis] for p in block.points) / len(block.points) for axis in (0, 1)]
    x, y = min(block.points, key=lambda p: math.dist(p, middle))
    run: list[Point] = []
    for step in range(181):
        turn = step * math.pi / 90
        point = x + block.radius * math.cos(turn), y + block.radius * math.sin(turn)
        if window.shows(point):
            run.append(window.place(point))
        if run and (not window.shows(point) or step == 180):
            if len(run) > 1:
                yield Path(tuple(run), INK, 1.0, True)
            run = []


def _shade(block: Block, atom: int) -> str:
    if block.weights is None:
        return ATOM
    share = abs(block.weights[atom]) / (max(map(abs, block.weights)) or 1.0)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*SHADES, strict=True))


def _numbers(block: Block, window: Window, radius: float) -> list[Mark]:
    """Numbers of atoms: in their discs where they fit in, else beside them where there is room; round ones first."""
    size = 9.0
    rank = {k: (number % 10 > 0, number % 5 > 0) for k, number in enumerate(block.numbers)}
    shown = sorted((k for k, p in enumerate(block.points) if window.shows(p)), key=lambda k: rank[k])[:MOST_LABELS]
    longest = max((text_width(str(block.numbers[k]), size) for k in shown), default=0.0)
    room = Room()
    if longest + 2 <= 2 * radius:
        inside = (room.put([_inside(block, k, window.place(block.points[k]), size)]) for k in shown)
        return [mark for mark in inside if mark is not None]
    for k in shown:
        x, y = window.place(block.points[k])
        room.take(Box(x - radius, y - radius, x + radius, y + radius))
    marks: list[Mark] = []
    for k in shown:
        x, y = window.place(block.points[k])
        text = str(block.numbers[k])
        aside = radius + 1.5
        choices = (
            Text(x, y - aside, text, "middle", size),
            Text(x, y + aside + 7, text, "middle", size),
            Text(x + aside, y + 3, text, "start", size),
            Text(x - aside, y + 3, text, "end", size),
        )
        inner = [c for c in choices if window.y.end + 8 < c.y < window.y.start - 2]
        found = room.put(c for c in inner if window.x.start + longest < c.x < window.x.end - longest)
        marks += [found] if found is not None else []
    return marks


def _inside(block: Block, atom: int, place: Point, size: float) -> Text:
    weights = block.weights
    is_dark = weights is None or abs(weights[atom]) > 0.45 * max(map(abs, weights))
    ink = "#fdfdfd" if is_dark else "#1b1b1b"
    return Text(place[0], place[1] + 3.2, str(block.numbers[atom]), "middle", size, fill=ink)


def _bars(block: Block, weights: Sequence[float], width: float) -> list[Mark]:
    """The weight of each atom as a bar, in the order of their numbers."""
    low, high = min(0.0, *weights), max(0.0, *weights)
    y = Axis(low, high if high > low else 1.0, BARS, 12.0)
    each = min(28.0, width / len(weights))
    x = Axis(-0.5, len(weights) - 0.5, 0.0, each * len(weights))
    marks: list[Mark] = [Text(0, 7, "weight by atom", size=axes.TICK), *axes.left_of(y, 0, y.upwards(), x.end)]
    for at, k in enumerate(sorted(range(len(weights)), key=lambda k: block.numbers[k])):
        top, bottom = sorted((y.at(weights[k]), y.at(0.0)))
        bar = x.at(at - 0.4), top, max(0.8 * each, 0.6), bottom - top
        marks.append(Rect(*bar, _shade(block, k), title=f"{block.names[k]}: {weights[k]:g}"))
    places = sorted(block.numbers)
    least = text_width(str(places[-1]), axes.TICK) + 6
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s * each >= least), 1000)
    for at, number in enumerate(places):
        if at % step == 0:
            marks.append(Text(x.at(at), BARS + 14, str(number), "middle", axes.TICK))
    return marks
