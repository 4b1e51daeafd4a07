"""A program of gates in the native gates of a device, by the rewriting that engines use."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from qmk.base.errors import Finding
from qmk.ir.resolver import ALL_GATES, NoLowering, Piece, Resolver, angle_names
from qmk.ir.synthesis import zyz
from qmk.models.atoms.machine import NativeGate
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_MEASURES = ("core.mz", "atoms.mz", "atoms.check")
"""The measurement that every device has; other bases are gates before it."""


class NativeGates:
    """Nodes of a program as nodes that ``profile`` runs. ``findings``: what it has no gates for. ``origin``: the nodes
    that were written otherwise, by the ids of what they became."""

    def __init__(self, graph: Graph, profile: Profile) -> None:
        self.profile = profile
        self.gates = {(gate.name, gate.arity): gate for gate in profile.gates}
        self.resolver = Resolver(frozenset(name for name, _ in self.gates) or ALL_GATES)
        self.ids = {node.id for node in graph.nodes}
        self.findings: list[Finding] = []
        self.origin: dict[str, str] = {}

    def gate(self, node: Node) -> NativeGate:
        """The native gate that a node is; one without duration where the device has every gate."""
        short, arity = node.op.partition(".")[2], len(node.vqs)
        return self.gates.get((short, arity)) or NativeGate(short, arity)

    def nodes(self, node: Node) -> list[Node]:
        """What a node becomes; itself where it is native, or no gate."""
        op_class = OPS[node.op].op_class
        if op_class not in ("unitary", "measure") or node.op in _MEASURES:
            return [node]
        if node.op == "core.mpauli" and set(node.args["paulis"]) == {"I"}:
            return [Node(node.id, "core.lut", {"table": 0}, produces=node.produces, guard=node.guard)]
        if node.op == "core.mbell" and len(node.produces) == 1:
            self._refuse("ATOM-32", node, "a Bell measurement into one event of two bits")
            return []
        try:
            pieces = self.resolver.pieces(node.op, node.args, len(node.vqs))
        except NoLowering:
            names = ", ".join(f"{name} on {arity}" for name, arity in self.gates)
            self._refuse("ATOM-32", node, f"{node.op} cannot be written in the gates of {self.profile.name}: {names}")
            return []
        if len(pieces) > 1 and ("u", 1) in self.gates and len(node.vqs) == 1 and op_class == "unitary":
            made = [self._turn(node)]
        else:
            made = [self._node(node, piece, at if len(pieces) > 1 else -1) for at, piece in enumerate(pieces)]
        self.origin.update({each.id: node.id for each in made if each.id != node.id})
        for each in made:
            self.findings += self._faults(node, each)
        return made

    def _turn(self, node: Node) -> Node:
        """A gate on one qubit as one core.u."""
        op = OPS[node.op]
        assert op.matrix is not None, "a unitary op has a matrix"
        _, phi, theta, lam = zyz(op.matrix(node.args))
        return Node(node.id, "core.u", {"theta": theta, "phi": phi, "lam": lam}, node.vqs, guard=node.guard)

    def _node(self, node: Node, piece: Piece, at: int) -> Node:
        vqs = tuple(node.vqs[k] for k in piece.operands)
        name = node.id if at < 0 else self._fresh(f"{node.id}__{at}")
        if piece.kind == "measure":
            return Node(name, "core.mz", vqs=vqs, produces=(node.produces[piece.event],), guard=node.guard)
        if piece.kind == "reset":
            return Node(name, "core.reset", vqs=vqs, guard=node.guard)
        op = f"core.{piece.name}"
        if at < 0 and op == node.op:
            return node
        args = dict(piece.args) or dict(zip(angle_names(op) or (), piece.params, strict=True))
        return Node(name, op, args, vqs, guard=node.guard)

    def _fresh(self, name: str) -> str:
        while name in self.ids:
            name += "_"
        self.ids.add(name)
        return name

    def _faults(self, node: Node, made: Node) -> Iterator[Finding]:
        if OPS[made.op].op_class != "unitary" or not self.gates:
            return
        gate = self.gates.get((made.op.partition(".")[2], len(made.vqs)))
        if gate is None:
            yield self._finding(
                "ATOM-32", node, f"{made.op} on {len(made.vqs)} qubits is not a gate of {self.profile.name}"
            )
        elif gate.low < gate.high:
            angle = next((v for v in _angles(made) if not gate.low <= v <= gate.high), None)
            if angle is not None:
                text = f"{made.op} by {angle:g} rad, but {self.profile.name} has {gate.low:g} to {gate.high:g}"
                yield self._finding("ATOM-33", node, text)

    def _finding(self, rule: str, node: Node, message: str) -> Finding:
        return Finding(rule, message, ATOM_RULES[rule].help, node.id)

    def _refuse(self, rule: str, node: Node, message: str) -> None:
        self.findings.append(self._finding(rule, node, message))


def _angles(node: Node) -> list[float]:
    return [float(node.args[p.name]) for p in OPS[node.op].params if p.kind == "angle" and p.name in node.args]


def native(graph: Graph, profile: Profile) -> tuple[Graph, list[Finding]]:
    """``graph`` in the gates of ``profile``, equal up to a global phase, and what there is no gate for."""
    rewriting = NativeGates(graph, profile)
    nodes = tuple(made for node in graph.nodes for made in rewriting.nodes(node))
    return msgspec.structs.replace(graph, nodes=nodes), rewriting.findings
