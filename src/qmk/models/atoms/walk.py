"""A program in native gates on a device: every op as soon as it can start, waits and moves written out, with noise.

Where the light of a gate reaches a whole zone, gates of one kind run in one pulse, pulses and moves one after another.
Elsewhere a gate on several atoms waits for those within the radius.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from qmk.base.errors import Finding
from qmk.base.limits import LIMITS, check
from qmk.models.atoms.array import Array, Fault
from qmk.models.atoms.carrying import Carrier, Moves, Planner
from qmk.models.atoms.clock import EPSILON, Clock, Demand
from qmk.models.atoms.device_errors import Noise
from qmk.models.atoms.layers import alike, is_turn, late_turns, layers
from qmk.models.atoms.native_gates import NativeGates
from qmk.models.atoms.nearby import Busy
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.models.atoms.timeline import Entry
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

ROUNDING = 1e-6
"""Durations of moves are written to this many us."""


class Walk:
    """``nodes``, ``entries`` and ``findings`` after ``run``; ``sites``: where atoms were first."""

    def __init__(self, graph: Graph, profile: Profile, configuration: str = "") -> None:
        self.graph = graph
        self.profile = profile
        self.configuration = configuration
        self.native = NativeGates(graph, profile)
        self.array = Array(profile, configuration)
        self.clock = Clock(profile.timing)
        self.carrier = Carrier(self.array)
        planned = profile.transport is not None and not any(node.op == "atoms.move" for node in graph.nodes)
        self.planner = Planner(self.array, self.carrier) if planned else None
        self.noise = Noise(profile.mishaps, self.native.ids)
        self.nodes: list[Node] = []
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self.sites: dict[str, int] = {}
        self.moves_end = self.pulses_end = self.flash_end = 0.0
        self.lit = profile.blockade.light == "zone"
        self.busy = Busy(self.array.reach)
        self.numbers = itertools.count()

    def run(self) -> None:
        found = layers([made for node in self.graph.nodes for made in self.native.nodes(node)])
        if self.profile.timing.alike:
            found = late_turns(found)
        self._begin([gates for gates, _ in found])
        for at, (gates, rest) in enumerate(found):
            for batch in self._kinds(gates):
                self._join(batch)
            if gates and at + 1 < len(found):
                self._between(found[at + 1][0])
            for group in alike(rest) if self.profile.timing.alike else ([node] for node in rest):
                self._rest(group)
            self._end_layer()
            if len(self.findings) >= LIMITS.findings:
                break
        self._finish()
        self.findings = [*self.native.findings, *self.findings][: LIMITS.findings]

    def _begin(self, steps: Sequence[Sequence[Node]]) -> None:
        """Before the first layer; ``steps``: the gates on several qubits of each."""

    def _between(self, gates: Sequence[Node]) -> None:
        """After the pulses of a layer; ``gates``: those of the next one."""
        if self.planner is not None:
            self._send_home(self.planner, gates)

    def _rest(self, group: list[Node]) -> None:
        """One op that is not a gate on several qubits, or equal gates on one qubit."""
        if is_turn(group[0]):
            self._flash(group)
        else:
            self._node(group[0])

    def _end_layer(self) -> None:
        """After a layer."""

    def _finish(self) -> None:
        """After the last layer."""

    def _fault(self, fault: Fault, node: str = "") -> None:
        origin = self.native.origin.get(node, node)
        self.findings.append(Finding(fault.rule, fault.message, ATOM_RULES[fault.rule].help, origin))

    def _fresh(self, word: str) -> str:
        return next(name for k in self.numbers if (name := f"{word}{k}") not in self.native.ids)

    # -- time

    def _inputs_ready(self, node: Node) -> float:
        reads = (*node.inputs, *(node.guard.events() if node.guard is not None else ()))
        return max((self.clock.events.get(event, 0.0) for event in reads), default=0.0)

    def _wait(self, atoms: Iterable[str], start: float) -> None:
        """Write out how long atoms wait until ``start``; those that wait equally long, together."""
        alike: dict[tuple[float, ...], list[str]] = {}
        for atom in atoms:
            pieces = self.clock.waits(atom, start)
            if pieces:
                alike.setdefault((self.clock.done[atom], *pieces), []).append(atom)
        for (begin, *pieces), waiting in alike.items():
            for k, piece in enumerate(pieces):
                node = Node(self._fresh("wait"), "atoms.wait", {"duration": piece}, tuple(waiting))
                self._append(node, begin + k * piece, piece)
                for atom in waiting:
                    self.nodes += self.noise.idle_nodes(atom, piece)

    def _append(self, node: Node, start: float, duration: float) -> None:
        check("nodes", len(self.nodes), f"the program on {self.profile.name}")
        self.nodes.append(node)
        self.entries.append(Entry(round(start, 6), round(duration, 6), node.op, node.id, node.vqs))

    def _run_at(self, node: Node, start: float, duration: float, demand: Demand | None = None) -> None:
        self._wait(node.vqs, start)
        self._append(node, start, duration)
        self.clock.take(node.vqs, start, duration, demand)
        self.clock.events.update(dict.fromkeys(node.produces, start + duration))

    # -- ops on single atoms, and what takes no time

    def _node(self, node: Node) -> None:
        op, timing = OPS[node.op], self.profile.timing
        if node.op == "core.alloc":
            self._load(node)
        elif node.op == "core.free":
            self.nodes.append(node)
            for atom in node.vqs:
                self.array.unload(atom)
        elif node.op in ("atoms.place", "atoms.move"):
            self._carry(node)
        elif node.op == "atoms.wait":
            self._given_wait(node)
        elif op.op_class in ("measure", "reset"):
            times = {"core.reset": timing.reset, "atoms.reload": timing.reload}
            self._run_at(
                node, self.clock.earliest(node.vqs, self._inputs_ready(node)), times.get(node.op, timing.measurement)
            )
            if op.op_class == "measure":
                self._check_measurement(node)
        elif op.op_class in ("evolution", "channel", "composite"):
            self._fault(Fault("ATOM-27", f"{self.profile.name} has no {node.op}"), node.id)
        else:
            self._append_untimed(node, op.op_class)

    def _flash(self, nodes: list[Node]) -> None:
        """Gates on one qubit each; where those of one time are alike they begin together, after those before them."""
        together = self.profile.timing.alike
        demand = self._demand(nodes[:1])
        starts = [self.clock.earliest(node.vqs, self._inputs_ready(node), demand) for node in nodes]
        start = max([self.flash_end, *starts]) if together else 0.0
        for node, first in zip(nodes, starts, strict=True):
            self._run_at(node, start if together else first, self.native.gate(node).duration, demand)
            self.nodes += self.noise.loss_nodes(self.profile.mishaps.gate_loss, node.vqs)
        self.flash_end = start + self.native.gate(nodes[0]).duration

    def _check_measurement(self, node: Node) -> None:
        for atom in node.vqs:
            self.clock.ready[atom] += self.profile.timing.cooldown
            site = self.array.where.get(atom)
            if site is not None and not self.array.zone(site).measures:
                zone = self.array.sites[site].zone
                self._fault(Fault("ATOM-38", f"'{atom}' is in zone '{zone}', which does not measure"), node.id)

    def _append_untimed(self, node: Node, op_class: str) -> None:
        """Logic, corrections, noise, fences and hints."""
        self.nodes.append(node)
        clock = self.clock
        if op_class in ("fence", "hint"):
            if node.vqs:
                then = max(clock.ready.get(atom, 0.0) for atom in node.vqs)
                clock.ready.update({atom: then for atom in node.vqs if atom in clock.ready})
            else:
                clock.floor = max([clock.floor, *clock.ready.values()])
        else:
            clock.events.update(dict.fromkeys(node.produces, max(clock.floor, self._inputs_ready(node))))

    def _load(self, node: Node) -> None:
        self.nodes.append(node)
        missing = 0
        for atom in node.vqs:
            if not self.array.load(atom):
                missing += 1
                continue
            self.sites.setdefault(atom, self.array.where[atom])
            crowded = self.array.crowding_fault(atom)
            if crowded is not None:
                self._fault(crowded, node.id)
        if missing:
            text = f"{missing} qubits more than the {self.array.atoms} atoms of the configuration"
            self._fault(Fault("ATOM-28", text), node.id)
        self.clock.begin(node.vqs)
        self.nodes += self.noise.loss_nodes(self.profile.mishaps.load_loss, node.vqs)

    def _given_wait(self, node: Node) -> None:
        timing, duration = self.profile.timing, float(node.args["duration"])
        if duration and (duration < timing.min_wait or (timing.max_wait and duration > timing.max_wait)):
            text = f"a wait of {duration:g} us, but {self.profile.name} waits {timing.min_wait:g} us or more"
            self._fault(
                Fault("ATOM-39", text + (f", up to {timing.max_wait:g} us" if timing.max_wait else "")), node.id
            )
        self._run_at(node, self.clock.earliest(node.vqs, self._inputs_ready(node)), duration)
        for atom in node.vqs:
            self.nodes += self.noise.idle_nodes(atom, duration)

    # -- moves

    def _carry(self, node: Node) -> None:
        """A move, or a place, that the program asks for."""
        key = "to" if node.op == "atoms.move" else "positions"
        aims: Moves = {}
        for atom, point in zip(node.vqs, node.args[key], strict=True):
            site = self.array.site_at(point)
            if site is None or atom not in self.array.where:
                self._fault(Fault("ATOM-29", f"'{atom}': no site at {point} um"), node.id)
                return
            aims[atom] = site
        if node.op == "atoms.place":
            fault = self.array.put(aims)
            if fault is not None:
                self._fault(fault, node.id)
                return
            self.nodes.append(node)
            self.array.home |= aims
            self.sites |= aims
            return
        needed, given = self.carrier.duration(aims), float(node.args["duration"])
        if 0 < given < needed - ROUNDING:
            self._fault(Fault("ATOM-41", f"a move of {given:g} us, but its distance takes {needed:.6g} us"), node.id)
        self._move(aims, node, max(needed, given))

    def _move(self, moves: Moves, node: Node | None = None, duration: float | None = None) -> None:
        """One move of the device: the program's ``node``, or one that is planned."""
        if node is None:
            points = [list(self.array.sites[site].point) for site in moves.values()]
            node = Node(self._fresh("move"), "atoms.move", {"to": points, "duration": 0.0}, tuple(moves))
        duration = self.carrier.duration(moves) if duration is None else duration
        for fault in self.carrier.faults(moves):
            self._fault(fault, node.id)
        fault = self.array.put(moves)
        if fault is not None:
            self._fault(fault, node.id)
        start = self.clock.earliest(moves, max(self.moves_end, self.pulses_end, self._inputs_ready(node)))
        until = self.carrier.transport.limits.until
        if until and start > until + EPSILON:
            self._fault(Fault("ATOM-44", f"a move at {start:g} us, but atoms move until {until:g} us"), node.id)
        timed = Node(node.id, node.op, {**node.args, "duration": round(duration, 6)}, node.vqs, guard=node.guard)
        self._run_at(timed, start, duration)
        self.moves_end = start + duration
        mishaps = self.profile.mishaps
        for atom in self.array.where if mishaps.move or mishaps.stay else ():
            self.nodes += self.noise.errors("move" if atom in moves else "stay", atom)
        self.nodes += self.noise.loss_nodes(mishaps.move_loss, moves)

    # -- gates on several atoms

    def _kinds(self, gates: Sequence[Node]) -> list[list[Node]]:
        """Gates of a layer that run together: under light that reaches a zone, those that are one pulse."""
        if not self.lit:
            return [list(gates)] if gates else []
        kinds: dict[str, list[Node]] = {}
        for node in gates:
            kinds.setdefault(repr((node.op, node.args, node.guard)), []).append(node)
        return list(kinds.values())

    def _gate_fault(self, node: Node) -> Fault | None:
        return self.array.gate_fault(self.native.gate(node), node.vqs)

    def _join(self, pending: list[Node]) -> None:
        """Run gates of one layer, as many at a time as have places. Those on qubits without an atom, of which there is
        a finding already, are left out."""
        pending = [node for node in pending if all(atom in self.array.where for atom in node.vqs)]
        while pending:
            now, pending = (pending, []) if self.planner is None else self._bring(self.planner, pending)
            sound = self._sound(now or pending)
            pending = pending if now else []
            if self.lit:
                self._pulse(sound)
            else:
                for node in sound:
                    self._gate(node)

    def _sound(self, gates: Sequence[Node]) -> list[Node]:
        """Those that can run where their atoms are; the others are findings."""
        sound: list[Node] = []
        for node in gates:
            fault = self._gate_fault(node)
            if fault is None:
                sound.append(node)
            else:
                self._fault(fault, node.id)
        return sound

    def _send_home(self, planner: Planner, gates: Sequence[Node]) -> None:
        """Atoms away go home, but for those whose gate can run where they are."""
        there = (node for node in gates if all(atom in self.array.where for atom in node.vqs))
        staying = {atom for node in there if self._gate_fault(node) is None for atom in node.vqs}
        for moves in self.carrier.groups(planner.moves_home(staying)):
            self._move(moves)

    def _bring(self, planner: Planner, pending: list[Node]) -> tuple[list[Node], list[Node]]:
        """Which gates run now, their atoms being there, and which later."""
        most = min((n for n in (self.profile.timing.two_qubit, self.profile.timing.per_zone) if n), default=0)
        most = most if self.lit and most else len(pending)
        self._send_home(planner, pending)
        there = [node for node in pending if self._gate_fault(node) is None][:most]
        names = {node.id for node in there}
        rest = [node for node in pending if node.id not in names]
        pairs = [node for node in rest if len(node.vqs) == 2]
        pairs = pairs[: most - len(there)]
        chosen, moves = planner.places([(node.vqs[0], node.vqs[1]) for node in pairs])
        for group in self.carrier.groups(moves):
            self._move(group)
        there += [pairs[k] for k in chosen]
        names = {node.id for node in there}
        return there, [node for node in pending if node.id not in names]

    def _demand(self, nodes: Sequence[Node]) -> dict[str, tuple[int, int]]:
        """What gates that start together need of what is limited."""
        timing = self.profile.timing
        several = len(nodes[0].vqs) > 1
        width = timing.two_qubit if several else timing.one_qubit
        found = {f"gates on {'several' if several else 'one'}": (width, len(nodes))} if width else {}
        if timing.per_zone:
            for node in nodes:
                for zone in {self.array.sites[self.array.where[a]].zone for a in node.vqs if a in self.array.where}:
                    found[f"zone {zone}"] = timing.per_zone, found.get(f"zone {zone}", (0, 0))[1] + 1
        return found

    def _busy_until(self, site: int, start: float) -> float:
        """Until when a gate runs that one at ``site`` from ``start`` on would disturb."""
        array = self.array
        for other, until in self.busy.near(array.sites[site].point, start):
            if other is None or (array.radius(site, other) and not array.too_far(site, other)):
                start = max(start, until)
        return start

    def _gate(self, node: Node) -> None:
        """Once no gate nearby runs."""
        duration, demand = self.native.gate(node).duration, self._demand([node])
        start = self.clock.earliest(node.vqs, max(self._inputs_ready(node), self.moves_end), demand)
        sites = [self.array.where[atom] for atom in node.vqs]
        while (until := max(self._busy_until(site, start) for site in sites)) > start + EPSILON:
            start = self.clock.earliest(node.vqs, until, demand)
        for site in sites:
            self.busy.put(site, self.array.sites[site].point, start + duration)
        self._run_at(node, start, duration, demand)
        self.pulses_end = max(self.pulses_end, start + duration)
        self.nodes += self.noise.loss_nodes(self.profile.mishaps.gate_loss, node.vqs)

    def _pulse(self, gates: list[Node]) -> None:
        """All at once; whoever else is in a zone that entangles sees the light too."""
        if not gates:
            return
        demand, name = self._demand(gates), self.profile.name
        over = next((row for row in demand.values() if row[1] > row[0]), None)
        if over is not None:
            self._fault(Fault("ATOM-50", f"{over[1]} gates in one pulse, but {name} runs {over[0]}"), gates[0].id)
            return
        atoms = tuple(atom for node in gates for atom in node.vqs)
        after = max(self.moves_end, self.pulses_end, *(self._inputs_ready(node) for node in gates))
        start = self.clock.earliest(atoms, after, demand)
        duration = self.native.gate(gates[0]).duration
        self._wait(atoms, start)
        for node in gates:
            self._append(node, start, duration)
        self.clock.take(atoms, start, duration, demand)
        self.pulses_end = start + duration
        mishaps, part = self.profile.mishaps, set(atoms)
        for atom in [atom for atom in self.array.lit.points if atom not in part]:
            beside = self.array.spectator((self.array.where[atom],), frozenset((atom,)))
            if beside is not None:
                text = f"'{atom}' and '{beside[0]}' are {beside[1]} apart in the light of {gates[0].op}"
                self._fault(Fault("ATOM-37", text), gates[0].id)
                break
            self.nodes += self.noise.errors("unpaired", atom)
        self.nodes += self.noise.loss_nodes(mishaps.gate_loss, atoms)
