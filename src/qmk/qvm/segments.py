"""Reversible segments: the maximal runs of unitary nodes between irreversible ones. The kernel can run one backwards
(``ir.inverse``) as long as nothing behind it has run."""

from __future__ import annotations

from dataclasses import dataclass

from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Segment:
    """Nodes ``start`` to ``stop`` (exclusive) of a graph. ``gates`` counts the unitary ones; the rest are barriers.
    ``conditional``: some gate has a guard, so that undoing it needs the events it read."""

    start: int
    stop: int
    gates: int
    conditional: bool

    def nodes(self, graph: Graph) -> tuple[Node, ...]:
        return graph.nodes[self.start : self.stop]


def segments(graph: Graph) -> list[Segment]:
    """The segments in program order. Barriers at either end belong to no segment; a run of barriers alone is none."""
    unitary = {name for name, op in OPS.items() if op.op_class == "unitary"}
    reversible = {name for name, op in OPS.items() if op.reversible}
    found: list[Segment] = []
    start = last = -1
    gates, conditional = 0, False
    for index, node in enumerate(graph.nodes):
        if node.op in unitary:
            if start < 0:
                start, gates, conditional = index, 0, False
            last = index
            gates += 1
            conditional = conditional or node.guard is not None
        elif node.op not in reversible and start >= 0:
            found.append(Segment(start, last + 1, gates, conditional))
            start = -1
    if start >= 0:
        found.append(Segment(start, last + 1, gates, conditional))
    return found
