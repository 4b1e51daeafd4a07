"""Asks the native core about a circuit: its shape, and what the core's rewrites make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.ir.prediction import MEMORY_BYTES
from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk_native import Circuit


def lower_to_core(graph: Graph) -> Circuit | None:
    """The core's circuit of a graph that its reader declines; None where it cannot express it."""
    from qmk.ir.lower import lower
    from qmk.ir.native_circuit import GATES, circuit_of

    try:
        return circuit_of(lower(graph, GATES | {"gphase"}, loss_events=True))
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
