"""The course of an analog program: its light as curves over time, and what happens at which time.

Evolutions follow each other, as they do in the program. Gates and measurements between them take no time here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple, cast

from qmk.drawing.words import guard_text
from qmk.qvm.families import OPS, analog
from qmk.qvm.graph import Graph, Node
from qmk.qvm.op import Args

Points = tuple[tuple[float, float], ...]
"""(time in us, value), times never falling; two equal ones are a jump."""

UNITS = {"amplitude": "rad/us", "detuning": "rad/us", "phase": "rad"}
SILENT = frozenset({"lifecycle", "classical", "hint", "fence", "metadata"})
"""Classes of ops that nothing is drawn of. A move of atoms is a hint, and drawn."""
MOST_NAMES = 4


class Stretch(NamedTuple):
    """An evolution and when it begins, in us."""

    start: float
    node: Node

    @property
    def end(self) -> float:
        return self.start + float(self.node.args["duration"])


class Moment(NamedTuple):
    """Ops at one time, which take none."""

    time: float
    nodes: tuple[Node, ...]


class Curve(NamedTuple):
    """``field``: amplitude, detuning or phase. ``pieces``: one for each evolution in which the light is on."""

    field: str
    pieces: tuple[Points, ...]


class Channel(NamedTuple):
    """Light of one kind through the whole program. ``atoms``: those of each evolution in which it is on.
    ``patterns``: weights by atom, with the start of their evolution, if it has any."""

    name: str
    curves: tuple[Curve, ...]
    atoms: tuple[tuple[str, ...], ...]
    patterns: tuple[tuple[float, tuple[float, ...]], ...]


class Course(NamedTuple):
    duration: float
    stretches: tuple[Stretch, ...]
    moments: tuple[Moment, ...]
    channels: tuple[Channel, ...]


def is_analog(graph: Graph) -> bool:
    """Whether the program has evolutions."""
    return any(OPS[node.op].op_class == "evolution" for node in graph.nodes if node.op in OPS)


def course(graph: Graph) -> Course:
    """What happens when. Evolutions are taken one after the other, those under a condition too."""
    time = 0.0
    stretches: list[Stretch] = []
    timeless: list[tuple[float, Node]] = []
    for node in graph.nodes:
        op_class = OPS[node.op].op_class
        if op_class == "evolution":
            stretches.append(Stretch(time, node))
            time = stretches[-1].end
        elif op_class not in SILENT or node.op == "atoms.move":
            timeless.append((time, node))
    moments = (Moment(at, tuple(node for _, node in rows)) for at, rows in groupby(timeless, lambda row: row[0]))
    return Course(time, tuple(stretches), tuple(moments), tuple(_channels(stretches)))


def _channels(stretches: Sequence[Stretch]) -> Iterator[Channel]:
    """Drives of different evolutions are one channel if they couple the same levels, both with a pattern or both
    without, and are the same in number among such drives of their evolution."""
    found: dict[tuple[str, bool, int], list[tuple[Stretch, Args]]] = {}
    for stretch in stretches:
        seen: dict[tuple[str, bool], int] = {}
        for drive in cast("list[Args]", stretch.node.args["drives"]):
            kind = str(drive.get("transition", "")), "pattern" in drive
            seen[kind] = seen.get(kind, 0) + 1
            found.setdefault((*kind, seen[kind]), []).append((stretch, drive))
    for number, ((transition, has_pattern, _), rows) in enumerate(found.items(), 1):
        name = f"drive {number}" + (f", {transition}" if transition else "")
        curves = tuple(_curves(rows))
        patterns = tuple((s.start, tuple(map(float, d["pattern"]))) for s, d in rows) if has_pattern else ()
        yield Channel(name, curves, tuple(stretch.node.vqs for stretch, _ in rows), patterns)


def _curves(rows: Sequence[tuple[Stretch, Args]]) -> Iterator[Curve]:
    """Amplitude, detuning and phase, where any of the drives has it; the last two not where they are always 0."""
    for field in ("amplitude", "detuning", "phase"):
        if any(field in drive for _, drive in rows):
            pieces = tuple(points_of(drive.get(field), stretch, field == "phase") for stretch, drive in rows)
            if field == "amplitude" or any(value for piece in pieces for _, value in piece):
                yield Curve(field, pieces)


def points_of(field: Mapping[str, Any] | None, stretch: Stretch, holds: bool) -> Points:
    """A field in the time of the program; one that a drive does not have is 0. ``holds``: values hold until the next
    knot, as those of a phase do; else the field is linear between knots."""
    if field is None:
        return (stretch.start, 0.0), (stretch.end, 0.0)
    knots = [(stretch.start + float(t), float(v)) for t, v in zip(field["times"], field["values"], strict=True)]
    if not holds:
        return tuple(knots)
    return tuple(point for a, b in pairwise(knots) for point in (a, (b[0], a[1])))


# -- in words


def name_of(program: Course) -> str:
    """What the program is, in one line."""
    count = len(program.stretches)
    return f"analog program: {program.duration:.6g} us, {count} evolution{'s' if count > 1 else ''}"


def heading(channel: Channel) -> str:
    """A channel by its name, and which atoms feel its light."""
    pairs = zip(channel.atoms, channel.patterns, strict=False)
    plain = "all atoms" if len(set(channel.atoms)) == 1 else "all atoms of each evolution"
    words = {_targets(atoms, weights) for atoms, (_, weights) in pairs} or {plain}
    return f"{channel.name}: " + (words.pop() if len(words) == 1 else f"{len(words)} patterns")


def value_range(curve: Curve) -> tuple[float, float]:
    """The lowest and the highest value, 0 among them; 0 and 1 of a curve that is always 0."""
    values = [0.0, *(value for piece in curve.pieces for _, value in piece)]
    low, high = min(values), max(values)
    return (low, high) if low < high else (0.0, 1.0)


def _targets(atoms: Sequence[str], weights: Sequence[float]) -> str:
    if set(weights) <= {0.0, 1.0}:
        lit = [atom for atom, weight in zip(atoms, weights, strict=True) if weight]
        return "all atoms" if len(lit) == len(atoms) else f"on {count_atoms(lit)}"
    return f"weights {min(weights):g} to {max(weights):g}"


def count_atoms(atoms: Sequence[str]) -> str:
    return ", ".join(atoms) if 0 < len(atoms) <= MOST_NAMES else f"{len(atoms)} atoms"


def summary(moment: Moment) -> str:
    """The ops of a moment in short: each kind with its atoms."""
    kinds: dict[str, list[Node]] = {}
    for node in moment.nodes:
        kinds.setdefault(_kind(node), []).append(node)
    return "; ".join(f"{kind} {count_atoms(_atoms(nodes))}" for kind, nodes in kinds.items())


def _kind(node: Node) -> str:
    op = OPS[node.op]
    name = "measure" if op.op_class == "measure" else op.short
    return name if node.guard is None else f"if {guard_text(node.guard)}: {name}"


def _atoms(nodes: Iterable[Node]) -> list[str]:
    return list(dict.fromkeys(atom for node in nodes for atom in node.vqs))


def details(moment: Moment) -> str:
    """The ops of a moment in full."""
    lines = [f"{_kind(node)} {', '.join(node.vqs)}" for node in moment.nodes[:40]]
    return f"{moment.time:g} us: " + "; ".join(lines) + ("; ..." if len(moment.nodes) > 40 else "")


def stretch_label(stretch: Stretch) -> str:
    """An evolution by its id, with its condition."""
    guard = stretch.node.guard
    return stretch.node.id + (f" if {guard_text(guard)}" if guard is not None else "")


# -- interactions


def strongest_drive(stretch: Stretch) -> float:
    """The largest amplitude in rad/us of light to the Rydberg level, on any atom; 0 where there is none."""
    found = 0.0
    for drive in cast("list[Args]", stretch.node.args["drives"]):
        if "amplitude" in drive and analog.COUPLES[drive.get("transition", "rydberg")][1] == 2:
            weight = max((abs(float(w)) for w in drive.get("pattern", (1.0,))), default=1.0)
            found = max(found, weight * max(abs(float(value)) for value in drive["amplitude"]["values"]))
    return found
