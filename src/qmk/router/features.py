"""What the router knows of a program: its summary, in the engine protocol's form, with a tighter bond bound.

The daemon computes it for every new program. The native core takes the numbers from the packed graph, some 0.2 us a
node; what follows here in Python says what they are, at 4 us a node, and serves where the core declines
the graph (channels, families that it does not read). Tests hold the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from qmk.ir.prediction import predictions
from qmk.ir.summary import Summary, summarise
from qmk.ir.t_count import magic
from qmk.qvm import link
from qmk.qvm.families import OPS, analog
from qmk.qvm.graph import Graph, pack
from qmk.router import native as core
from qmk.router.bond import bond_log2
from qmk.sdk.engine import Features

if TYPE_CHECKING:
    from qmk_native import Circuit

BOND_QUBITS = 20
"""up to this width a state vector always fits and the trivial bond bound n/2 is used"""

_STEPS = {"core.teleport_cnot": ("cnot",), "magic.inject_t": ("h", "t"), "core.condpauli": ("x", "y", "z")}


def features(graph: Graph, digest: str = "", native: str = "", packed: bytes = b"") -> Features:
    """The features of a verified graph; linear in its size (the bond bound gives up early where it would not be).
    ``native``: the method of the native engine that the native core is to predict for, if any. ``packed``: the graph's
    ``pack``, where the caller has it."""
    return Look(graph, packed, digest, predict=bool(native)).features(native)


class Look:
    """One look at a graph, for all that is asked of it: features without predictions, then with them. ``predict``
    False: predictions will hardly be asked for."""

    def __init__(self, graph: Graph, packed: bytes = b"", digest: str = "", *, predict: bool = True) -> None:
        self._graph = graph
        found, self._circuit = core.look(packed or pack(graph), predict)
        self._lowered = self._circuit is not None
        self._plain = reference(graph, digest) if found is None else _of_core(graph, found, digest)

    @property
    def circuit(self) -> Circuit | None:
        """The native core's circuit of the graph, made at most once; None where there is none."""
        if not self._lowered:
            self._circuit, self._lowered = core.lowered(self._graph), True
        return self._circuit

    def features(self, native: str = "") -> Features:
        """``native``: the method of the native engine to predict for, "" for none."""
        predicted = predictions(self.circuit, native) if native else {}
        return msgspec.structs.replace(self._plain, native=predicted) if predicted else self._plain


def _of_core(graph: Graph, found: dict[str, Any], digest: str) -> Features:
    """Of the core's numbers; gates that it leaves open are looked at here, each make of them once."""
    bond, tight = found.pop("bond"), found.pop("tight_bond")
    undecided: list[tuple[int, int]] = found.pop("open")
    for at, count in undecided:
        node = graph.nodes[at]
        found["n_non_clifford"] += 0 if magic(node.op, node.args, len(node.vqs)).clifford else count
    if tight is not None and found["n_non_clifford"]:
        bond = min(bond, tight)
    gates = frozenset(found.pop("gates"))
    return Features(**found, gates=gates, digest=digest, max_bond_log2=bond)


def reference(graph: Graph, digest: str = "") -> Features:
    """The same in Python, without predictions of the native core."""
    found = summarise(graph)
    branching, resets = _branching(graph)
    inside = _Inside.of(graph)
    return Features(
        n_qubits=found.qubits_live_max + inside.qubits + (found.noisy_readings > 0),
        n_ops=_acting(found) + inside.ops,
        n_two_qubit=found.two_qubit + 3 * found.multi_qubit + inside.two_qubit,
        n_non_clifford=found.non_clifford,
        depth=found.depth,
        n_measure=found.measurements + inside.measurements + 2 * found.noisy_readings,
        mid_circuit=found.mid_circuit or inside.pairs > 0,
        has_reset=resets or inside.pairs > 0 or found.noisy_readings > 0,
        feed_forward="pauli" if inside.pairs and found.feed_forward == "none" else found.feed_forward,
        has_logic=found.has_logic,
        n_events=found.events + inside.measurements,
        gates=_gates(found) | inside.gates,
        entangling_width=found.entangling_width + inside.qubits,
        digest=digest,
        max_bond_log2=_bond(graph, found) + inside.qubits,
        n_branch=branching + inside.branches + 2 * found.noise + 2 * found.noisy_readings,
        n_noise=found.noise + inside.noisy,
        noise=frozenset(found.noise_kinds) | (frozenset({"pauli"}) if inside.noisy else frozenset[str]()),
        n_fences=found.epochs - 1,
        winding=_winding(graph),
        n_channel_ops=sum(count for op, count in found.ops.items() if op.startswith("channel.")),
    )


def _acting(found: Summary) -> int:
    """Instructions of the program itself: a wrong reading that is acted on is a die, measured, and logic."""
    acting = found.unitaries + found.measurements + found.resets + found.noise
    return acting + found.ops.get("core.condpauli", 0) + 4 * found.noisy_readings


class _Inside(NamedTuple):
    """What the uses of channels add when they are lowered (``ir.channels``): pairs made, link qubits, instructions."""

    pairs: int = 0
    swaps: int = 0
    noisy: int = 0

    @classmethod
    def of(cls, graph: Graph) -> _Inside:
        pairs = swaps = noisy = 0
        for use in link.uses(graph):
            made = link.PAIRS[link.semantic(use.node)]
            pairs += made
            swaps += made == 2
            noisy += made if link.of_node(use.opened).pair.infidelity > 0 else 0
        return cls(pairs, swaps, noisy)

    @property
    def qubits(self) -> int:
        return 2 if self.swaps else min(self.pairs, 1)

    @property
    def ops(self) -> int:
        return 11 * self.pairs + self.noisy + self.swaps

    @property
    def two_qubit(self) -> int:
        return 2 * self.pairs + self.swaps

    @property
    def measurements(self) -> int:
        return 2 * self.pairs

    @property
    def branches(self) -> int:
        """Two bits of a Bell measurement, one of the reset receiver, two of an error."""
        return 3 * self.pairs + 2 * self.noisy

    @property
    def gates(self) -> frozenset[str]:
        return frozenset((("h", "cnot", "x", "z") if self.pairs else ()) + (("swap",) if self.swaps else ()))


def _winding(graph: Graph) -> float:
    return sum(analog.winding(node.args) for node in graph.nodes if OPS[node.op].op_class == "evolution")


def _gates(found: Summary) -> frozenset[str]:
    shorts: set[str] = set()
    for name in found.ops:
        if name in _STEPS:
            shorts.update(_STEPS[name])
        elif OPS[name].op_class == "unitary":
            shorts.add(OPS[name].short)
        elif OPS[name].op_class == "evolution":
            shorts.add(name)
    return frozenset(shorts)


def _branching(graph: Graph) -> tuple[int, bool]:
    """How many measurements and resets come before the last part of the program, in which qubits are only measured and
    no event is read; and whether there is a reset at all. A reset of a qubit that nothing has touched does nothing."""
    idle = _idle_resets(graph)
    touched: set[str] = set()
    read: set[str] = set()
    count = resets = 0
    for node in reversed(graph.nodes):
        kind = OPS[node.op].op_class
        if kind == "measure":
            final = node.guard is None and touched.isdisjoint(node.vqs) and read.isdisjoint(node.produces)
            count += not final
        elif (kind == "reset" or node.op == "magic.inject_t") and node.id not in idle:
            resets += 1
        if kind in _ACTING and node.id not in idle:
            touched.update(node.vqs)
        elif node.op == "core.alloc":
            touched.difference_update(node.vqs)
        read.update(node.inputs)
        if node.guard is not None:
            read.update(node.guard.events())
    return count + resets, resets > 0 or _reuses(graph)


_ACTING = ("unitary", "evolution", "composite", "measure", "reset", "feedforward")


def _idle_resets(graph: Graph) -> set[str]:
    """Ids of resets of qubits still in the |0> of their allocation."""
    fresh: set[str] = set()
    idle: set[str] = set()
    for node in graph.nodes:
        kind = OPS[node.op].op_class
        if node.op == "core.alloc":
            fresh.update(node.vqs)
        elif kind == "reset" and fresh.issuperset(node.vqs):
            idle.add(node.id)
        elif (kind in _ACTING or kind == "noise") and node.op != "magic.inject_t":
            fresh.difference_update(node.vqs)
        elif node.op == "magic.inject_t":
            if fresh.issuperset(node.vqs):
                idle.add(node.id)
            fresh.difference_update(node.vqs)
    return idle


def _reuses(graph: Graph) -> bool:
    """Whether an allocation comes after a release, so that an index may be used, and reset, again."""
    freed = False
    for node in graph.nodes:
        if node.op == "core.free":
            freed = True
        elif node.op == "core.alloc" and freed:
            return True
    return False


def _bond(graph: Graph, found: Summary) -> float:
    trivial = min(found.max_bond_log2, found.qubits_live_max / 2)
    if found.qubits_live_max <= BOND_QUBITS or trivial <= 1 or not found.non_clifford:
        return trivial
    return min(trivial, bond_log2(graph))
