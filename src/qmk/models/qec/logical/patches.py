"""Writing a graph in the gates of patches, with their errors, and counting what it used.

Operations start as early as their qubits and events allow, and none before the last fence; a qubit that waits between
two of its operations suffers its code's cycles. A patch is prepared as late as its first cycle allows, and lives for
one cycle at least before it is measured: less is not a code. Errors of a gate come after it, those of a guarded gate
whether it ran or not: its time passes, and it begins when its events are decoded.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.ir.resolver import NoLowering, Resolver
from qmk.models.noise import NoiseModel
from qmk.models.qec.logical import costs
from qmk.models.qec.logical.costs import CYCLES, Flips
from qmk.models.qec.logical.cuts import Stretch, share_pairs
from qmk.models.qec.logical.links import Links
from qmk.models.qec.logical.states import States
from qmk.models.qec.tables.angles import probability
from qmk.models.qec.tables.channels import Channels
from qmk.qvm.families import OPS, noise
from qmk.qvm.graph import Graph, Node

TURNS = {0: (), 1: ("t",), 2: ("s",), 3: ("s", "t"), 4: ("z",), 5: ("z", "t"), 6: ("sdg",), 7: ("tdg",)}
"""Z rotations by multiples of pi/4, up to a global phase."""
TURN_ERROR = 1e-9
Reaction = Callable[[int], int]
"""The cycles for which an outcome of a cycle waits until it is decoded."""
T_GATES = ("t", "tdg")
ID_CHARS = 8
"""How many characters of the machine's hash the ids of its nodes have: programs of two machines that happen to have the
same ops differ in their digests, so that no job is answered with the report of another machine."""
ROUNDING = 1e-9
"""Room for rounding, in cycles: a state is there at the end of the cycle in which it comes."""
_FREE = ("hint", "fence", "lifecycle", "classical", "channel", "metadata", "feedforward")


@dataclass
class Used:
    """How often what happens in a shot; waiting is in cycles of one patch, ``stalled`` the part of it that T gates wait
    for their states. ``changes``: expected flips of patches whose distance or place changes, and of gates over a link;
    ``pairs``: how many of those there are. ``fences``: their cycles."""

    gates: Counter[str] = field(default_factory=Counter[str])
    ends: int = 0
    waited: int = 0
    cycles: int = 0
    patches: int = 0
    stalled: int = 0
    attempts: int = 0
    changes: float = 0.0
    pairs: int = 0
    fences: list[int] = field(default_factory=list[int])

    @property
    def epoch_cycles(self) -> list[int]:
        """Cycles of each epoch: between two fences."""
        ends = [*self.fences, self.cycles]
        return [end - start for start, end in zip([0, *self.fences], ends, strict=True)]

    @property
    def t_gates(self) -> int:
        return self.gates["t"] + self.gates["tdg"]

    def total(self, channels: Channels, t_error: float) -> float:
        """The expected number of flips."""
        gates = sum(count * costs.gate(channels, name, t_error).total() for name, count in self.gates.items())
        ends = self.ends * costs.end(channels).total()
        return gates + ends + costs.wait(channels, self.waited).total() + self.changes


def write_patches(
    graph: Graph,
    channels: Channels,
    states: States | None,
    machine: str,
    model: NoiseModel,
    reaction: int | Reaction = 0,
    after: int = 0,
    change: Flips | None = None,
    change_cycles: int = 1,
    links: Links | None = None,
) -> tuple[Graph, Used]:
    """The graph with its errors, and what it uses. ``reaction``: cycles until an outcome is decoded, or those at a
    cycle counted from ``after``. ``links``: between the modules that the patches are cut over. ``after``: the
    graph is a written one, whose first so many epochs stay as they are, node for node; what is used is of the rest,
    but for the patches. ``change``: what a patch that holds a state there suffers as its distance or place changes, in
    ``change_cycles``. Raises UNSUPPORTED for a gate that is not a Clifford+T."""
    own = hashlib.sha256(f"{machine} {model.name} {model.hash}".encode()).hexdigest()[:ID_CHARS]
    writer = _Writer(graph, channels, states, reaction, f"patch_{own}_", links)
    kept = end_of_epoch(graph, after)
    for node in program_nodes(graph.nodes[:kept]):
        writer.node(node)
    writer.begin(graph.nodes[:kept], change, change_cycles)
    for node in graph.nodes if not after else program_nodes(graph.nodes[kept:]):
        writer.node(node)
    writer.used.patches = len(writer.seen)
    writer.used.cycles = max(0, 0, *writer.qubits.values())
    writer.used.attempts = 0 if writer.supply is None else writer.supply.attempts
    family = f"noise@{noise.FAMILY.version}"
    families = (*graph.families, family) if graph.families and family not in graph.families else graph.families
    label = {"qec": {"machine": machine, "noise": model.name, "hash": model.hash}}
    made = msgspec.structs.replace(
        graph,
        version="1.0",
        nodes=tuple(writer.made),
        families=families,
        metadata={**graph.metadata, **label},
    )
    return made, writer.used


def end_of_epoch(graph: Graph, epoch: int) -> int:
    """How many nodes there are up to the end of the epoch, its fence among them. Raises INVALID_PARAMS."""
    fences = [at for at, node in enumerate(graph.nodes) if node.op == "core.fence"]
    if not 0 <= epoch <= len(fences):
        raise QmkError("INVALID_PARAMS", f"the program has {len(fences)} fences, none ends epoch {epoch}")
    return fences[epoch - 1] + 1 if epoch else 0


def program_nodes(nodes: Sequence[Node]) -> Iterator[Node]:
    """The program of a written one: all its noise is the machine's, since a program with noise is not written."""
    return (node for node in nodes if OPS[node.op].op_class != "noise")


def program_of(graph: Graph) -> Graph:
    """The program that was written for a machine, without its noise; another graph as it is."""
    if "qec" not in graph.metadata:
        return graph
    families = tuple(each for each in graph.families if each != f"noise@{noise.FAMILY.version}")
    metadata = {name: each for name, each in graph.metadata.items() if name != "qec"}
    nodes = tuple(program_nodes(graph.nodes))
    return msgspec.structs.replace(graph, nodes=nodes, families=families, metadata=metadata)


class _Writer:
    def __init__(
        self, graph: Graph, channels: Channels, states: States | None, reaction: int | Reaction, prefix: str,
        links: Links | None = None,
    ) -> None:  # fmt: skip
        self.channels, self.states, self.reaction, self.prefix = channels, states, reaction, prefix
        self.links, self.pairs = links, None if links is None else links.supply()
        self.plan: dict[str, Stretch] = {}
        self.copies: dict[Stretch | None, int] = {}
        if links is not None and links.shared:
            self.plan = share_pairs(program_nodes(graph.nodes), links.parts, links.places)
        self.t_error = 0.0 if states is None else states.error
        self.supply = None if states is None else states.supply()
        self.resolver = Resolver(frozenset(CYCLES), clifford=True)
        self.ids = {node.id for node in graph.nodes}
        self.made: list[Node] = []
        self.used = Used()
        self.qubits: dict[str, int] = {}
        self.alive: set[str] = set()  # patches that hold a state, which waiting would spoil
        self.events: dict[str, int] = {}
        self.fence = 0
        self.seen: set[str] = set()
        self.count = 0

    def begin(self, kept: Sequence[Node], change: Flips | None, cycles: int) -> None:
        """Here the program begins, or goes on at a fence: with patches as they are there, factories that are empty, and
        outcomes of before as if they came now. What is used is counted from the fence."""
        self.made, self.used = list(kept), Used()
        self.qubits = {qubit: cycle - self.fence for qubit, cycle in self.qubits.items()}
        self.events = dict.fromkeys(self.events, 0)
        self.fence = 0
        self.supply = None if self.states is None else self.states.supply()
        self.pairs = None if self.links is None else self.links.supply()
        self.copies = {}
        if change is None or not self.alive:
            return
        self.fence = cycles
        for qubit in sorted(self.alive):
            self.used.changes += change.total()
            self._errors(change, (qubit,))
            self._wait(qubit, self.fence)

    def node(self, node: Node) -> None:
        op = OPS.get(node.op)
        if op is None:
            raise QmkError("INVALID_GRAPH", f"node '{node.id}': this release does not know the op '{node.op}'")
        if op.op_class == "noise":
            raise QmkError(
                "UNSUPPORTED",
                f"node '{node.id}': noise in a program of logical qubits",
                node=node.id,
                help="leave it out: the errors of the machine come from its table",
            )
        self.seen.update(node.vqs)
        if op.op_class in _FREE or node.op in ("core.mz", "core.reset"):
            return self._free(node, op.op_class)
        turns = _turns(node)
        if turns is not None:
            for name in turns:
                self._gate(name, node.vqs, node)
            return None
        try:
            pieces = self.resolver.pieces(node.op, node.args, len(node.vqs))
        except NoLowering as refused:
            raise QmkError(
                "UNSUPPORTED",
                f"node '{node.id}': {node.op} is neither Clifford nor T, and a logical machine has nothing else",
                node=node.id,
                help="write rotations as Clifford+T first, to the accuracy that you need",
            ) from refused
        for piece in pieces:
            operands = tuple(node.vqs[k] for k in piece.operands)
            if piece.kind == "gate":
                self._gate(piece.name, operands, node)
            else:
                produces = (node.produces[piece.event],) if piece.kind == "measure" else ()
                name = "core.mz" if piece.kind == "measure" else "core.reset"
                self._free(Node(self._fresh(), name, {}, operands, produces=produces, guard=node.guard), piece.kind)
        return None

    def _free(self, node: Node, kind: str) -> None:
        """What takes no cycles."""
        ready = self._ready(node)
        if kind == "measure":
            ready = self._read(node.vqs, ready)
        elif kind in ("hint", "fence"):
            for qubit in node.vqs or tuple(self.qubits):
                if qubit in self.qubits:
                    self._wait(qubit, ready if node.vqs else max(self.qubits.values()))
            if kind == "fence":
                self.fence = max(self.qubits.values(), default=self.fence)
                self.used.fences.append(self.fence)
        elif kind == "reset" and node.guard is not None:
            for qubit in node.vqs:
                self._wait(qubit, ready)
        elif kind == "reset" or node.op in ("core.alloc", "core.free"):
            self.alive.difference_update(node.vqs)
            self.qubits.update(dict.fromkeys(node.vqs, ready))
        self.made.append(node)
        if kind == "reset" or node.op == "core.alloc":
            self._end(node.vqs)
        self.events.update(dict.fromkeys(node.produces, ready))

    def _read(self, qubits: tuple[str, ...], ready: int) -> int:
        """When these patches are read."""
        fresh = [qubit for qubit in qubits if qubit not in self.alive]
        if fresh:
            self.qubits.update(dict.fromkeys(fresh, ready))
            self.alive.update(fresh)
            ready += 1
        for qubit in qubits:
            self._wait(qubit, ready)
        self._end(qubits)
        return ready

    def _gate(self, name: str, qubits: tuple[str, ...], source: Node) -> None:
        ready = self._ready(msgspec.structs.replace(source, vqs=qubits))
        if source.guard is not None:
            read = max((self.events.get(event, 0) for event in source.guard.events()), default=0)
            ready = max(ready, read + self._reaction_at(read))
        if name in T_GATES:
            ready = self._supply_time(ready)
        far = self.links is not None and self.links.parts(qubits)
        copy = self.plan.get(source.id) if far else None
        if far:
            ready = self._pair_time(ready) if copy not in self.copies else max(ready, self.copies[copy])
        for qubit in qubits:
            if CYCLES[name]:
                self._wait(qubit, ready)
                self.qubits[qubit] = ready + CYCLES[name]
                self.alive.add(qubit)
        self.made.append(Node(self._fresh(), f"core.{name}", {}, qubits, guard=source.guard))
        if far:
            self._errors(self._remote_flips(name, qubits, copy, ready), qubits)
        elif CYCLES[name]:
            self.used.gates[name] += 1
            self._errors(costs.gate(self.channels, name, self.t_error), qubits)
        if name in T_GATES:
            end = self.qubits[qubits[0]]
            self._wait(qubits[0], end + self._reaction_at(end))

    def _reaction_at(self, cycle: int) -> int:
        return self.reaction if isinstance(self.reaction, int) else self.reaction(cycle)

    def _remote_flips(self, name: str, qubits: tuple[str, ...], copy: Stretch | None, ready: int) -> Flips:
        """Of a gate over the link, by a pair or by a copy that a pair has made."""
        assert self.links is not None
        if copy is not None and copy in self.copies:
            flips = costs.share(self.channels, name, qubits.index(copy[0]), ready - self.copies[copy])
        else:
            flips = costs.remote(self.channels, name, self.links.pair_error)
        if copy is not None:
            self.copies[copy] = ready + CYCLES[name]
        self.used.changes += flips.total()
        return flips

    def _pair_time(self, ready: int) -> int:
        """When there is an entangled pair for a gate that could start at ``ready``; in program order."""
        assert self.pairs is not None
        assert self.links is not None
        self.used.pairs += 1
        d = self.links.d
        return max(ready, math.ceil(self.pairs.take(ready * d) / d - ROUNDING))

    def _supply_time(self, ready: int) -> int:
        """When there is a T state for a gate that could start at ``ready``; states are given out in program order."""
        if self.supply is None or self.states is None:
            return ready
        rounds = self.supply.take(ready * self.states.d)
        at = max(ready, math.ceil(rounds / self.states.d - ROUNDING))
        self.used.stalled += at - ready
        return at

    def _ready(self, node: Node) -> int:
        reads = (*node.inputs, *(node.guard.events() if node.guard is not None else ()))
        times = [self.events.get(event, 0) for event in reads]
        return max([self.fence, *times, *(self.qubits.get(qubit, 0) for qubit in node.vqs)])

    def _wait(self, qubit: str, until: int) -> None:
        cycles = until - self.qubits.get(qubit, until)
        self.qubits[qubit] = until
        if cycles > 0 and qubit in self.alive:
            self.used.waited += cycles
            self._errors(costs.wait(self.channels, cycles), (qubit,))

    def _end(self, qubits: tuple[str, ...]) -> None:
        for qubit in qubits:
            self.used.ends += 1
            self._errors(costs.end(self.channels), (qubit,))

    def _errors(self, flips: Flips, qubits: tuple[str, ...]) -> None:
        for qubit, angles in zip(qubits, flips.one, strict=True):
            x, z = (probability(angles.get(flip, 0.0)) for flip in "XZ")
            self._add("noise.pauli", {"px": x * (1 - z), "py": x * z, "pz": z * (1 - x)}, (qubit,))
        if flips.two:
            self._add("noise.pauli2", _pair({pair: probability(angle) for pair, angle in flips.two.items()}), qubits)

    def _add(self, op: str, chances: dict[str, float], qubits: tuple[str, ...]) -> None:
        args = {name: chance for name, chance in chances.items() if chance > 0}
        if args:
            self.made.append(Node(self._fresh(), op, args, qubits))

    def _fresh(self) -> str:
        while True:
            name = f"{self.prefix}{self.count}"
            self.count += 1
            if name not in self.ids:
                return name


def _pair(chances: dict[str, float]) -> dict[str, float]:
    """Two flips that are independent and commute, as one channel."""
    (first, p), (second, q) = chances.items()
    return {
        f"p{first.lower()}": p * (1 - q),
        f"p{second.lower()}": q * (1 - p),
        "pyy": p * q,
    }


def _turns(node: Node) -> tuple[str, ...] | None:
    """The gates of a Z rotation by a multiple of pi/4."""
    args: dict[str, Any] = node.args
    if node.op not in ("core.rz", "core.p"):
        return None
    turns = float(args["theta" if node.op == "core.rz" else "lam"]) / (math.pi / 4)
    near = round(turns)
    return TURNS[near % 8] if abs(turns - near) < TURN_ERROR else None
