"""When what happens on a device, and whether a timeline keeps the device's rules."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from qmk.base.errors import Finding
from qmk.models.atoms.array import Array
from qmk.models.atoms.carrying import Carrier
from qmk.models.atoms.layers import is_turn, turn_kind
from qmk.models.atoms.machine import NativeGate
from qmk.models.atoms.nearby import Cells
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

KEY = "atoms"
"""The key of the timeline in a graph's metadata."""

EPSILON = 1e-5
"""How far times that were written as decimals may be off, in us."""


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
    found = [*_check_start(timeline, profile), *_check_nodes(timeline.timeline, nodes, profile)]
    if not found:
        found += [*_check_each_atom(entries, profile), *_check_together(entries, nodes, timeline, profile)]
        found += _check_turns(entries, nodes) if profile.timing.alike else ()
    return sorted(found, key=lambda row: row.rule)


def _finding(rule: str, message: str, node: str = "") -> Finding:
    return Finding(rule, message, ATOM_RULES[rule].help, node)


def _check_start(timeline: Timeline, profile: Profile) -> Iterator[Finding]:
    """Every atom begins at a site of the device."""
    sites: set[int] = set() if profile.geometry is None else {site.id for site in profile.geometry.sites}
    lost = [atom for row in timeline.timeline for atom in row.atoms if timeline.sites.get(atom) not in sites]
    lost += [atom for atom, site in timeline.sites.items() if site not in sites]
    if lost:
        yield _finding("ATOM-52", f"'{lost[0]}' begins at no site of {profile.name}")


def _check_nodes(entries: Iterable[Entry], nodes: dict[str, Node], profile: Profile) -> Iterator[Finding]:
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


def _check_each_atom(entries: list[Entry], profile: Profile) -> Iterator[Finding]:
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


def _check_turns(entries: list[Entry], nodes: dict[str, Node]) -> Iterator[Finding]:
    """Gates on one qubit that run at one time are the same gate, and begin together."""
    now: Entry | None = None
    for row in entries:
        node = nodes[row.node]
        if not is_turn(node) or not row.duration_us:
            continue
        if now is not None and row.start_us < now.end_us - EPSILON:
            together = abs(row.start_us - now.start_us) <= EPSILON
            if not together or turn_kind(node) != turn_kind(nodes[now.node]):
                yield _finding("ATOM-53", f"'{row.node}' runs while '{now.node}' does, another gate", row.node)
        now = row if now is None or row.end_us > now.end_us else now


def _check_move(row: Entry, node: Node, carrier: Carrier) -> Iterator[Finding]:
    """A move keeps the device's rules about moves, with its atoms where they are then."""
    array = carrier.array
    aims = {a: s for a, p in zip(row.atoms, node.args["to"], strict=True) if (s := array.site_at(p)) is not None}
    if len(aims) < len(row.atoms) or any(atom not in array.where for atom in aims):
        yield _finding("ATOM-29", f"'{row.node}' ends where no site is, or moves an atom that is not there", row.node)
        return
    yield from (_finding(fault.rule, fault.message, row.node) for fault in carrier.faults(aims))
    needed = carrier.duration(aims)
    if row.duration_us < needed - EPSILON:
        text = f"'{row.node}' takes {row.duration_us:g} us, but its distance takes {needed:g} us"
        yield _finding("ATOM-41", text, row.node)


def _check_together(
    entries: list[Entry], nodes: dict[str, Node], timeline: Timeline, profile: Profile
) -> Iterator[Finding]:
    """Gates and moves that run at one time, with the atoms where they are then."""
    array = Array(profile, timeline.configuration)
    array.begin(timeline.sites)
    freed = {atom for node in nodes.values() if node.op == "core.free" for atom in node.vqs}
    last = {atom: (row.end_us, number) for number, row in enumerate(entries) for atom in row.atoms if atom in freed}
    leaving = sorted(((end, number, atom) for atom, (end, number) in last.items()), reverse=True)
    running: list[tuple[float, int, Entry]] = []
    now = _Running(array)
    carrier = Carrier(array)
    for number, row in enumerate(entries):
        while running and running[0][0] <= row.start_us + EPSILON:
            _, _, done = heapq.heappop(running)
            now.end(done)
            if done.op == "atoms.move":
                aims = zip(done.atoms, nodes[done.node].args["to"], strict=True)
                fault = array.put({atom: site for atom, point in aims if (site := array.site_at(point)) is not None})
                if fault is not None:
                    yield _finding(fault.rule, fault.message, done.node)
        # an atom whose last entry takes no time is still there when that entry begins
        while leaving and leaving[-1][0] <= row.start_us + EPSILON and leaving[-1][1] < number:
            array.unload(leaving.pop()[2])
        array.begin({atom: timeline.sites[atom] for atom in row.atoms})
        if row.op == "atoms.move" or OPS[row.op].op_class == "unitary":
            heapq.heappush(running, (row.end_us, number, row))
            yield from (_finding(rule, message, row.node) for rule, message in now.begin(row))
            if row.op == "atoms.move":
                yield from _check_move(row, nodes[row.node], carrier)


class _Running:
    """What runs now, in numbers; where gates on several atoms run."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.profile = array.profile
        self.counts: Counter[str] = Counter()
        self.where: dict[str, tuple[int, ...]] = {}
        self.cells: Cells[int] = Cells(array.reach)
        self.gates = {(gate.name, gate.arity): gate for gate in array.profile.gates}

    def _words(self, row: Entry) -> list[str]:
        """What is counted of an entry."""
        if row.op == "atoms.move":
            return ["moves"]
        zones = {f"zone '{self.array.sites[site].zone}'" for site in self.where[row.node]}
        return ["gates on several atoms" if len(row.atoms) > 1 else "gates on one atom", *sorted(zones)]

    def end(self, row: Entry) -> None:
        self.counts.subtract(self._words(row))
        for site in self.where.pop(row.node):
            self.cells.drop(site)

    def begin(self, row: Entry) -> Iterator[tuple[str, str]]:
        """Rules that are broken by what runs already, with messages."""
        absent = next((atom for atom in row.atoms if atom not in self.array.where), None)
        if absent is not None:
            yield "ATOM-30", f"'{absent}' is at a site that is taken when '{row.node}' begins"
            self.where[row.node] = ()
            return
        self.where[row.node] = tuple(self.array.where[atom] for atom in row.atoms)
        words = self._words(row)
        self.counts.update(words)
        timing, several, name = self.profile.timing, len(row.atoms) > 1, self.profile.name
        if self.counts["moves"] and self.counts["gates on several atoms"] and (several or row.op == "atoms.move"):
            yield "ATOM-51", f"'{row.node}' runs while atoms move and gates on several atoms run"
        if row.op == "atoms.move":
            return
        limits = [timing.two_qubit if several else timing.one_qubit, *[timing.per_zone] * (len(words) - 1)]
        for word, limit in zip(words, limits, strict=True):
            if limit and self.counts[word] > limit:
                yield "ATOM-50", f"{self.counts[word]} at once of {word}, but {name} runs {limit}"
        if several:
            key = row.op.partition(".")[2], len(row.atoms)
            fault = self.array.gate_fault(self.gates.get(key) or NativeGate(*key), row.atoms)
            if fault is not None:
                yield fault
            sites = self.where[row.node]
            near = (pair for s in sites for pair in self._sites_near(s) if pair not in sites)
            if next(near, None) is not None:
                yield "ATOM-51", f"'{row.node}' runs within the radius of another gate"
            for site in sites:
                self.cells.put(site, self.array.sites[site].point)

    def _sites_near(self, site: int) -> Iterator[int]:
        for _, other in self.cells.near(self.array.sites[site].point, self.array.reach):
            if self.array.radius(site, other) and not self.array.too_far(site, other):
                yield other
