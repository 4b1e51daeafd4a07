"""A program for atoms as it can be played: where the atoms are, and what happens to which of them when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple, cast

from qmk.drawing.scene import Scene
from qmk.models.atoms.array import Array
from qmk.models.atoms.drawing import waveforms
from qmk.models.atoms.drawing.course import UNITS, Channel, Course, Points, course, heading, summary
from qmk.models.atoms.drawing.gantt import gantt, knots
from qmk.models.atoms.on_device import OnDevice
from qmk.models.atoms.profile import Profile
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph

Place = tuple[float, float]
"""Where an atom is: x and y in um."""
MOST_ACTS = 2_000
DARK = 1e-3
"""Light weaker than this share of its channel's strongest is off: sampled waveforms have rests of rounding."""


class Act(NamedTuple):
    """``kind``: drive, gate, measure, move, reset or wait. ``to``: where its atoms go, if they move."""

    start_us: float
    end_us: float
    kind: str
    told: str
    atoms: tuple[str, ...]
    to: tuple[Place, ...] = ()


class Play(NamedTuple):
    """``atoms``: where each is at first. ``tracks``: the picture over time, and ``knots`` of its axis, between which it
    is linear: us and pixels. ``left_out``: acts beyond the bound."""

    duration_us: float
    atoms: dict[str, Place]
    acts: list[Act]
    tracks: Scene
    knots: list[tuple[float, float]]
    left_out: int = 0


def play(graph: Graph, width: float) -> Play:
    """Of a program with evolutions: light is on where its amplitude or, without one, its detuning is not 0."""
    program = course(graph)
    tracks, axis = waveforms.light(program, width)
    found: list[Act] = []
    atoms: dict[str, Place] = {}
    for stretch in program.stretches:
        places = [(float(p[0]), float(p[1])) for p in cast("list[list[float]]", stretch.node.args["positions"])]
        there = dict(zip(stretch.node.vqs, places, strict=True))
        moved = {name: place for name, place in there.items() if atoms.get(name, place) != place}
        if moved:
            found.append(Act(stretch.start, stretch.start, "move", "placed anew", tuple(moved), tuple(moved.values())))
        atoms = {**there, **atoms} if not moved else {**atoms, **{k: v for k, v in there.items() if k not in atoms}}
    for channel in program.channels:
        found += _drives(program, channel)
    for moment in program.moments:
        for kind, rows in groupby(moment.nodes, lambda node: "move" if node.op == "atoms.move" else _kind(node.op)):
            nodes = tuple(rows)
            for some in [nodes] if kind == "measure" else [(node,) for node in nodes]:
                told = summary(moment._replace(nodes=some))
                to = tuple((float(p[0]), float(p[1])) for p in some[0].args["to"]) if kind == "move" else ()
                found.append(Act(moment.time, moment.time, kind, told, tuple(a for n in some for a in n.vqs), to))
    return _course(program.duration, atoms, found, tracks, [(axis.low, axis.start), (axis.high, axis.end)])


def play_on_device(made: OnDevice, profile: Profile, title: str) -> Play:
    """Of a program of gates on a device with sites; of any other, as ``play``."""
    if profile.geometry is None:
        return play(made.graph, waveforms.WIDTH)
    timeline = made.timeline
    array = Array(profile, timeline.configuration)
    nodes = {node.id: node for node in made.graph.nodes}
    atoms = {name: (array.sites[site].x, array.sites[site].y) for name, site in timeline.sites.items()}
    found: list[Act] = []
    for row in timeline.timeline:
        to: tuple[Place, ...] = ()
        if row.op == "atoms.move":
            points = cast("list[list[float]]", nodes[row.node].args["to"])
            to = tuple((float(p[0]), float(p[1])) for p in points)
        kind = row.op.partition(".")[2] if row.op in ("atoms.wait", "atoms.move") else _kind(row.op)
        if kind != "wait":
            told = f"{row.op.partition('.')[2]} {', '.join(row.atoms)}"
            found.append(Act(row.start_us, row.end_us, kind, told, row.atoms, to))
    return _course(timeline.duration_us, atoms, found, gantt(timeline, title), knots(timeline))


def _course(
    duration: float, atoms: dict[str, Place], acts: Sequence[Act], tracks: Scene, axis: list[tuple[float, float]]
) -> Play:
    found = sorted(acts, key=lambda act: (act.start_us, act.end_us))
    return Play(duration, atoms, found[:MOST_ACTS], tracks, axis, max(0, len(found) - MOST_ACTS))


def _kind(op: str) -> str:
    op_class = OPS[op].op_class if op in OPS else ""
    return {"measure": "measure", "reset": "reset", "evolution": "drive"}.get(op_class, "gate")


def _drives(program: Course, channel: Channel) -> Iterator[Act]:
    """When the light of a channel is on, for each of its evolutions."""
    name = heading(channel).partition(":")[0]
    weights = dict(channel.patterns)
    main = channel.curves[0]
    least = DARK * max((abs(value) for piece in main.pieces for _, value in piece), default=0.0)
    for k, piece in enumerate(main.pieces):
        begin = piece[0][0]
        stretch = next(s for s in program.stretches if s.start == begin)
        lit = tuple(
            atom
            for atom, weight in zip(stretch.node.vqs, weights.get(begin, (1.0,) * len(stretch.node.vqs)), strict=True)
            if weight
        )
        for start, end in _on(piece, least):
            told = f"{name}: " + ", ".join(
                f"{curve.field} {_span(curve.pieces[k], start, end)} {UNITS[curve.field]}" for curve in channel.curves
            )
            yield Act(start, end, "drive", told, lit)


def _on(points: Points, least: float) -> Iterator[tuple[float, float]]:
    """The times between which a curve is further from 0 than ``least``."""
    begin: float | None = None
    for (t, a), (u, b) in pairwise(points):
        on = max(abs(a), abs(b)) > least and u > t
        if on and begin is None:
            begin = t
        if not on and u > t and begin is not None:
            yield begin, t
            begin = None
    if begin is not None:
        yield begin, points[-1][0]


def _span(points: Points, start: float, end: float) -> str:
    values: list[Any] = [value for t, value in points if start <= t <= end]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
