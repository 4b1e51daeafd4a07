"""What the native core says of a graph: its features, and what its simulators would take.

The features cost 0.3 us a node, and a prediction less, but where looking closer is a small part of the run. A program
that the core is predicted to be done with soon runs there, and no other engine is looked at.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.ir.prediction import MEMORY_BYTES
from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk_native import Circuit


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
