"""Computes the features of a program that the router uses: the native core's numbers, in the form of the engine
protocol.

The daemon computes it for every new program, at some 0.2 us a node. A bond bound says how far the bond dimension of the
program's state can grow, its qubits in order of allocation: a gate whose qubits lie on both sides of a cut multiplies
the bond there by its operator Schmidt rank, at most; gates that are diagonal in one basis of a qubit are controlled by
it, so that all of them together count once until something changes that basis; and the bond of a cut is at most twice
that of each neighbouring cut. An engine that reorders its qubits on the way may exceed the bound; it must watch its own
bonds. The link qubits of channels are not on the line: while one is in use, they add at most one each to a bond.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from qmk.ir import segments
from qmk.ir.lower import lower
from qmk.ir.native_circuit import GATES
from qmk.ir.prediction import POINTS, SHORT_S, Prediction, predictions
from qmk.ir.summary import Count, count
from qmk.ir.t_count import magic
from qmk.qvm import link
from qmk.qvm.families import OPS, photonic
from qmk.qvm.graph import Graph, pack
from qmk.router import native as core
from qmk.sdk.engine import Features, Light

if TYPE_CHECKING:
    from qmk_native import Circuit

SEGMENTS = "segments"
"""Asks for a prediction of the engine of that name, in place of a method of the native one."""

_STEPS = {"core.teleport_cnot": ("cnot",), "magic.inject_t": ("h", "t"), "core.condpauli": ("x", "y", "z")}


def features(graph: Graph, digest: str = "", native: str = "", packed: bytes = b"") -> Features:
    """The features of a verified graph; linear in its size (the bond bound gives up early where it would not be).
    ``native``: the method of the native engine that the native core is to predict for, if any. ``packed``: the graph's
    ``pack``, where the caller has it."""
    return Look(graph, packed, digest, predict=bool(native)).features(native)


class Look:
    """Computes the features of one graph, first without predictions and then with them, from one circuit. ``predict``
    False: predictions will hardly be asked for."""

    def __init__(self, graph: Graph, packed: bytes = b"", digest: str = "", *, predict: bool = True) -> None:
        self._graph = graph
        found, self._circuit = count(graph, packed or pack(graph), circuit=predict)
        self._lowered = self._circuit is not None
        self._plain = _features(graph, found, digest)

    @property
    def circuit(self) -> Circuit | None:
        """The native core's circuit of the graph, made at most once; None where there is none."""
        if not self._lowered:
            self._circuit, self._lowered = core.lower_to_core(self._graph), True
        return self._circuit

    def features(self, native: str = "") -> Features:
        """``native``: the method of the native engine to predict for, "" for none; with "auto", a run that changes
        its kind of simulator is looked for where the native core takes long, with "segments" it alone and always."""
        if native == SEGMENTS:
            return msgspec.structs.replace(self._plain, segments=self._segments(None))
        predicted = predictions(self.circuit, native) if native else {}
        if not predicted and native != "auto":
            return self._plain
        found = self._segments(predicted.get(native)) if native == "auto" else None
        return msgspec.structs.replace(self._plain, native=predicted, segments=found)

    def _segments(self, others: Prediction | None) -> Prediction | None:
        if self.circuit is None or (others is not None and others.seconds(POINTS[1]) <= SHORT_S):
            return None
        if not self._plain.n_fences:
            return segments.predict(self.circuit, others)
        program = lower(self._graph, GATES | {"gphase"})
        return segments.prediction_of(segments.plan(program), self._plain.n_ops)


def _features(graph: Graph, found: Count, digest: str) -> Features:
    """Everything but predictions. Gates that the core does not classify are classified here, each kind once."""
    numbers, ops, readings = found.numbers, found.numbers["ops"], found.readings
    non_clifford, inside = numbers["non_clifford"], _Inside.of(graph)
    undecided: list[tuple[int, int]] = numbers["open"]
    for at, times in undecided:
        node = graph.nodes[at]
        non_clifford += 0 if magic(node.op, node.args, len(node.vqs)).clifford else times
    bond = min(numbers["bond"], numbers["qubits"] / 2)
    if numbers["tight_bond"] is not None and non_clifford:
        bond = min(bond, numbers["tight_bond"])
    measured = found.of_class("measure")
    acting = numbers["gates"] + measured + found.of_class("reset", "feedforward") + len(found.noise)
    return Features(
        n_qubits=numbers["qubits"] + inside.qubits + (readings > 0),
        n_ops=acting + 4 * readings + inside.ops,  # a wrong reading that is acted on is a die, measured, and logic
        n_two_qubit=numbers["two_qubit"] + 3 * numbers["multi_qubit"] + inside.two_qubit,
        n_non_clifford=non_clifford,
        depth=numbers["depth"],
        n_measure=measured + inside.measurements + 2 * readings,
        mid_circuit=numbers["mid_circuit"] or inside.pairs > 0,
        has_reset=numbers["resets"] or inside.pairs > 0 or readings > 0,
        feed_forward="pauli" if inside.pairs and found.feed_forward == "none" else found.feed_forward,
        has_logic="core.lut" in ops,
        n_events=numbers["events"] + inside.measurements,
        gates=_gates(ops) | inside.gates,
        entangling_width=numbers["entangling_width"] + inside.qubits,
        digest=digest,
        max_bond_log2=bond + inside.qubits,
        n_branch=numbers["branches"] + inside.branches + 2 * len(found.noise) + 2 * readings,
        n_noise=len(found.noise) + inside.noisy,
        noise=found.noise_kinds | (frozenset({"pauli"}) if inside.noisy else frozenset[str]()),
        n_fences=found.of_class("fence"),
        winding=_winding(graph) if found.of_class("evolution") else 0.0,
        n_channel_ops=found.of_class("channel"),
        light=_light(graph, numbers["qubits"]) if any(OPS[name].family == "photonic" for name in ops) else None,
    )


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
    from qmk.ir.winding import winding

    return sum(winding(node.args) for node in graph.nodes if node.args.keys() & {"drives", "levels"})


def _light(graph: Graph, modes: int) -> Light:
    photons, points, used, gone = 0, 0.0, set[str](), set[str]()
    for node in graph.nodes:
        op = OPS[node.op]
        if op.op_class == "reset":
            photons += int(node.args.get("n", 0))
        if op.family == "photonic":
            modes += len((used if op.op_class == "reset" else gone).intersection(node.vqs))
            used.update(node.vqs)
            (gone.update if op.op_class == "measure" else gone.difference_update)(node.vqs)
        if node.op == "photonic.count_photons":
            points += math.log2(int(node.args.get("most", photonic.MOST)) ** 2 + 1)
        points += node.op == "photonic.detect_photons"
    return Light(photons=photons, elements_log2=points, modes=modes)


def _gates(ops: dict[str, int]) -> frozenset[str]:
    shorts: set[str] = set()
    for name in ops:
        if name in _STEPS:
            shorts.update(_STEPS[name])
        elif OPS[name].op_class == "unitary":
            shorts.add(OPS[name].short)
        elif OPS[name].op_class == "evolution" or OPS[name].family == "photonic":
            shorts.add(name)
    return frozenset(shorts)
