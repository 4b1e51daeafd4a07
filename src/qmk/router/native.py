"""What the native core says of a graph: its features, and what its simulators would take.

The features cost 0.2 us a node. A prediction costs about as much again; the daemon asks for it only where no other
engine is done within what the native engine declares as ``beyond_s``: there the run is what a user waits for.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.sdk.engine import Prediction

if TYPE_CHECKING:
    from qmk_native import Circuit

POINTS = (1, 1000, 100_000)
"""numbers of shots that the predicted seconds are given for"""

MEMORY_BYTES = 1 << 46
"""for predictions: what a machine has room for is the router's to say"""


@functools.cache
def present() -> bool:
    """Whether the native core is installed."""
    return importlib.util.find_spec("qmk_native") is not None


def look(packed: bytes, circuit: bool) -> tuple[dict[str, Any] | None, Circuit | None]:
    """The core's features of a packed graph, and its circuit where that is wanted; None for what it declines."""
    import qmk_native

    try:
        return qmk_native.look_qvm(packed, circuit)
    except qmk_native.Declined:
        return None, None


def predictions(graph: Graph, method: str = "auto", circuit: Circuit | None = None) -> dict[str, Prediction]:
    """For one method of the native engine; empty where the core is not installed or does not take the program.
    ``circuit``: of the graph, where there is one already."""
    if not present():
        return {}
    import qmk_native

    try:
        known = _lowered(graph) if circuit is None else circuit
        plan = qmk_native.Plan(
            known, POINTS[1], None if method == "auto" else method, memory=MEMORY_BYTES, keep_cbits=True
        )
    except (QmkError, MemoryError):
        return {}
    return {method: _prediction(plan)}


def _lowered(graph: Graph) -> Circuit:
    from qmk.sdk.lower import lower
    from qmk.sdk.native_circuit import GATES, circuit_of

    return circuit_of(lower(graph, GATES | {"gphase"}))


def _prediction(plan: Any) -> Prediction:
    best = plan.candidates[0]
    return Prediction(
        points=tuple((shots, plan.cost(shots)) for shots in POINTS),
        memory_bytes=best["memory_bytes"],
        note=f"{plan.method}{', rewritten' if best['rewritten'] else ''}: {best['note']}",
        may_fail=plan.may_fail,
    )
