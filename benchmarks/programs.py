"""Programs to time with."""

from __future__ import annotations

from qmk.qvm.graph import Graph, Node, Output

BELL_QASM = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[0];
cx q[0], q[1];
measure q -> c;
"""


def bell() -> Graph:
    """Two qubits, six nodes: one pair, measured and freed."""
    return chain(6, 2)


def chain(n_nodes: int, n_qubits: int = 16) -> Graph:
    """A Clifford program of exactly ``n_nodes`` nodes: H and CNOT by turns along a line, all measured, all freed."""
    qubits = tuple(f"q{i}" for i in range(n_qubits))
    events = tuple(f"m{i}" for i in range(n_qubits))
    nodes = [Node(id="alloc", op="core.alloc", args={"n": n_qubits}, vqs=qubits, caps=("CAP_ALLOC",))]
    for index in range(n_nodes - n_qubits - 2):
        here = (index // 2) % n_qubits
        pair = (qubits[here], qubits[(here + 1) % n_qubits])
        nodes.append(
            Node(id=f"cx{index}", op="core.cnot", vqs=pair)
            if index % 2
            else Node(id=f"h{index}", op="core.h", vqs=pair[:1])
        )
    nodes += [Node(id=f"mz{i}", op="core.mz", vqs=(qubits[i],), produces=(events[i],)) for i in range(n_qubits)]
    nodes.append(Node(id="free", op="core.free", vqs=qubits))
    return Graph(nodes=tuple(nodes), vqs=qubits, events=events, caps=("CAP_ALLOC",), outputs=(Output("c", events),))
