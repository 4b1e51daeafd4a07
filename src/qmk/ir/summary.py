"""What a program needs, counted in one linear pass over a verified graph, by the native core.

Depth counts layers of ops that act on qubits or events (gates, measurements, resets, feed-forward, event logic, uses of
channels), with guards and inputs waiting for the events they read; allocation counts no layer; a fence, or a barrier
without operands, ends the layer of every qubit. Widths and bonds are upper bounds: a qubit that is reset is still
counted as joined. What happens inside a use of a channel is not the program's own and is not counted.

The core is told what each op is by its declaration, and of each error channel what it does to its qubits.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from qmk.ir.evolutions import noise_kinds
from qmk.ir.t_count import magic
from qmk.qvm.families import OPS, noise
from qmk.qvm.graph import Graph, pack
from qmk.qvm.op import Op

if TYPE_CHECKING:
    import qmk_native

_JOINS: dict[noise.Kind, int] = {"none": 0, "loss": 0, "pauli": 1, "leak": 1, "kraus": 2}
"""What kinds of error channels do to their qubits: 0 joins nothing, 1 correlates them, 2 entangles them."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one graph; all numbers are exact unless the field says otherwise."""

    nodes: int
    qubits_declared: int
    qubits_live_max: int
    """Largest number of qubits alive at once."""
    channels: int
    events: int
    """Events that some node writes."""
    epochs: int
    """Fences + 1."""
    depth: int
    ops: dict[str, int]
    """Nodes by namespaced op."""
    unitaries: int
    """Gates, composites and evolutions."""
    two_qubit: int
    """Unitaries (and composites) on two qubits."""
    multi_qubit: int
    """Unitaries (and composites) on three or more."""
    measurements: int
    resets: int
    t_count: int
    """T gates after exact lowering, rotations by odd multiples of pi/4 among them."""
    rotations: int
    """Non-Clifford gates with no exact form in Clifford + T here: each needs approximate synthesis"""
    non_clifford: int
    """Unitaries, composites and measurements at an angle that are not Clifford."""
    clifford_fraction: float
    """Clifford unitaries over all unitaries and composites; 1.0 without any."""
    mid_circuit: bool
    """A qubit is used again after it was measured, or a condition exists."""
    feed_forward: Literal["none", "pauli", "full"]
    """"pauli": every condition is an XOR of events, or its negation, on Pauli gates"""
    has_reset: bool
    """A reset, or a qubit name allocated again after it was freed."""
    has_logic: bool
    noise: int
    """Error channels on qubits that may err."""
    noise_kinds: tuple[str, ...]
    """What running them takes, in order: "kraus" (general channels), "pauli" (Pauli channels, and readings that may be
    wrong and that a condition depends on)"""
    noisy_readings: int
    """Readings of events that may be wrong and that a condition depends on, directly or through event logic."""
    entangling_width: int
    """Size of the largest set of qubits joined by entangling ops: an upper bound on what a state must hold at once"""
    max_bond_log2: float
    """Upper bound on log2 of the bond dimension over all cuts of the qubits in order of allocation."""

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


class Count(msgspec.Struct, frozen=True):
    """The native core's numbers of a graph, with what is known of its errors."""

    numbers: dict[str, Any]
    noise: tuple[noise.Kind, ...]
    """Kinds of the error channels on qubits that may err, in program order."""
    evolutions: frozenset[str]
    """Kinds of noise of the evolutions: as ``Capabilities.noise`` names them."""
    readings: int
    """Readings of events that may be wrong and that a condition depends on."""
    skewed: bool
    """Whether such a reading errs more on one value than on the other."""

    def of_class(self, *classes: str) -> int:
        """Number of nodes whose op is of one of these classes."""
        return sum(count for op, count in self.numbers["ops"].items() if OPS[op].op_class in classes)

    @property
    def noise_kinds(self) -> frozenset[str]:
        """Everything that running the errors takes."""
        return frozenset((*self.noise, *self.evolutions, *(("pauli",) if self.readings else ())))

    @property
    def feed_forward(self) -> Literal["none", "pauli", "full"]:
        return "full" if self.skewed else self.numbers["feed_forward"]


def count(
    graph: Graph, packed: bytes, *, circuit: bool = False, leave_gates_open: bool = False
) -> tuple[Count, qmk_native.Circuit | None]:
    """Count a verified graph, of which ``packed`` is the ``pack``; give its circuit too where that is wanted and there
    is one. ``leave_gates_open``: the numbers do not say which gates are Clifford, but list the gates of each make."""
    kinds: list[noise.Kind] = []
    evolutions: set[str] = set()
    if b"noise." in packed or b"analog." in packed or b"dynamics." in packed:
        for node in graph.nodes:
            op = OPS[node.op]
            if op.op_class == "noise" and node.vqs:
                kinds.append(noise.kind(op, node))
            elif op.op_class == "evolution":
                evolutions.update(noise_kinds(node.op, node.args))
    numbers, found = _ops().look(packed, bytes(_JOINS[kind] for kind in kinds), circuit, leave_gates_open)
    readings, skewed = noisy_readings(graph) if "noise.readout" in numbers["ops"] else (0, False)
    erring: tuple[noise.Kind, ...] = tuple(kind for kind in kinds if kind != "none")
    return Count(numbers, erring, frozenset(evolutions), readings, skewed), found


@functools.cache
def _ops() -> qmk_native.Ops:
    import qmk_native

    return qmk_native.Ops([(op.name, _class_of(op), op.bases, op.rank_two) for op in OPS.values()])


def _class_of(op: Op) -> str:
    return op.channel_effect or (op.short if op.op_class == "lifecycle" else op.op_class)


def summarise(graph: Graph) -> Summary:
    """The summary of a verified graph. Linear in its nodes and operands."""
    found, _ = count(graph, pack(graph), leave_gates_open=True)
    numbers, ops = found.numbers, found.numbers["ops"]
    non_clifford = t_count = rotations = 0
    undecided: list[tuple[int, int]] = numbers["open"]
    for at, times in undecided:
        node = graph.nodes[at]
        cost = magic(node.op, node.args, len(node.vqs))
        non_clifford += times * (not cost.clifford)
        t_count += times * cost.t_count
        rotations += times * cost.rotations
    return Summary(
        nodes=len(graph.nodes),
        qubits_declared=len(graph.vqs),
        qubits_live_max=numbers["qubits"],
        channels=len(graph.chs),
        events=numbers["events"],
        epochs=found.of_class("fence") + 1,
        depth=numbers["depth"],
        ops=ops,
        unitaries=numbers["gates"],
        two_qubit=numbers["two_qubit"],
        multi_qubit=numbers["multi_qubit"],
        measurements=found.of_class("measure"),
        resets=found.of_class("reset"),
        t_count=t_count,
        rotations=rotations,
        non_clifford=non_clifford + numbers["non_clifford"],
        clifford_fraction=1.0 - non_clifford / numbers["gates"] if numbers["gates"] else 1.0,
        mid_circuit=numbers["mid_circuit"],
        feed_forward=found.feed_forward,
        has_reset=found.of_class("reset") > 0 or numbers["renamed"] or "magic.inject_t" in ops,
        has_logic="core.lut" in ops,
        noise=len(found.noise),
        noise_kinds=tuple(sorted(found.noise_kinds)),
        noisy_readings=found.readings,
        entangling_width=numbers["entangling_width"],
        max_bond_log2=numbers["bond"],
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
