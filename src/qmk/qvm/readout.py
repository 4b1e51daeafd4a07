"""The end of a program: its final read-out, and what is before it."""

from __future__ import annotations

import msgspec

from qmk.qvm.cone import Placed
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_SILENT = frozenset({"lifecycle", "hint", "fence", "metadata"})
_GATES = frozenset({"unitary", "composite"})


def before_readout(graph: Graph) -> Graph:
    """Without the measurements, and the logic on them, on which nothing else depends."""
    touched: set[str] = set()
    read: set[str] = set()
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        op = OPS.get(node.op)
        kind = op.op_class if op is not None else ""
        unread = node.guard is None and read.isdisjoint(node.produces)
        if unread and (kind == "classical" or (kind == "measure" and touched.isdisjoint(node.vqs))):
            continue
        if kind not in _SILENT:
            touched.update(node.vqs)
        read.update(node.inputs)
        if node.guard is not None:
            read.update(node.guard.events())
        kept.append(node)
    if len(kept) == len(graph.nodes):
        return graph
    return msgspec.structs.replace(graph, nodes=tuple(reversed(kept)))


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
        elif kind in _GATES and node.guard is None:
            used.update(node.vqs)
            out.append(Placed(node.op, tuple([number[name] for name in node.vqs])))
        elif kind == "reset" and node.guard is None and used.isdisjoint(node.vqs):
            continue  # of a qubit that is in |0> already
        elif kind not in _SILENT or node.chs:
            return None
    return out
