"""The atoms of an evolution in the plane: axes in um, the graph of their interactions, and weights of local light."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple, cast

from qmk.drawing import axes
from qmk.drawing.axes import Axis
from qmk.drawing.labels import Box, Room, fit, paragraph
from qmk.drawing.scene import INK, PALE, Circle, Line, Mark, Path, Rect, Scene, Text, move_mark, text_width
from qmk.models.atoms.drawing.course import Channel, Course, Stretch, strongest_drive
from qmk.qvm.families import analog
from qmk.qvm.graph import Graph

ATOM, EDGE = "#3565a8", "#d98032"
SHADES = ((214, 224, 238), (36, 84, 150))
"""Colours of weight 0 and of the largest weight."""
LOW, NARROW = 76.0, 110.0
"""Least pixels of a window's height and of its width."""
HEIGHTS = ((1, 140.0), (64, 300.0))
HIGHEST = 460.0
"""Most pixels of a window's height, with up to so many atoms, and with more."""
APART, MOST_WINDOWS = 16.0, 12
"""Pixels that neighbours should be apart; a long array is folded into windows until they are."""
MOST_EDGES = 1500
MOST_LABELS = 400
BARS = 64.0

Point = tuple[float, float]


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


# -- layout


class _View:
    """The plane in one or more windows of equal size and scale, one after the other along the longer side of the
    array. ``apart``: pixels between neighbours."""

    scale = 1.0
    size = 0.0, 0.0

    def __init__(self, block: Block, width: float) -> None:
        places = [*block.points, *(place for _, place in block.vacant)]
        spacing = _spacing(block.points) or max(min(block.radius, 10.0), 1.0)
        self._pad = 0.8 * spacing
        ends = [(min(p[axis] for p in places), max(p[axis] for p in places)) for axis in (0, 1)]
        reach = 2.1 * block.radius + spacing if block.radius <= 3 * spacing and len(block.points) > 1 else 0.0
        inner = [b - a for a, b in ends]
        self._long = 0 if inner[0] >= inner[1] else 1
        self.left = 14 + axes.widest([-9999.0])
        highest = next((pixels for atoms, pixels in HEIGHTS if len(block.points) <= atoms), HIGHEST)
        most = max(1, int((width - 10) / (NARROW + self.left))) if self._long else MOST_WINDOWS
        for count in range(1, most + 1):
            part = [max(length + 2 * self._pad, reach) for length in inner]
            if count > 1:
                part[self._long] = inner[self._long] / count + 2 * self._pad
            column = (width - 10) / (count if self._long else 1) - self.left
            self.scale = min(column / part[0], highest / part[1], 40.0)
            self.size = max(min(NARROW, column), self.scale * part[0]), max(LOW, self.scale * part[1])
            if self.scale * spacing >= APART or (self._long == 0 and self.scale * part[1] >= highest - 1):
                break
        self.apart = self.scale * spacing
        self._um = self.size[0] / self.scale, self.size[1] / self.scale
        self._middle = [(a + b) / 2 for a, b in ends]
        self._parts = self._fold(sorted({p[self._long] for p in places}), self._um[self._long])

    def _fold(self, values: Sequence[float], length: float) -> list[tuple[float, float, float]]:
        """For each window where it begins along the longer side, and between which bounds it shows what there is: no
        bound is at an atom. There are never more windows than the length was divided by."""
        if values[-1] - values[0] + 2 * self._pad <= length * (1 + 1e-9):
            return [(self._middle[self._long] - length / 2, -math.inf, math.inf)]
        parts: list[tuple[float, float, float]] = []
        low, at = -math.inf, 0
        while at < len(values):
            start = values[at] - self._pad
            end = at
            while end < len(values) and values[end] <= start + length - self._pad + 1e-9 * length:
                end += 1
            end = max(end, at + 1)
            high = (values[end - 1] + values[end]) / 2 if end < len(values) else math.inf
            parts.append((start, low, min(high, start + length)))
            low, at = max(high, values[end] - self._pad) if end < len(values) else high, end
        return parts

    def windows(self) -> Iterator[_Window]:
        for k, (start, low, high) in enumerate(self._parts):
            corner = [self._middle[0] - self._um[0] / 2, self._middle[1] - self._um[1] / 2]
            corner[self._long] = start
            left = self.left + (k * (self.size[0] + self.left) if self._long else 0.0)
            top = 0.0 if self._long else k * (self.size[1] + 26)
            x = Axis(corner[0], corner[0] + self._um[0], left, left + self.size[0])
            y = Axis(corner[1], corner[1] + self._um[1], top + self.size[1], top)
            bounds = [(x.low, x.high), (y.low, y.high)]
            bounds[self._long] = max(bounds[self._long][0], low), min(bounds[self._long][1], high)
            yield _Window(x, y, (bounds[0], bounds[1]))

    def bottom(self) -> float:
        """Pixels that the windows and the labels of their axes take."""
        return (1 if self._long else len(self._parts)) * (self.size[1] + 26)


def _spacing(points: Sequence[Point]) -> float:
    """The median of the distances to the nearest neighbour, in um; 0 for one atom."""
    return median(
        min((math.dist(p, q) for k, q in enumerate(points) if k != at), default=0.0) for at, p in enumerate(points)
    )


class _Window(NamedTuple):
    """A part of the plane: its axes, in um and pixels, and the um in x and y between which it shows something."""

    x: Axis
    y: Axis
    bounds: tuple[Point, Point]

    def place(self, point: Point) -> Point:
        return self.x.at(point[0]), self.y.at(point[1])

    def shows(self, point: Point) -> bool:
        return all(low <= value <= high for value, (low, high) in zip(point, self.bounds, strict=True))

    def clip(self, a: Point, b: Point) -> tuple[Point, Point] | None:
        """The part of the line from ``a`` to ``b`` that the window shows, in um (Liang and Barsky)."""
        first, last = 0.0, 1.0
        for start, end, (low, high) in zip(a, b, self.bounds, strict=True):
            step = end - start
            if step:
                near, far = sorted(((low - start) / step, (high - start) / step))
                first, last = max(first, near), min(last, far)
            elif not low <= start <= high:
                return None
        if first >= last:
            return None
        dx, dy = b[0] - a[0], b[1] - a[1]
        return (a[0] + first * dx, a[1] + first * dy), (a[0] + last * dx, a[1] + last * dy)


# -- marks


def draw(block: Block, width: float) -> Scene:
    """The picture of a block, ``width`` pixels wide: windows of the plane, a note on the interactions, weights."""
    view = _View(block, width)
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


def _draw_window(block: Block, view: _View, window: _Window) -> list[Mark]:
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


def _edges(block: Block, window: _Window) -> Iterator[Mark]:
    for i, j, energy in sorted(block.pairs, key=lambda pair: -abs(pair[2]))[:MOST_EDGES]:
        seen = window.clip(block.points[i], block.points[j])
        if seen is not None:
            width = round(min(5.0, 1.0 + 0.5 * math.log2(abs(energy) / block.rabi)), 1)
            title = f"{block.names[i]}, {block.names[j]}: {energy:.4g} rad/us"
            yield Line(*window.place(seen[0]), *window.place(seen[1]), EDGE, width, title=title)


def _circle(block: Block, window: _Window) -> Iterator[Mark]:
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


def _numbers(block: Block, window: _Window, radius: float) -> list[Mark]:
    """Numbers of atoms: in their discs where they fit in, else beside them where there is room; round ones first."""
    size = 9.0
    shown = [k for k, point in enumerate(block.points) if window.shows(point)]
    longest = max((text_width(str(block.numbers[k]), size) for k in shown), default=0.0)
    if longest + 2 <= 2 * radius:
        return [_inside(block, k, window.place(block.points[k]), size) for k in shown]
    room = Room()
    for k in shown:
        x, y = window.place(block.points[k])
        room.take(Box(x - radius, y - radius, x + radius, y + radius))
    marks: list[Mark] = []
    rank = {k: (block.numbers[k] % 10 > 0, block.numbers[k] % 5 > 0) for k in shown}
    for k in sorted(shown, key=lambda k: rank[k])[:MOST_LABELS]:
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
