"""Exchanges of qubits as another numbering of what follows, those too that a pair of gates makes with one gate less.

For circuits that are not placed yet: a router brings qubits together in any case.
"""

from __future__ import annotations

import msgspec

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.synthesis import renumber
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work

_DEFAULT = Goal("all", ("u", "cz"), 0)


def _run(graph: Graph) -> Rewritten:
    start = circuit_from(graph, PASS.name)
    goal = msgspec.structs.replace(_DEFAULT, sites=start.circuit.n_qubits)
    work = renumber(Work(start.circuit, goal, tuple(range(start.circuit.n_qubits))))
    return Rewritten(graph_from(work.circuit, graph, start), {"last": list(work.last)})


PASS = Pass(
    "numbering",
    "exchange qubits by numbering them anew, where it saves gates on two qubits",
    _run,
    Step(renumber, ensures=frozenset({"numbered"}), preserves=frozenset({"narrow"}), level=1, cost_us=3.0),
)
