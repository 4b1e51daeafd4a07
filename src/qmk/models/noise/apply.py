"""Putting a model into a graph: ops of family ``noise`` beside those of the program, in linear time.

Conventions. Errors of a gate come after it; a gate under a guard leaves them whether it ran or not, since its time
passes. Pauli corrections (``core.condpauli``) are bookkeeping and free, unless a rule names them. A measured event
keeps its name for what was read; what really happened is the event ``<name>__true``. Where atoms may be lost, a
measurement of one qubit also writes ``<name>__lost`` (``atoms.mz``). Qubits do not wait before their first op.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.models.noise.errors import AnyError, Error, Pauli
from qmk.models.noise.model import GateRule, NoiseModel, Relaxation
from qmk.models.noise.waiting import TIMED, Durations, Wait, waits
from qmk.qvm.families import OPS, atoms, noise
from qmk.qvm.graph import Graph, Node, Output

TRUE = "__true"
LOST = "__lost"
_FREE = ("feedforward",)


def apply(model: NoiseModel, graph: Graph) -> Graph:
    """``graph`` with the noise of ``model``. Raises UNSUPPORTED for an event of two bits that would be misread, and
    INVALID_GRAPH where an op is unknown, UNSUPPORTED for noise of rounds and lost qubits, which only codes have."""
    for name, given in (("before_round", model.before_round), ("erasure", model.erasure)):
        if given:
            raise QmkError(
                "UNSUPPORTED",
                f"noise model {model.label}: '{name}' strikes circuits of codes, and a program has no rounds",
                help="take a model without it here, such as depolarizing=P or uniform=P",
            )
    return _Applying(model, graph).graph_of()


def _label(model: NoiseModel, before: Any) -> dict[str, str]:
    """Name and hash for the metadata; where the graph has noise already, of both models in their order."""
    match before:
        case {"name": str(name), "hash": str(first)}:
            both = hashlib.sha256(f"{first} {model.hash}".encode()).hexdigest()
            return {"name": f"{name or 'noise'} + {model.name or 'noise'}", "hash": both}
        case _:
            return {"name": model.name, "hash": model.hash}


class _Applying:
    def __init__(self, model: NoiseModel, graph: Graph) -> None:
        self.model = model
        self.graph = graph
        self.nodes: list[Node] = []
        self.ids = {node.id for node in graph.nodes}
        self.events = {*graph.events, *(event for node in graph.nodes for event in node.produces)}
        self.added: list[str] = []
        self.count = 0
        self.losing = model.loses_atoms
        self.durations = Durations(model)
        self.rules: dict[tuple[str, ...], list[tuple[int, GateRule]]] = {}
        for rank, rule in enumerate(model.gates):
            self.rules.setdefault(rule.operands, []).append((rank, rule))
        self.lost = False
        self.relaxing = {q: rule for rule in reversed(model.relaxation) for q in rule.qubits}
        self.relaxing_all = next((rule for rule in model.relaxation if not rule.qubits), None)

    def graph_of(self) -> Graph:
        waiting = waits(self.model, self.graph)
        for index, node in enumerate(self.graph.nodes):
            op = OPS.get(node.op)
            if op is None:
                raise QmkError("INVALID_GRAPH", f"node '{node.id}': this release does not know the op '{node.op}'")
            for wait in waiting.get(index, ()):
                self._wait(wait)
            if op.op_class == "measure":
                self._measure(node)
                continue
            self.nodes.append(node)
            if op.op_class == "evolution":
                self._evolution(node)
            elif op.op_class in ("unitary", "composite", *_FREE) and node.vqs:
                self._gate(node, op.op_class in _FREE)
            elif op.op_class == "reset" or node.op == "core.alloc":
                self._errors(self.model.reset, node.vqs)
            elif node.op in TIMED:
                self._relax(node.vqs, self.durations.of(node))
        graph = self.graph
        outputs = graph.outputs
        if outputs is None and self.added:
            produced = [event for node in graph.nodes for event in node.produces]
            from qmk.ir.lower import outputs_of  # half of what importing this package would take

            outputs = tuple(Output("", row.bits) for row in outputs_of(graph, produced))
        used = [f"{family.name}@{family.version}" for family in (noise.FAMILY, *((atoms.FAMILY,) if self.lost else ()))]
        families = tuple(dict.fromkeys((*graph.families, *used))) if graph.families else graph.families
        label = {"noise": _label(self.model, graph.metadata.get("noise"))}
        return msgspec.structs.replace(
            graph,
            version="1.0",
            nodes=tuple(self.nodes),
            events=(*graph.events, *self.added),
            families=families,
            outputs=outputs,
            metadata={**graph.metadata, **label},
        )

    def _gate(self, node: Node, free: bool) -> None:
        rule = self._rule(node, free)
        if rule is not None:
            self._errors(rule.errors, node.vqs)
        if not free:
            self._relax(node.vqs, self.durations.of(node))

    def _evolution(self, node: Node) -> None:
        """Errors of gates and of waiting say nothing of an evolution, and leaving them out would be no noise at all."""
        model = self.model
        if model.gates or model.idle or model.idle_measure or model.relaxation or model.loss_rate:
            raise QmkError(
                "UNSUPPORTED",
                f"node '{node.id}': noise model {model.label} has errors of gates or of time, and no form of them for "
                f"{node.op}",
                node=node.id,
                help="take a model of readout errors alone",
            )

    def _rule(self, node: Node, free: bool) -> GateRule | None:
        short = node.op.partition(".")[2]
        found: list[tuple[int, GateRule]] = []
        for operands in {node.vqs, ()}:
            for rank, rule in self.rules.get(operands, ()):
                named = short in rule.gates or node.op in rule.gates
                if (
                    (named or (not rule.gates and not free))
                    and rule.arity in (0, len(node.vqs))
                    and (not rule.qubits or set(rule.qubits).issuperset(node.vqs))
                ):
                    found.append((rank, rule))
                    break
        return min(found, key=lambda row: row[0])[1] if found else None

    def _measure(self, node: Node) -> None:
        self._errors(self.model.before_measure, node.vqs)
        rule = next(
            (r for r in self.model.readout if not r.qubits or set(r.qubits).issuperset(node.vqs)),
            None,
        )
        if rule is None or not (rule.p01 or rule.p10):
            self.nodes.extend(self._look(node, node.produces))
        else:
            if node.op == "core.mbell" and len(node.produces) == 1:
                raise QmkError(
                    "UNSUPPORTED",
                    f"node '{node.id}': a wrong reading of an event of two bits",
                    node=node.id,
                    help="let the Bell measurement produce two events",
                )
            true = tuple(self._fresh_event(event + TRUE) for event in node.produces)
            self.nodes.extend(self._look(msgspec.structs.replace(node, produces=true), node.produces))
            args = {"p01": rule.p01, "p10": rule.p10}
            for source, event in zip(true, node.produces, strict=True):
                self.nodes.append(
                    Node(self._fresh_id(), "noise.readout", args, inputs=(source,), produces=(event,), guard=node.guard)
                )
        self._relax(node.vqs, self.durations.of(node))

    def _look(self, node: Node, names: tuple[str, ...]) -> Iterator[Node]:
        """A measurement, with an event that says whether the atom was lost where it may be."""
        op = OPS[node.op]
        if not self.losing or len(node.vqs) != 1 or op.family != "core":
            yield node
            return
        self.lost = True
        events = (*node.produces, self._fresh_event(names[0] + LOST))
        if op.lower is None:
            yield msgspec.structs.replace(node, op="atoms.mz", produces=events)
            return
        for step in op.lower(node.args, 1):
            looks = OPS[step.op].op_class == "measure"
            name, produced = (node.id, events) if looks else (self._fresh_id(), ())
            kind = "atoms.mz" if looks else step.op
            yield msgspec.structs.replace(node, id=name, op=kind, args=dict(step.args), produces=produced)

    def _wait(self, wait: Wait) -> None:
        for errors, layers in ((self.model.idle, wait.layers), (self.model.idle_measure or (), wait.measuring)):
            if layers:
                self._errors([error.repeat(layers) for error in errors], (wait.qubit,))
        self._relax((wait.qubit,), wait.seconds)

    def _relax(self, qubits: Iterable[str], seconds: float) -> None:
        if seconds <= 0:
            return
        for qubit in qubits:
            if self.model.loss_rate:
                self._add("noise.loss", {"p": -math.expm1(-self.model.loss_rate * seconds)}, (qubit,))
            rule = self.relaxing.get(qubit, self.relaxing_all)
            if rule is None:
                continue
            if rule.twirl:
                self._errors((twirl(rule, seconds),), (qubit,))
            else:
                times = {"t1": rule.t1, "t2": rule.t2}
                args = {name: value for name, value in times.items() if value is not None}
                self._add("noise.thermal", {**args, "duration": seconds}, (qubit,))

    def _errors(self, errors: Iterable[AnyError | Error], qubits: tuple[str, ...]) -> None:
        for error in errors:
            args = error.args()
            if not any(args.values()):
                continue
            for operands in _operands(error, qubits):
                self._add(error.OP, args, operands)

    def _add(self, op: str, args: dict[str, Any], qubits: tuple[str, ...]) -> None:
        self.nodes.append(Node(self._fresh_id(), op, args, qubits))

    def _fresh_id(self) -> str:
        while True:
            name = f"noise{self.count}"
            self.count += 1
            if name not in self.ids:
                return name

    def _fresh_event(self, name: str) -> str:
        while name in self.events:
            name += "_"
        self.events.add(name)
        self.added.append(name)
        return name


def _operands(error: AnyError | Error, qubits: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """An error of two qubits on both of a gate; one that must have two says nothing of other gates."""
    if error.pair and len(qubits) == 2:
        yield qubits
    elif not error.pair or error.OP in ("noise.depolarize", "noise.loss"):
        yield from ((qubit,) for qubit in qubits)


def twirl(rule: Relaxation, seconds: float) -> Pauli:
    """Relaxation averaged over the Pauli group (Ghosh, Fowler, Geller, Phys. Rev. A 86, 062318 (2012))."""
    decay = 0.0 if rule.t1 is None else -math.expm1(-seconds / rule.t1)
    t2 = rule.t2 if rule.t2 is not None else None if rule.t1 is None else 2 * rule.t1
    dephasing = 0.0 if t2 is None else -math.expm1(-seconds / t2)
    return Pauli(decay / 4, decay / 4, max(0.0, dephasing / 2 - decay / 4))
