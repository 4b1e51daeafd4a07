"""The full peephole optimisation of pytket: its result is kept where it is better (``qmk compile -O3``)."""

from __future__ import annotations

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.pytket_circuits import optimise
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work


def _run(graph: Graph) -> Rewritten:
    start = circuit_from(graph, PASS.name)
    n = start.circuit.n_qubits
    work = Work(start.circuit, Goal("all", ("u", "cz"), n), tuple(range(n)))
    made = optimise(work) or work
    return Rewritten(graph_from(made.circuit, graph, start), {"gates": len(made.circuit)})


PASS = Pass(
    "pytket-peephole",
    "what pytket's peephole optimiser makes of a circuit without feed-forward",
    _run,
    Step(optimise, ensures=frozenset({"numbered"}), level=3, whole=True, cost_us=2000.0, needs="pytket"),
)
