"""The jobs that the crash benchmark submits, and what is compared of their results."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import qmk
from qmk.qvm.graph import Graph, Node


@dataclass(frozen=True)
class Kind:
    """One sort of job: ``weight`` of every so many."""

    name: str
    graph: Graph
    shots: int
    engine: str
    weight: int
    rows: bool = True
    """every shot is kept, read back and compared; else the counts are"""

    def wishes(self, seed: int) -> dict[str, Any]:
        return {"shots": self.shots, "seed": seed, "engine": self.engine, "keep_events": self.rows, "cache": False}


Seen = tuple[dict[str, int], str]


def seen(result: qmk.Result) -> Seen:
    """Counts, and a digest of every shot."""
    digest = hashlib.sha256()
    for row in result.rows() if result.has_events else ():
        digest.update(row.encode())
    return result.counts, digest.hexdigest()


def program(n_qubits: int, rounds: int) -> Graph:
    """A GHZ state of ``n_qubits``, after ``rounds`` of gates that cancel, measured."""
    qubits = tuple(f"q{i}" for i in range(n_qubits))
    nodes = [Node("a", "core.alloc", {"n": n_qubits}, qubits, caps=("CAP_ALLOC",)), Node("h", "core.h", {}, ("q0",))]
    nodes += [Node(f"x{i}", "core.x", {}, (qubits[-1],)) for i in range(2 * rounds)]
    nodes += [Node(f"c{i}", "core.cnot", {}, (qubits[i - 1], qubits[i])) for i in range(1, n_qubits)]
    nodes += [Node(f"m{i}", "core.mz", {}, (qubit,), produces=(f"e{i}",)) for i, qubit in enumerate(qubits)]
    nodes.append(Node("f", "core.free", {}, qubits))
    events = tuple(f"e{i}" for i in range(n_qubits))
    return Graph(nodes=tuple(nodes), vqs=qubits, events=events, caps=("CAP_ALLOC",))


KINDS = (
    Kind("small", program(2, 0), 100, "stabilizer", 12),
    Kind("wide", program(20, 3), 500, "stabilizer", 4),
    Kind("other engine", program(3, 40), 1500, "reference", 3),
    Kind("slow", program(16, 500), 500_000, "stabilizer", 4, rows=False),
    Kind("large result", program(60, 1), 20_000, "stabilizer", 1),
    Kind("large graph", program(4, 1500), 50, "stabilizer", 1),
)
