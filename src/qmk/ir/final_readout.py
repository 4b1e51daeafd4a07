"""The end of a program: its final read-out, and what is before it."""

from __future__ import annotations

import msgspec

from qmk.ir.cone import Placed
from qmk.ir.evolutions import is_noisy
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_SILENT = frozenset({"lifecycle", "hint", "fence", "metadata"})
_GATES = frozenset({"unitary", "composite", "evolution"})


def before_readout(graph: Graph) -> Graph:
    """Without the measurements, and the logic on them, on which nothing else depends, and without the noise that
    strikes a qubit after such a measurement."""
    late = _late_noise(graph)
    touched: set[str] = set()
    read: set[str] = set()
    kept: list[Node] = []
    dropped: set[str] = set()
    for node in reversed(graph.nodes):
        op = OPS.get(node.op)
        kind = op.op_class if op is not None else ""
        unread = node.guard is None and read.isdisjoint(node.produces)
        if unread and (_is_logic(kind, node) or (kind == "measure" and touched.isdisjoint(node.vqs))):
            dropped.add(node.id)
            continue
        if kind not in _SILENT and node.id not in late:
            touched.update(node.vqs)
        read.update(node.inputs)
        if node.guard is not None:
            read.update(node.guard.events())
        kept.append(node)
    if len(kept) == len(graph.nodes):
        return graph
    nodes = [node for node in reversed(kept) if late.get(node.id) not in dropped]
    return msgspec.structs.replace(graph, nodes=tuple(nodes))


def _is_logic(kind: str, node: Node) -> bool:
    """Whether a node makes events of events; a reading that errs does."""
    return kind == "classical" or (kind == "noise" and not node.vqs)


def _late_noise(graph: Graph) -> dict[str, str]:
    """Noise on a qubit that was measured, and is only struck by noise from then on: by id, with the measurement."""
    measured: dict[str, str] = {}
    late: dict[str, list[tuple[str, str]]] = {}
    for node in graph.nodes:
        op = OPS.get(node.op)
        kind = op.op_class if op is not None else ""
        if kind == "measure" and node.guard is None:
            for qubit in node.vqs:
                measured[qubit], late[qubit] = node.id, []
        elif kind == "noise" and len(node.vqs) == 1 and node.vqs[0] in measured:
            late[node.vqs[0]].append((node.id, measured[node.vqs[0]]))
        elif kind not in _SILENT:
            for qubit in node.vqs:
                measured.pop(qubit, None)
                late.pop(qubit, None)
    return dict(pair for rows in late.values() for pair in rows)


def is_mixed(graph: Graph) -> bool:
    """Whether a graph without its read-out is gates, noise, resets and measurements on which nothing depends, none of
    them under a guard."""
    read = {event for node in graph.nodes for event in node.inputs}
    for node in graph.nodes:
        op = OPS.get(node.op)
        kind = op.op_class if op is not None else ""
        acts = kind in _GATES or kind == "reset" or (op is not None and op.channel is not None)
        acts = acts or (kind == "measure" and read.isdisjoint(node.produces))
        if node.chs or not (kind in _SILENT or (acts and node.guard is None)):
            return False
    return True


def gates_of(graph: Graph) -> list[Placed] | None:
    """Each gate, its qubits by number, of a graph without its read-out; None where there is more than gates, so that it
    ends in no single state."""
    number: dict[str, int] = {}
    used: set[str] = set()
    out: list[Placed] = []
    for node in graph.nodes:
        op = OPS.get(node.op)
        kind = op.op_class if op is not None else ""
        if node.op == "core.alloc":
            number.update(zip(node.vqs, range(len(number), len(number) + len(node.vqs)), strict=True))
        elif kind in _GATES and node.guard is None and not (kind == "evolution" and is_noisy(node.op, node.args)):
            used.update(node.vqs)
            out.append(Placed(node.op, tuple([number[name] for name in node.vqs])))
        elif kind == "reset" and node.guard is None and used.isdisjoint(node.vqs):
            continue  # of a qubit that is in |0> already
        elif kind not in _SILENT or node.chs:
            return None
    return out
