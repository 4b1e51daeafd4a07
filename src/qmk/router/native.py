"""What the native core says of a graph: it reads and rewrites it, and predicts what its simulators would take.

That takes some ten microseconds an op, most of it to hand the graph over, which is more than a short job needs in all.
So the daemon asks only where no other engine is done within what the native engine declares as ``beyond_s``: there the
run is what a user waits for.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.sdk.engine import Prediction

POINTS = (1, 1000, 100_000)
"""numbers of shots that the predicted seconds are given for"""

MEMORY_BYTES = 1 << 46
"""for predictions: what a machine has room for is the router's to say"""


def predictions(graph: Graph, method: str = "auto") -> dict[str, Prediction]:
    """For one method of the native engine; empty where the core is not installed or does not take the program."""
    if importlib.util.find_spec("qmk_native") is None:
        return {}
    import qmk_native

    from qmk.sdk.lower import lower
    from qmk.sdk.native_circuit import GATES, circuit_of

    try:
        circuit = circuit_of(lower(graph, GATES | {"gphase"}))
        plan = qmk_native.Plan(
            circuit, POINTS[1], None if method == "auto" else method, memory=MEMORY_BYTES, keep_cbits=True
        )
    except (QmkError, MemoryError):
        return {}
    return {method: _prediction(plan)}


def rewrites(graph: Graph, shots: int) -> dict[str, Any]:
    """What the native core's rewrites make of a graph (``sdk.native_rewrites``); empty where it leaves it as it is, is
    not installed or does not take it."""
    if importlib.util.find_spec("qmk_native") is None:
        return {}
    import qmk_native

    from qmk.sdk import native_rewrites
    from qmk.sdk.lower import lower
    from qmk.sdk.native_circuit import GATES, circuit_of

    try:
        circuit = circuit_of(lower(graph, GATES | {"gphase"}))
        plan = qmk_native.Plan(circuit, shots, None, memory=MEMORY_BYTES, keep_cbits=True)
    except (QmkError, MemoryError):
        return {}
    return native_rewrites.report(circuit, shots) if plan.candidates[0]["rewritten"] else {}


def _prediction(plan: Any) -> Prediction:
    best = plan.candidates[0]
    return Prediction(
        points=tuple((shots, plan.cost(shots)) for shots in POINTS),
        memory_bytes=best["memory_bytes"],
        note=f"{plan.method}{', rewritten' if best['rewritten'] else ''}: {best['note']}",
        may_fail=plan.may_fail,
    )
