"""What the native core says of a graph: its features, and what its simulators would take.

The features cost 0.3 us a node, and a prediction less, but where looking closer is a small part of the run. A program
that the core is predicted to be done with soon runs there, and no other engine is looked at.
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

SHORT_S = 0.05
"""The core runs a program that it is predicted to run within so many seconds; no other engine is looked at."""

PLANNED_OPS = 4000
"""A program of at most so many ops that seems to take longer is planned, to see what it will really take."""


def is_short(found: Prediction | None, shots: int, memory_bytes: int) -> bool:
    """Whether the core runs the program without a look at other engines."""
    if found is None or found.may_fail or found.upper_bound or found.memory_bytes > memory_bytes:
        return False
    return found.seconds(shots) <= SHORT_S


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


def predictions(circuit: Circuit | None, method: str = "auto") -> dict[str, Prediction]:
    """For one method of the native engine; empty where it does not take the program."""
    if circuit is None:
        return {}
    try:
        return {method: _auto(circuit) if method == "auto" else _of_plan(circuit, method)}
    except (QmkError, MemoryError, ValueError):  # ValueError: no such method, or not for this program
        return {}


def lowered(graph: Graph) -> Circuit | None:
    """The core's circuit of a graph that its reader declines; None where it is not installed or cannot say it."""
    from qmk.ir.lower import lower
    from qmk.ir.native_circuit import GATES, circuit_of

    if not present():
        return None
    try:
        return circuit_of(lower(graph, GATES | {"gphase"}, tosses=True))
    except (QmkError, MemoryError):
        return None


def shape(circuit: Circuit | None) -> dict[str, Any]:
    """What the native core sees in a circuit as it stands, before any rewrite (``qmk_native.features``)."""
    if circuit is None:
        return {}
    import qmk_native

    return qmk_native.features(circuit)


def rewrites(circuit: Circuit | None, shots: int) -> dict[str, Any]:
    """What the native core's rewrites make of a circuit (``ir.native_rewrites``); empty where it leaves it as it is or
    cannot run it."""
    if circuit is None:
        return {}
    import qmk_native

    from qmk.ir import native_rewrites

    try:
        plan = qmk_native.Plan(circuit, shots, None, memory=MEMORY_BYTES, keep_cbits=True)
    except (QmkError, MemoryError):
        return {}
    return native_rewrites.report(plan)


def _auto(circuit: Circuit) -> Prediction:
    """Of the best method, by what can be known at a small part of the run's cost."""
    import qmk_native

    found = qmk_native.predict(circuit, POINTS[1], POINTS, memory=MEMORY_BYTES, keep_cbits=True)
    if found["seconds"][1] > SHORT_S and len(circuit) <= PLANNED_OPS:
        return _of_plan(circuit, None)
    return Prediction(
        points=tuple(zip(POINTS, found["seconds"], strict=True)),
        memory_bytes=found["memory_bytes"],
        note=_note(found["method"], found),
        may_fail=found["may_fail"],
        upper_bound=found["upper_bound"],
    )


def _of_plan(circuit: Circuit, method: str | None) -> Prediction:
    """Of a method, or of the best one: exactly what it will do."""
    import qmk_native

    plan = qmk_native.Plan(circuit, POINTS[1], method, memory=MEMORY_BYTES, keep_cbits=True)
    best = plan.candidates[0]
    return Prediction(
        points=tuple((shots, plan.cost(shots)) for shots in POINTS),
        memory_bytes=best["memory_bytes"],
        note=_note(plan.method, best),
        may_fail=plan.may_fail,
    )


def _note(method: str, found: dict[str, Any]) -> str:
    return f"{method}{', rewritten' if found['rewritten'] else ''}: {found['note']}"
