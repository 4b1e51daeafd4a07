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


Layer = tuple[list[Node], list[Node]]


def is_turn(node: Node) -> bool:
    """Whether it is a gate on one qubit."""
    return len(node.vqs) == 1 and OPS[node.op].op_class == "unitary"


def turn_kind(node: Node) -> str:
    """Equal for gates on one qubit that are equal up to phase, their angles to nine decimals, under one guard."""
    matrix = OPS[node.op].matrix
    assert matrix is not None, "a unitary op has a matrix"
    (a, b), (c, d) = matrix(node.args)
    phase = next(x / abs(x) for x in (a, b) if abs(x) > 1e-9)
    entries = [complex(x / phase) for x in (a, b, c, d)]
    return repr(([(round(x.real, 9) + 0.0, round(x.imag, 9) + 0.0) for x in entries], node.guard))


def late_turns(found: Sequence[Layer]) -> list[Layer]:
    """The layers with gates on one qubit at fewer times: each kind is put off to as few layers as there can be, before
    the gate on several qubits that follows it on its qubit. Gates that others follow stay."""
    rows = [(level, node) for level, (gates, rest) in enumerate(found) for node in (*gates, *rest)]
    following: dict[str, tuple[int, Node]] = {}
    spans: dict[str, list[tuple[int, int, Node]]] = {}
    for level, node in reversed(rows):
        after = following.get(node.vqs[0]) if is_turn(node) and node.guard is None else None
        if after is not None and joins(after[1]):
            spans.setdefault(turn_kind(node), []).append((after[0] - 1, level, node))
        following.update(dict.fromkeys(node.vqs, (level, node)))
    moved: dict[str, int] = {}
    for group in spans.values():
        last = -1
        for latest, earliest, node in sorted(group, key=lambda row: row[:2]):
            last = latest if earliest > last else last
            moved[node.id] = last
    made: list[Layer] = [(list(gates), [node for node in rest if node.id not in moved]) for gates, rest in found]
    for _, node in rows:
        if node.id in moved:
            made[moved[node.id]][1].append(node)
    return made


def alike(nodes: Sequence[Node]) -> list[list[Node]]:
    """The nodes of one layer in an order in which equal gates on one qubit stand together; others by themselves."""
    found: list[list[Node]] = []
    turns: list[Node] = []
    for node in nodes:
        if is_turn(node):
            turns.append(node)
        else:
            found += [*_groups(turns), [node]]
            turns = []
    return found + _groups(turns)


def _groups(turns: Sequence[Node]) -> list[list[Node]]:
    """Equal gates together; those on one qubit keep their order. The largest group that can come next does."""
    waiting: dict[str, list[Node]] = {}
    for node in turns:
        waiting.setdefault(node.vqs[0], []).append(node)
    found: list[list[Node]] = []
    while waiting:
        fronts: dict[str, list[Node]] = {}
        for row in waiting.values():
            fronts.setdefault(turn_kind(row[0]), []).append(row[0])
        group = max(fronts.values(), key=len)
        found.append(group)
        for node in group:
            waiting[node.vqs[0]].pop(0)
        waiting = {qubit: row for qubit, row in waiting.items() if row}
    return found
