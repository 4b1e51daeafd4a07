"""Gates of the target, and few of them on two qubits: interactions merge across whatever they commute with.

The work is done by the native core (``native/src/synth``).
"""

from __future__ import annotations

import msgspec

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.compiling.synthesis import synthesize
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work

_DEFAULT = Goal("all", ("u", "cz"), 0)


def _run(graph: Graph) -> Rewritten:
    start = circuit_from(graph, PASS.name)
    goal = msgspec.structs.replace(_DEFAULT, sites=start.circuit.n_qubits)
    work = synthesize(Work(start.circuit, goal, tuple(range(start.circuit.n_qubits))))
    return Rewritten(graph_from(work.circuit, graph, start), {"gates": len(work.circuit)})


PASS = Pass(
    "synthesis",
    "write with the target's gates, as few on two qubits as are found",
    _run,
    Step(
        synthesize,
        ensures=frozenset({"native"}),
        preserves=frozenset({"placed", "narrow", "numbered"}),
        level=0,
        cost_us=3.0,
    ),
)
