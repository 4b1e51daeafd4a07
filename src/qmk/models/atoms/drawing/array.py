"""The array of a device while a program runs: a panel for each move, and for the gates between two moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from qmk.drawing.labels import Box, Room, box_of, fit, paragraph
from qmk.drawing.scene import PALE, Circle, Line, Mark, Rect, Scene, Text, move_mark, text_width
from qmk.models.atoms.array import Array
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.timeline import Entry, Timeline
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

MOST_PANELS = 12
MOST_SITES = 2000
MOST_NAMES = 40
PANEL, GAP, HEAD, PER_ROW = 380.0, 22.0, 22.0, 3
ATOM, GATE, MOVE = "#3565a8", "#d98032", "#a3487a"
ZONES = ("#3565a81c", "#d9803224", "#4d9a581c", "#a3487a1c")
CELL, LONGEST = 240.0, 90.0
"""Least pixels from a panel to the next, and most of the name of an atom."""


class _View:
    """Coordinates in um as pixels of one panel, about the sites that are used."""

    def __init__(self, array: Array, used: set[int], reach: float, most: float) -> None:
        shown = [array.sites[site] for site in used]
        xs, ys = [s.x for s in shown], [s.y for s in shown]
        margin = max(1.2 * reach, 0.2 * max(max(xs) - min(xs), max(ys) - min(ys)), 0.5)
        self.low, self.top = min(xs) - margin, max(ys) + margin
        wide, high = max(xs) + margin - self.low, self.top - (min(ys) - margin)
        self.scale = min(most / wide, PANEL / high)
        self.width, self.height = wide * self.scale, high * self.scale
        self.sites = [s for s in array.sites.values() if self.shows(s.point)][:MOST_SITES]

    def shows(self, point: Sequence[float]) -> bool:
        x, y = self.to_picture(point)
        return 4 <= x <= self.width - 4 and 4 <= y <= self.height - 4

    def inside(self, marks: Iterable[Text]) -> Iterator[Text]:
        """Those of the texts that the panel shows whole."""
        for mark in marks:
            box = box_of(mark)
            if box.left >= 2 and box.top >= 2 and box.right <= self.width - 2 and box.bottom <= self.height - 2:
                yield mark

    def to_picture(self, point: Sequence[float]) -> tuple[float, float]:
        return (point[0] - self.low) * self.scale, (self.top - point[1]) * self.scale


class _Panel(NamedTuple):
    """``where``: atoms and their sites when it begins."""

    entries: list[Entry]
    where: dict[str, int]
    aims: dict[str, int]


def panels(graph: Graph, timeline: Timeline, profile: Profile, title: str, width: float | None = None) -> Scene:
    """Sites as rings, atoms as discs, zones shaded; moves as arrows; for gates on several atoms the blockade radius of
    each. The first ``MOST_PANELS``, in rows of at most ``width`` pixels. Of three dimensions x and y are shown."""
    array = Array(profile, timeline.configuration)
    nodes = {node.id: node for node in graph.nodes}
    found = _panels(array, timeline, nodes)
    used = {site for panel in found for places in (panel.where, panel.aims) for site in places.values()}
    radius = profile.blockade.radius if profile.blockade.radius < 1e3 else 0.0
    view = _View(array, used or set(list(array.sites)[:1]), radius, PANEL if width is None else min(PANEL, width - 16))
    shown = found[:MOST_PANELS]
    cell = max(view.width, CELL) + GAP
    columns = min(PER_ROW if len(shown) <= 2 * PER_ROW else 2 * PER_ROW, len(shown))
    columns = columns if width is None else max(1, min(columns, int((width + GAP - 16) / cell)))
    total = width or max(16 + columns * cell, 30 + text_width(title, 13))
    marks: list[Mark] = [mark for mark in [fit(Text(8, 18, title, size=13, bold=True), total - 16)] if mark]
    for k, panel in enumerate(shown):
        x = 8 + k % columns * cell
        y = 30 + k // columns * (view.height + HEAD + GAP)
        marks += [move_mark(mark, x, y) for mark in _draw_panel(panel, view, array, min(cell - 8, total - 16))]
    height = 30 + -(-len(shown) // columns) * (view.height + HEAD + GAP)
    if len(found) > len(shown):
        left_out = paragraph(
            f"{len(found) - len(shown)} more steps are left out", 8, height, total - 16, fill="#b0483c"
        )
        marks += left_out
        height += 14 * len(left_out)
    return Scene(total, height, title, tuple(marks))


def _panels(array: Array, timeline: Timeline, nodes: dict[str, Node]) -> list[_Panel]:
    where = dict(timeline.sites)
    found = [_Panel([], dict(where), {})]
    for row in sorted(timeline.timeline, key=lambda row: row.start_us):
        last = found[-1]
        if row.op == "atoms.move":
            points = nodes[row.node].args["to"]
            aims = {a: site for a, p in zip(row.atoms, points, strict=True) if (site := array.site_at(p)) is not None}
            found.append(_Panel([row], dict(where), aims))
            where |= aims
        elif len(row.atoms) > 1 and row.op in OPS and OPS[row.op].op_class == "unitary":
            busy = {atom for entry in last.entries for atom in entry.atoms}
            if last.aims or not last.entries or busy.intersection(row.atoms):
                found.append(_Panel([row], dict(where), {}))
            else:
                last.entries.append(row)
    return found[1:] if len(found) > 1 else found


def _draw_panel(panel: _Panel, view: _View, array: Array, width: float) -> list[Mark]:
    marks: list[Mark] = [mark for mark in [fit(Text(0, 12, _heading(panel), size=11), width)] if mark]
    small = max(1.2, min(4.0, 0.12 * view.scale * 10))
    room = Room()
    for site in view.sites:
        x, y = view.to_picture(site.point)
        room.take(Box(x - small, y - small, x + small, y + small))
    frame: list[Mark] = [*_zones(view, array, room), Rect(0, 0, view.width, view.height, "none", PALE)]
    for site in view.sites:
        frame.append(Circle(*view.to_picture(site.point), small, stroke=PALE, title=f"site {site.id}"))
    frame += _gates(panel, view, array)
    for atom, site in panel.where.items():
        x, y = view.to_picture(array.sites[site].point)
        frame.append(Circle(x, y, small + 1.5, fill=ATOM, title=f"{atom} at site {site}"))
    for atom, site in panel.aims.items():
        start, end = view.to_picture(array.sites[panel.where[atom]].point), view.to_picture(array.sites[site].point)
        frame += [Line(*start, *end, MOVE, 1.6, True), Circle(*end, small + 1.5, stroke=MOVE)]
    frame += _names(panel, view, array, small, room)
    return [*marks, *(move_mark(mark, 0, HEAD) for mark in frame)]


def _names(panel: _Panel, view: _View, array: Array, small: float, room: Room) -> list[Mark]:
    """Of the atoms that do something, else of all, where there is room for them; discs say their atom in a title."""
    busy = [atom for row in panel.entries for atom in row.atoms] or list(panel.where)
    marks: list[Mark] = []
    for atom in list(dict.fromkeys(busy))[:MOST_NAMES]:
        x, y = view.to_picture(array.sites[panel.where[atom]].point)
        mark = fit(Text(x, y, atom, size=9), LONGEST)
        if mark is None:
            continue
        aside, upper, lower = small + 3, y - small - 3.5, y + small + 10
        if atom in panel.aims and view.to_picture(array.sites[panel.aims[atom]].point)[1] < y:
            upper, lower = lower, upper  # away from the arrow
        places: list[tuple[float, float, Literal["start", "middle", "end"]]] = [
            (x - 2, upper, "start"), (x + 2, upper, "end"), (x, upper, "middle"), (x - 2, lower, "start"),
            (x + 2, lower, "end"), (x, lower, "middle"), (x + aside, y + 3, "start"), (x - aside, y + 3, "end"),
        ]  # fmt: skip
        placed = room.put(view.inside(mark._replace(x=at, y=down, anchor=anchor) for at, down, anchor in places))
        marks += [placed] if placed is not None else []
    return marks


def _heading(panel: _Panel) -> str:
    if not panel.entries:
        return "0 us: where the atoms are"
    start = min(row.start_us for row in panel.entries)
    names = list(dict.fromkeys(row.op.partition(".")[2] for row in panel.entries))
    count = len(panel.aims) or len(panel.entries)
    what = f"{count} atom{'s' if count > 1 else ''}" if panel.aims else f"{count} gate{'s' if count > 1 else ''}"
    longest = max(row.duration_us for row in panel.entries)
    return f"{start:.6g} us: {', '.join(names)}, {what}, {longest:.4g} us"


def _zones(view: _View, array: Array, room: Room) -> list[Mark]:
    """Shaded, with their names in corners, or over or under them where all corners are taken."""
    marks: list[Mark] = []
    for k, name in enumerate(array.zones):
        places = [view.to_picture(site.point) for site in view.sites if site.zone == name]
        if places:
            pad = 9.0
            left, top = max(0.0, min(p[0] for p in places) - pad), max(0.0, min(p[1] for p in places) - pad)
            right = min(view.width, max(p[0] for p in places) + pad)
            bottom = min(view.height, max(p[1] for p in places) + pad)
            marks.append(Rect(left, top, right - left, bottom - top, ZONES[k % len(ZONES)], title=name))
            mark = fit(Text(right - 3, top + 10, name, "end", size=9, fill="#858585"), right - left - 6, 2)
            if mark is not None:
                across: list[tuple[float, Literal["start", "end"]]] = [(right - 3, "end"), (left + 3, "start")]
                down = (top + 10, bottom - 4, top - 4, bottom + 10)
                choices = (mark._replace(x=x, y=y, anchor=anchor) for y in down for x, anchor in across)
                placed = room.put(view.inside(choices))
                marks += [placed] if placed is not None else []
    return marks


def _gates(panel: _Panel, view: _View, array: Array) -> list[Mark]:
    marks: list[Mark] = []
    for row in panel.entries if not panel.aims else ():
        places = [view.to_picture(array.sites[panel.where[atom]].point) for atom in row.atoms]
        for atom, (x, y) in zip(row.atoms, places, strict=True):
            site = panel.where[atom]
            radius = array.radius(site, site) * view.scale
            if 0 < radius < 2 * PANEL:
                marks.append(Circle(x, y, radius, stroke=GATE, dashed=True))
        marks += [Line(*a, *b, GATE, 2.5) for a, b in itertools.pairwise(places)]
    return marks
