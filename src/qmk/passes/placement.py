"""Qubits on the sites of a target, and exchanged where two that a gate joins are apart (``native/src/place``)."""

from __future__ import annotations

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.placement import place
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work


def _run(graph: Graph) -> Rewritten:
    """On a line as long as the program is wide."""
    start = circuit_from(graph, PASS.name)
    n = start.circuit.n_qubits
    goal = Goal("line", ("u", "cz"), n, tuple((at, at + 1) for at in range(n - 1)))
    made = place(Work(start.circuit, goal, tuple(range(n)))) if n > 1 else Work(start.circuit, goal, (0,) * n)
    return Rewritten(graph_from(made.circuit, graph, start), {"last": list(made.last)})


PASS = Pass(
    "placement",
    "place qubits on coupled sites; by itself, on a line",
    _run,
    Step(place, ensures=frozenset({"placed"}), preserves=frozenset({"narrow", "numbered"}), level=0, cost_us=100.0),
)
