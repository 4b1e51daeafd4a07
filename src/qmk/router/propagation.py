"""Asks the native core what values of observables take by Pauli propagation, which shows only when it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.ir.prediction import Prediction
from qmk.ir.propagation import plan_of, strings_of_z
from qmk.qvm.graph import Graph, pack
from qmk.qvm.outputs import Outputs

if TYPE_CHECKING:
    import qmk_native

PROPAGATION = "pauli"
"""The method of the native engine."""

NARROW = 16
"""A state of fewer qubits costs less than a look, unless there is noise."""

GROUP = 8
"""Qubits whose joint probabilities are had from the strings of Z on all their subsets."""

ASKED = frozenset({"expectation", "probabilities", "counts", "gradient", "sweep"})


def predict(graph: Graph, outputs: Outputs, width: int, n_qubits: int, *, pure: bool) -> Prediction | None:
    """A prediction for the values of ``graph``, which has no read-out, on ``width`` of ``n_qubits`` qubits. None where
    it is not the way, or not worth the look, which takes some milliseconds."""
    if outputs.sampled or not outputs.names <= ASKED or (pure and width < NARROW):
        return None
    if any(len(group) > GROUP for group in outputs.probabilities):
        return None
    plan = _plan(graph)
    if plan is None or plan.n_qubits != n_qubits:
        return None
    sums = [list(row) for row in outputs.expectations]
    sums += [[(text, 1.0)] for group in outputs.probabilities for text in strings_of_z(group, n_qubits)]
    try:
        found = plan.predict(sums, outputs.tolerance)
    except ValueError:
        return None
    return Prediction(
        points=((1, found["seconds"]),),
        memory_bytes=found["memory_bytes"],
        note=found["note"],
        may_fail=found["may_fail"],
        upper_bound=found["may_fail"],
        ops=len(plan),
        cut=found["cut"],
    )


def _plan(graph: Graph) -> qmk_native.PauliPlan | None:
    """None where the native core cannot express the graph."""
    import qmk_native

    from qmk.ir.lower import lower
    from qmk.ir.native_circuit import GATES

    try:
        return qmk_native.PauliPlan(qmk_native.read_qvm(pack(graph)))
    except qmk_native.Declined:
        pass
    try:
        return plan_of(lower(graph, GATES | {"gphase"}, loss_events=True, whole=True))
    except (QmkError, MemoryError):
        return None
