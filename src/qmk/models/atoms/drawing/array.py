"""The array of a device while a program runs: a panel for each move, for the gates between two moves, and for each
evolution."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from qmk.drawing.scene import INK, PALE, Circle, Line, Mark, Rect, Scene, Text, move_mark, text_width
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
ZONES = ("#eef3fa", "#fdf1e4", "#eef6ee", "#f4eef6")


class _View:
    """Coordinates in um as pixels of one panel, about the sites that are used."""

    def __init__(self, array: Array, used: set[int], reach: float) -> None:
        shown = [array.sites[site] for site in used]
        xs, ys = [s.x for s in shown], [s.y for s in shown]
        margin = max(1.2 * reach, 0.2 * max(max(xs) - min(xs), max(ys) - min(ys)), 0.5)
        self.low, self.top = min(xs) - margin, max(ys) + margin
        wide, high = max(xs) + margin - self.low, self.top - (min(ys) - margin)
        self.scale = min(PANEL / wide, PANEL / high)
        self.width, self.height = wide * self.scale, high * self.scale
        self.sites = [s for s in array.sites.values() if self.shows(s.point)][:MOST_SITES]

    def shows(self, point: Sequence[float]) -> bool:
        x, y = self.to_picture(point)
        return 4 <= x <= self.width - 4 and 4 <= y <= self.height - 4

    def to_picture(self, point: Sequence[float]) -> tuple[float, float]:
        return (point[0] - self.low) * self.scale, (self.top - point[1]) * self.scale


class _Panel(NamedTuple):
    """``where``: atoms and their sites when it begins."""

    entries: list[Entry]
    where: dict[str, int]
    aims: dict[str, int]


def panels(graph: Graph, timeline: Timeline, profile: Profile, title: str) -> Scene:
    """Sites as rings, atoms as discs, zones shaded; moves as arrows; for gates on several atoms the blockade radius of
    each. The first ``MOST_PANELS`` panels. Of three dimensions x and y are shown."""
    array = Array(profile, timeline.configuration)
    nodes = {node.id: node for node in graph.nodes}
    found = _panels(array, timeline, nodes)
    used = {site for panel in found for places in (panel.where, panel.aims) for site in places.values()}
    radius = profile.blockade.radius if profile.blockade.radius < 1e3 else 0.0
    view = _View(array, used or set(list(array.sites)[:1]), radius)
    marks: list[Mark] = [Text(8, 18, title, size=13, bold=True)]
    shown = found[:MOST_PANELS]
    columns = min(PER_ROW if len(shown) <= 2 * PER_ROW else 2 * PER_ROW, len(shown))
    for k, panel in enumerate(shown):
        x = 8 + k % columns * (max(view.width, 240) + GAP)
        y = 30 + k // columns * (view.height + HEAD + GAP)
        marks += [move_mark(mark, x, y) for mark in _draw_panel(panel, view, array)]
    rows = -(-len(shown) // columns)
    height = 30 + rows * (view.height + HEAD + GAP)
    if len(found) > len(shown):
        marks.append(Text(8, height, f"{len(found) - len(shown)} more steps are left out", size=10, fill="#b0483c"))
        height += 14
    width = max(16 + columns * (max(view.width, 240) + GAP), 30 + text_width(title, 13))
    return Scene(width, height, title, tuple(marks))


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


def _draw_panel(panel: _Panel, view: _View, array: Array) -> list[Mark]:
    marks: list[Mark] = [Text(0, 12, _heading(panel), size=11)]
    frame: list[Mark] = [*_zones(view, array), Rect(0, 0, view.width, view.height, "none", PALE)]
    small = max(1.2, min(4.0, 0.12 * view.scale * 10))
    for site in view.sites:
        x, y = view.to_picture(site.point)
        frame.append(Circle(x, y, small, stroke=PALE, title=f"site {site.id}"))
    frame += _gates(panel, view, array)
    for atom, site in panel.where.items():
        x, y = view.to_picture(array.sites[site].point)
        frame.append(Circle(x, y, small + 1.5, fill=ATOM, title=f"{atom} at site {site}"))
    for atom, site in panel.aims.items():
        start, end = view.to_picture(array.sites[panel.where[atom]].point), view.to_picture(array.sites[site].point)
        frame += [Line(*start, *end, MOVE, 1.6, True), Circle(*end, small + 1.5, stroke=MOVE)]
    frame += _names(panel, view, array, small)
    return [*marks, *(move_mark(mark, 0, HEAD) for mark in frame)]


def _names(panel: _Panel, view: _View, array: Array, small: float) -> list[Mark]:
    """Of the atoms that do something, else of all; left of an atom that has another close to its right."""
    busy = [atom for row in panel.entries for atom in row.atoms] or list(panel.where)
    places = {atom: view.to_picture(array.sites[panel.where[atom]].point) for atom in busy[:MOST_NAMES]}
    marks: list[Mark] = []
    for atom, (x, y) in places.items():
        reach = text_width(atom, 9) + 6
        beside = any(0 < other[0] - x < reach and abs(other[1] - y) < 12 for other in places.values())
        anchor, aside = ("end", -3) if beside else ("start", 3)
        marks.append(Text(x + aside, y - small - 4, atom, anchor, size=9, fill=INK))
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


def _zones(view: _View, array: Array) -> list[Mark]:
    marks: list[Mark] = []
    for k, name in enumerate(array.zones):
        places = [view.to_picture(site.point) for site in view.sites if site.zone == name]
        if places:
            pad = 9.0
            x, y = max(0.0, min(p[0] for p in places) - pad), max(0.0, min(p[1] for p in places) - pad)
            width = min(view.width, max(p[0] for p in places) + pad) - x
            height = min(view.height, max(p[1] for p in places) + pad) - y
            marks.append(Rect(x, y, width, height, ZONES[k % len(ZONES)]))
            marks.append(Text(x + width - 3, y + 10, name, "end", size=9, fill="#777777"))
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


def evolutions(graph: Graph, title: str) -> Scene:
    """The atoms of each evolution. The radius of a disc is half the distance at which the interaction of two atoms
    equals the strongest drive: those whose discs overlap are not both excited."""
    nodes = [node for node in graph.nodes if node.op == "analog.rydberg"][:MOST_PANELS]
    marks: list[Mark] = [Text(8, 18, title, size=13, bold=True)]
    x, height = 8.0, 0.0
    for node in nodes:
        points = [(float(p[0]), float(p[1])) for p in node.args["positions"]]
        fields = [drive["amplitude"]["values"] for drive in node.args["drives"] if "amplitude" in drive]
        drive = max((abs(value) for values in fields for value in values), default=0.0)
        radius = (abs(float(node.args["c6"])) / drive) ** (1 / 6) / 2 if drive else 0.0
        low, top = min(p[0] for p in points) - 1 - radius, max(p[1] for p in points) + 1 + radius
        wide, high = max(p[0] for p in points) + 1 + radius - low, top - min(p[1] for p in points) + 1 + radius
        scale = min(PANEL / wide, PANEL / high)
        text = f"{node.args['duration']:g} us, {len(points)} atoms"
        marks += [Text(x, 40, text), Rect(x, 48, wide * scale, high * scale, "none", PALE)]
        for atom, point in zip(node.vqs, points, strict=True):
            place = x + (point[0] - low) * scale, 48 + (top - point[1]) * scale
            marks.append(Circle(*place, radius * scale, stroke=GATE, dashed=True))
            marks.append(Circle(*place, 4.0, fill=ATOM, title=atom))
        x, height = x + max(wide * scale, text_width(text)) + GAP, max(height, high * scale)
    return Scene(max(x, 30 + text_width(title, 13)), 60 + height, title, tuple(marks))
