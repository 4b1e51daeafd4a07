"""Qiskit's transpiler at its highest level: its result is kept where it is better (``qmk compile -O3``)."""

from __future__ import annotations

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.qiskit_circuits import transpile
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work


def _run(graph: Graph) -> Rewritten:
    start = circuit_from(graph, PASS.name)
    n = start.circuit.n_qubits
    work = Work(start.circuit, Goal("all", ("u", "cz"), n), tuple(range(n)))
    made = transpile(work) or work
    return Rewritten(graph_from(made.circuit, graph, start), {"gates": len(made.circuit)})


PASS = Pass(
    "qiskit-transpiler",
    "what Qiskit's transpiler makes of a circuit without feed-forward",
    _run,
    Step(
        transpile,
        ensures=frozenset({"placed", "native", "numbered"}),
        level=3,
        whole=True,
        cost_us=100.0,
        needs="qiskit",
    ),
)
