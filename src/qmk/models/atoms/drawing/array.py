"""The array of a device while a program runs: a panel for each move, and for the gates between two moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qmk.models.atoms.array import Array
from qmk.models.atoms.drawing.scene import INK, PALE, Circle, Line, Mark, Rect, Scene, Text, moved, text_width
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.timeline import Entry, Timeline
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

MOST_PANELS = 12
MOST_SITES = 600
PANEL, GAP, HEAD, PER_ROW = 380.0, 22.0, 22.0, 3
ATOM, GATE, MOVE = "#3565a8", "#d98032", "#a3487a"
ZONES = ("#eef3fa", "#fdf1e4", "#eef6ee", "#f4eef6")


class _View:
    """Coordinates in um as pixels of one panel; what is far from every atom is not shown."""

    def __init__(self, array: Array, used: set[int], reach: float) -> None:
        sites = list(array.sites.values())
        if len(sites) > MOST_SITES:
            near = [array.sites[site] for site in used] or sites[:1]
            pad = max(reach, 1.0) * 2
            low = min(s.x for s in near) - pad, min(s.y for s in near) - pad
            high = max(s.x for s in near) + pad, max(s.y for s in near) + pad
            sites = [s for s in sites if low[0] <= s.x <= high[0] and low[1] <= s.y <= high[1]][: 4 * MOST_SITES]
        self.sites = sites
        xs, ys = [s.x for s in sites], [s.y for s in sites]
        margin = max(reach, 0.06 * max(max(xs) - min(xs), max(ys) - min(ys)), 0.5)
        self.low, self.top = min(xs) - margin, max(ys) + margin
        wide, high_um = max(xs) + margin - self.low, self.top - (min(ys) - margin)
        self.scale = min(PANEL / wide, PANEL / high_um)
        self.width, self.height = wide * self.scale, high_um * self.scale

    def at(self, point: Sequence[float]) -> tuple[float, float]:
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
    columns = min(PER_ROW, len(shown))
    for k, panel in enumerate(shown):
        x = 8 + k % columns * (max(view.width, 240) + GAP)
        y = 30 + k // columns * (view.height + HEAD + GAP)
        marks += [moved(mark, x, y) for mark in _drawn(panel, view, array)]
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


def _drawn(panel: _Panel, view: _View, array: Array) -> list[Mark]:
    marks: list[Mark] = [Text(0, 12, _heading(panel), size=11)]
    frame: list[Mark] = [*_zones(view, array), Rect(0, 0, view.width, view.height, "none", PALE)]
    small = max(1.2, min(4.0, 0.12 * view.scale * 10))
    for site in view.sites:
        x, y = view.at(site.point)
        frame.append(Circle(x, y, small, stroke=PALE, title=f"site {site.id}"))
    frame += _gates(panel, view, array)
    for atom, site in panel.where.items():
        x, y = view.at(array.sites[site].point)
        if 0 <= x <= view.width and 0 <= y <= view.height:
            frame.append(Circle(x, y, small + 1.5, fill=ATOM, title=f"{atom} at site {site}"))
    for atom, site in panel.aims.items():
        start, end = view.at(array.sites[panel.where[atom]].point), view.at(array.sites[site].point)
        frame += [Line(*start, *end, MOVE, 1.6, True), Circle(*end, small + 1.5, stroke=MOVE)]
    busy = [atom for row in panel.entries for atom in row.atoms] or list(panel.where)
    for atom in busy[:24]:
        x, y = view.at(array.sites[panel.where[atom]].point)
        frame.append(Text(x + small + 3, y - small - 1, atom, size=9, fill=INK))
    return [*marks, *(moved(mark, 0, HEAD) for mark in frame)]


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
        places = [view.at(site.point) for site in view.sites if site.zone == name]
        if places:
            pad = 7.0
            x, y = min(p[0] for p in places) - pad, min(p[1] for p in places) - pad
            width, height = max(p[0] for p in places) + pad - x, max(p[1] for p in places) + pad - y
            marks.append(Rect(x, y, width, height, ZONES[k % len(ZONES)]))
            marks.append(Text(x + 2, y - 3, name, size=9, fill="#777777"))
    return marks


def _gates(panel: _Panel, view: _View, array: Array) -> list[Mark]:
    marks: list[Mark] = []
    for row in panel.entries if not panel.aims else ():
        places = [view.at(array.sites[panel.where[atom]].point) for atom in row.atoms]
        for atom, (x, y) in zip(row.atoms, places, strict=True):
            site = panel.where[atom]
            radius = array.radius(site, site) * view.scale
            if 0 < radius < 2 * PANEL:
                marks.append(Circle(x, y, radius, stroke=GATE, dashed=True))
        marks += [Line(*a, *b, GATE, 2.5) for a, b in zip(places, places[1:], strict=False)]
    return marks
