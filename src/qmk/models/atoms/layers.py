"""A program in layers: gates on several qubits that need nothing of each other, then whatever follows each of them."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.qvm.families import OPS
from qmk.qvm.graph import Node

EVERYWHERE = ("atoms.move", "atoms.place")
"""Ops that no other op passes, since they say where atoms are, which matters to the gates of others too."""


def joins(node: Node) -> bool:
    """Whether it is a gate on several qubits."""
    return len(node.vqs) > 1 and OPS[node.op].op_class == "unitary"


class _Levels:
    """The layer of each node as the program is read."""

    def __init__(self) -> None:
        self.qubits: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.touched: dict[str, int] = {}
        self.floor = self.top = self.freed = 0

    def take(self, node: Node) -> int:
        op = OPS[node.op]
        reads = (*node.inputs, *(node.guard.events() if node.guard is not None else ()))
        level = max(
            [self.floor]
            + [self.qubits.get(qubit, 0) for qubit in node.vqs]
            + [self.written.get(event, 0) for event in reads]
            + [self.touched.get(event, 0) for event in node.produces]
        )
        if node.op == "core.alloc":
            level = max(level, self.freed)
        elif node.op == "core.free":
            self.freed = max(self.freed, level)
        elif joins(node):
            level += 1
        elif op.op_class == "channel" or node.op in EVERYWHERE or (op.op_class in ("fence", "hint") and not node.vqs):
            level = self.floor = max(level, self.top)
        self.top = max(self.top, level)
        self.qubits.update(dict.fromkeys(node.vqs, level))
        self.written.update(dict.fromkeys(node.produces, level))
        for event in (*reads, *node.produces):
            self.touched[event] = max(level, self.touched.get(event, 0))
        return level


def layers(nodes: Sequence[Node]) -> list[tuple[list[Node], list[Node]]]:
    """Layers in order: (gates on several qubits, all of different qubits; the rest). Every qubit and every event sees
    its nodes in program order."""
    levels = _Levels()
    found: list[tuple[list[Node], list[Node]]] = []
    for node in nodes:
        level = levels.take(node)
        found += [([], []) for _ in range(level + 1 - len(found))]
        found[level][0 if joins(node) else 1].append(node)
    return found
