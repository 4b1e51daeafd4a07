"""What a program needs, counted in one linear pass over a verified graph.

Depth counts layers of ops that act on qubits or events (gates, measurements, resets, feed-forward, event logic, uses of
channels), with guards and inputs waiting for the events they read; allocation counts no layer; a fence, or a barrier
without operands, ends the layer of every qubit. Widths and bonds are upper bounds: a qubit that is reset is still
counted as joined. What happens inside a use of a channel is not the program's own and is not counted.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from qmk.ir.clifford import quarter_turns
from qmk.ir.t_count import Magic, magic
from qmk.qvm.families import OPS, analog, noise
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.link import bell_pairs
from qmk.qvm.op import Op

_PAULIS = frozenset(("core.id", "core.x", "core.y", "core.z", "core.condpauli"))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one graph; all numbers are exact unless the field says otherwise."""

    nodes: int
    qubits_declared: int
    qubits_live_max: int
    """largest number of qubits alive at once"""
    channels: int
    events: int
    """events that some node writes"""
    epochs: int
    """fences + 1"""
    depth: int
    ops: dict[str, int]
    """nodes by namespaced op"""
    unitaries: int
    """gates, composites and evolutions"""
    two_qubit: int
    """unitaries (and composites) on two qubits"""
    multi_qubit: int
    """unitaries (and composites) on three or more"""
    measurements: int
    resets: int
    t_count: int
    """T gates after exact lowering, rotations by odd multiples of pi/4 among them"""
    rotations: int
    """non-Clifford gates with no exact form in Clifford + T here: each needs approximate synthesis"""
    non_clifford: int
    """unitaries, composites and measurements at an angle that are not Clifford"""
    clifford_fraction: float
    """Clifford unitaries over all unitaries and composites; 1.0 without any"""
    mid_circuit: bool
    """a qubit is used again after it was measured, or a condition exists"""
    feed_forward: Literal["none", "pauli", "full"]
    """"pauli": every condition is an XOR of events on Pauli gates"""
    has_reset: bool
    """a reset, or a qubit name allocated again after it was freed"""
    has_logic: bool
    noise: int
    """error channels on qubits that may err"""
    noise_kinds: tuple[str, ...]
    """what running them takes, in order: "kraus" (general channels), "pauli" (Pauli channels, and readings that may be
    wrong and that a condition depends on)"""
    noisy_readings: int
    """readings of events that may be wrong and that a condition depends on, directly or through event logic"""
    entangling_width: int
    """size of the largest set of qubits joined by entangling ops: an upper bound on what a state must hold at once"""
    max_bond_log2: float
    """upper bound on log2 of the bond dimension over all cuts of the qubits in order of allocation"""

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


def summarise(graph: Graph) -> Summary:
    """The summary of a verified graph. Linear in its nodes and operands."""
    tally = _Tally()
    for node in graph.nodes:
        tally.take(node, OPS[node.op])
    return tally.summary(graph)


class _Tally:
    """Running counts; a qubit is known by its line, a number that each ALLOC hands out anew."""

    def __init__(self) -> None:
        self.ops: dict[str, int] = {}
        self.lines: dict[str, int] = {}
        self.freed: set[str] = set()
        self.n_lines = 0
        self.live_max = 0
        self.measured: set[int] = set()
        self.levels: list[int] = []
        self.event_levels: dict[str, int] = {}
        self.floor = self.deepest = 0
        self.root: list[int] = []
        self.size: list[int] = []
        self.spans: list[tuple[int, int, int]] = []
        self.unitaries = self.two = self.multi = self.non_clifford = self.t_count = self.rotations = 0
        self.measurements = self.slanted = self.resets = self.fences = 0
        self.mid_circuit = self.conditions = self.full = self.reused = False
        self.magic: dict[Any, Magic] = {}
        self.wide: set[str] = set()
        self.ends: dict[str, list[int]] = {}
        self.noise = 0
        self.noise_kinds: set[str] = set()

    def take(self, node: Node, op: Op) -> None:
        self.ops[node.op] = self.ops.get(node.op, 0) + 1
        if op.op_class == "lifecycle":
            self._lifecycle(node, op)
            return
        lines = [self.lines[name] for name in node.vqs]
        if op.op_class in ("fence", "hint", "metadata", "channel"):
            self.fences += op.op_class == "fence"
            if op.op_class == "channel":
                self._channel(node, op, lines)
            elif op.op_class in ("fence", "hint"):
                self._synchronise(lines if op.op_class == "hint" else [])
            return
        if op.op_class == "noise" and node.vqs:
            self._noise(node, op, lines)
            return
        self._layer(node, lines)
        self._conditions(node, op)
        looks = op.name == "atoms.check"  # whether there is an atom, and not at its qubit
        if not looks and not self.measured.isdisjoint(lines):
            self.mid_circuit = True
        if op.op_class in ("unitary", "composite", "evolution"):
            self._gate(node)
            if op.op_class == "evolution" and analog.is_noisy(node.op, node.args):
                if node.op == "analog.rydberg3":
                    self.noise_kinds.add("levels")
                if analog.has_noise(node.args):
                    self.noise_kinds.add("analog")
        elif op.op_class == "measure":
            self.measurements += 1
            if not looks:
                self.measured.update(lines)
            self.slanted += op.name == "core.mangle" and quarter_turns(node.args["theta"]) is None
            if op.name == "core.mbell" and len(node.produces) == 1:
                self.wide.update(node.produces)
        elif op.op_class == "reset":
            self.resets += 1
        if len(lines) > 1 and op.entangling:
            self._join(lines)
            self.spans.append((min(lines), max(lines), bell_pairs(node)))

    def _lifecycle(self, node: Node, op: Op) -> None:
        if op.name == "core.free":
            for name in node.vqs:
                self.lines.pop(name, None)
            self.freed.update(node.vqs)
            return
        for name in node.vqs:
            self.reused = self.reused or name in self.freed
            self.lines[name] = self.n_lines
            self.root.append(self.n_lines)
            self.size.append(1)
            self.levels.append(0)
            self.n_lines += 1
        self.live_max = max(self.live_max, len(self.lines))

    def _noise(self, node: Node, op: Op, lines: list[int]) -> None:
        """It takes no time of its own, and what it does to a measured qubit shows only when the qubit is used."""
        kind = noise.kind(op, node)
        if kind == "none":
            return
        self.noise += 1
        self.noise_kinds.add(kind)
        if len(lines) > 1 and kind != "loss":
            self._join(lines)
            self.spans.append((min(lines), max(lines), 2 if kind == "kraus" else 0))

    def _channel(self, node: Node, op: Op, lines: list[int]) -> None:
        """A use moves or exchanges the states of the channel's ends, and with them what they are entangled with."""
        name = node.chs[0]
        if op.channel_effect == "open":
            self.ends[name] = lines
        elif op.channel_effect == "use":
            ends = self.ends[name]
            self._layer(node, ends)
            self._join(ends)
            self.spans.append((min(ends), max(ends), 2))

    def _layer(self, node: Node, lines: list[int]) -> None:
        if not lines and not node.produces:
            return
        level = self.floor
        for line in lines:
            level = max(level, self.levels[line])
        reads = (*node.inputs, *(node.guard.events() if node.guard is not None else ()))
        for event in reads:
            level = max(level, self.event_levels.get(event, 0))
        level += 1
        for line in lines:
            self.levels[line] = level
        for event in node.produces:
            self.event_levels[event] = level
        self.deepest = max(self.deepest, level)

    def _synchronise(self, lines: list[int]) -> None:
        if not lines:
            self.floor = self.deepest
            return
        level = max(self.levels[line] for line in lines)
        for line in lines:
            self.levels[line] = level

    def _conditions(self, node: Node, op: Op) -> None:
        guard, feeds = node.guard, op.op_class == "feedforward"
        if guard is None and not feeds:
            return
        self.conditions = True
        both = guard is not None and feeds
        if both or op.name not in _PAULIS or (guard is not None and not self._is_bit(guard)):
            self.full = True

    def _is_bit(self, guard: Guard) -> bool:
        """Whether the guard is one event of one bit being 1."""
        return guard.type == "eq" and guard.value == 1 and guard.event not in self.wide

    def _gate(self, node: Node) -> None:
        self.unitaries += 1
        width = len(node.vqs)
        self.two += width == 2
        self.multi += width > 2
        cost = self._magic(node)
        self.non_clifford += not cost.clifford
        self.t_count += cost.t_count
        self.rotations += cost.rotations

    def _magic(self, node: Node) -> Magic:
        """What the gate costs beyond Clifford; remembered per op and angles."""
        if "params" in node.args or OPS[node.op].op_class == "evolution":
            return magic(node.op, node.args, len(node.vqs))
        key = (node.op, *node.args.values()) if node.args else node.op
        found = self.magic.get(key)
        if found is None:
            found = magic(node.op, node.args, len(node.vqs))
            if len(self.magic) < 4096:
                self.magic[key] = found
        return found

    def _find(self, line: int) -> int:
        root = self.root
        while root[line] != line:
            root[line] = root[root[line]]
            line = root[line]
        return line

    def _join(self, lines: list[int]) -> None:
        first = self._find(lines[0])
        for line in lines[1:]:
            other = self._find(line)
            if other != first:
                if self.size[other] > self.size[first]:
                    first, other = other, first
                self.root[other] = first
                self.size[first] += self.size[other]

    def _bond(self) -> float:
        """Largest over the cuts of: ranks of the ops that cross it, at most the qubits on its smaller side."""
        change = [0] * (self.n_lines + 1)
        for low, high, rank in self.spans:
            change[low] += rank
            change[high] -= rank
        best = crossing = 0
        for cut in range(self.n_lines - 1):
            crossing += change[cut]
            best = max(best, min(crossing, cut + 1, self.n_lines - 1 - cut))
        return float(best)

    def summary(self, graph: Graph) -> Summary:
        has_reset = self.resets > 0 or self.reused or "magic.inject_t" in self.ops
        readings, skewed = noisy_readings(graph) if "noise.readout" in self.ops else (0, False)
        return Summary(
            nodes=len(graph.nodes),
            qubits_declared=len(graph.vqs),
            qubits_live_max=self.live_max,
            channels=len(graph.chs),
            events=len(self.event_levels),
            epochs=self.fences + 1,
            depth=self.deepest,
            ops=dict(sorted(self.ops.items())),
            unitaries=self.unitaries,
            two_qubit=self.two,
            multi_qubit=self.multi,
            measurements=self.measurements,
            resets=self.resets,
            t_count=self.t_count,
            rotations=self.rotations,
            non_clifford=self.non_clifford + self.slanted,
            clifford_fraction=1.0 - self.non_clifford / self.unitaries if self.unitaries else 1.0,
            mid_circuit=self.mid_circuit or self.conditions,
            feed_forward="full" if self.full or skewed else "pauli" if self.conditions else "none",
            has_reset=has_reset,
            has_logic="core.lut" in self.ops,
            noise=self.noise,
            noise_kinds=tuple(sorted(self.noise_kinds | ({"pauli"} if readings else set[str]()))),
            noisy_readings=readings,
            entangling_width=max(self.size, default=0),
            max_bond_log2=self._bond(),
        )


def noisy_readings(graph: Graph) -> tuple[int, bool]:
    """How many readings that may be wrong a condition depends on, and whether one of them errs more on one value than
    on the other. The others change what is printed, never what is done."""
    needed: set[str] = set()
    found, skewed = 0, False
    for node in reversed(graph.nodes):
        if node.guard is not None:
            needed.update(node.guard.events())
        if node.op == "core.condpauli":
            needed.update(node.inputs)
        elif node.inputs and not needed.isdisjoint(node.produces):
            needed.update(node.inputs)
            p01, p10 = (float(node.args.get(name, 0.0)) for name in ("p01", "p10"))
            if p01 or p10:
                found += 1
                skewed = skewed or p01 != p10
    return found, skewed
