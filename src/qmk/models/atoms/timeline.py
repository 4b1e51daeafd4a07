"""When what happens on a device, and whether a timeline keeps the device's rules."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from qmk.base.errors import Finding
from qmk.models.atoms.array import Array
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

KEY = "atoms"
"""of the graph's metadata"""

EPSILON = 1e-6
"""us: how far times may be off that were written as decimals"""


class Entry(msgspec.Struct, frozen=True):
    """``node`` runs ``op`` on ``atoms`` (handles of qubits) from ``start_us``."""

    start_us: float
    duration_us: float
    op: str
    node: str
    atoms: tuple[str, ...]

    @property
    def end_us(self) -> float:
        return self.start_us + self.duration_us


class Timeline(msgspec.Struct, frozen=True):
    """Of a program on ``device``. ``sites``: the site (id) at which each atom begins. ``timeline``: every op that takes
    time, waits and moves included, in order of the program's nodes."""

    device: str
    configuration: str
    duration_us: float
    sites: dict[str, int]
    timeline: tuple[Entry, ...]

    def to_metadata(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


def timeline_of(graph: Graph) -> Timeline | None:
    """The timeline that stands in the graph's metadata, if there is one."""
    found = graph.metadata.get(KEY)
    if not isinstance(found, dict) or "timeline" not in found:
        return None
    try:
        return msgspec.convert(found, Timeline)
    except msgspec.ValidationError:
        return None


def check_timeline(graph: Graph, profile: Profile) -> list[Finding]:
    """What in the timeline of ``graph`` breaks a rule of ``profile``: all of it is looked at anew, whoever wrote it."""
    timeline = timeline_of(graph)
    if timeline is None:
        return [_finding("ATOM-52", "the program has no timeline")]
    entries = sorted(timeline.timeline, key=lambda row: (row.start_us, row.end_us))
    nodes = {node.id: node for node in graph.nodes}
    found = [*_matched(timeline.timeline, nodes, profile)]
    if not found:
        found += [*_alone(entries, profile), *_at_once(entries, nodes, timeline, profile)]
    return sorted(found, key=lambda row: row.rule)


def _finding(rule: str, message: str, node: str = "") -> Finding:
    return Finding(rule, message, ATOM_RULES[rule].help, node)


def _matched(entries: Iterable[Entry], nodes: dict[str, Node], profile: Profile) -> Iterator[Finding]:
    durations = {(gate.name, gate.arity): gate.duration for gate in profile.gates}
    seen: set[str] = set()
    for row in entries:
        node = nodes.get(row.node)
        if node is None or row.op != node.op or row.atoms != node.vqs or row.node in seen or row.op not in OPS:
            yield _finding(
                "ATOM-52", f"the entry of '{row.node}' names no node, or not its op and atoms once", row.node
            )
            return
        seen.add(row.node)
        asked = durations.get((row.op.partition(".")[2], len(row.atoms)))
        if row.start_us < -EPSILON or (asked is not None and abs(asked - row.duration_us) > EPSILON):
            text = (
                f"'{row.node}' takes {row.duration_us:g} us from {row.start_us:g} us, not {asked or 0:g} us from 0 on"
            )
            yield _finding("ATOM-52", text, row.node)
            return


def _alone(entries: list[Entry], profile: Profile) -> Iterator[Finding]:
    """Each atom by itself."""
    last: dict[str, Entry] = {}
    ready: dict[str, float] = {}
    cooldown = profile.timing.cooldown
    for row in entries:
        for atom in row.atoms:
            before = last.get(atom)
            if before is not None and row.start_us < before.end_us - EPSILON:
                yield _finding("ATOM-48", f"'{atom}' is in '{before.node}' and in '{row.node}' at once", row.node)
            elif before is not None and row.start_us < ready.get(atom, 0.0) - EPSILON and row.op != "atoms.wait":
                text = f"'{atom}' is used {row.start_us - ready[atom] + cooldown:g} us after its measurement"
                yield _finding("ATOM-49", f"{text}, but the cooldown is {cooldown:g} us", row.node)
            if OPS[row.op].op_class == "measure":
                ready[atom] = row.end_us + cooldown
            last[atom] = row


def _at_once(entries: list[Entry], nodes: dict[str, Node], timeline: Timeline, profile: Profile) -> Iterator[Finding]:
    """Gates and moves that run at one time, with the atoms where they are then."""
    assert profile.geometry is not None
    array = Array(profile, timeline.configuration)
    for atom, site in timeline.sites.items():
        array.home[atom] = site
        array._put(atom, site)  # pyright: ignore[reportPrivateUsage]
    running: list[tuple[float, int, Entry]] = []
    for number, row in enumerate(entries):
        while running and running[0][0] <= row.start_us + EPSILON:
            _, _, done = heapq.heappop(running)
            if done.op == "atoms.move":
                _moved(array, nodes[done.node])
        if row.op == "atoms.move" or OPS[row.op].op_class == "unitary":
            heapq.heappush(running, (row.end_us, number, row))
            yield from _together([entry for _, _, entry in running], row, array, profile)


def _moved(array: Array, node: Node) -> None:
    aims = {atom: array.site_at(point) for atom, point in zip(node.vqs, node.args["to"], strict=True)}
    array.put({atom: site for atom, site in aims.items() if site is not None})


def _together(running: list[Entry], row: Entry, array: Array, profile: Profile) -> Iterator[Finding]:
    timing = profile.timing
    gates = [entry for entry in running if entry.op != "atoms.move"]
    pairs = [entry for entry in gates if len(entry.atoms) > 1]
    if row.op == "atoms.move" or (row in pairs and len(gates) < len(running)):
        if pairs:
            other = next(entry for entry in running if entry is not row)
            yield _finding(
                "ATOM-51", f"'{row.node}' and '{other.node}' run at once, and one of them moves atoms", row.node
            )
        return
    several = len(row.atoms) > 1
    alike = pairs if several else [entry for entry in gates if len(entry.atoms) == 1]
    limit = timing.two_qubit if several else timing.one_qubit
    if limit and len(alike) > limit:
        yield _finding("ATOM-50", f"{len(alike)} gates at once, but {profile.name} runs {limit}", row.node)
    if timing.per_zone:
        for zone in {array.sites[array.where[atom]].zone for atom in row.atoms}:
            count = sum(any(array.sites[array.where[a]].zone == zone for a in entry.atoms) for entry in gates)
            if count > timing.per_zone:
                text = f"{count} gates at once in zone '{zone}', but {profile.name} runs {timing.per_zone}"
                yield _finding("ATOM-50", text, row.node)
    for other in pairs if several else ():
        if other is not row:
            ends = itertools.product((array.where[a] for a in row.atoms), (array.where[b] for b in other.atoms))
            if any(array.radius(s, t) and not array.too_far(s, t) for s, t in ends):
                yield _finding("ATOM-51", f"'{row.node}' and '{other.node}' run at once within the radius", row.node)
                return
