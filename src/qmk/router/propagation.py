"""Asks the native core what values of observables take by Pauli propagation and from a matrix product state, which only
a try shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.ir import chains
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


def predict(graph: Graph, outputs: Outputs, width: int, n_qubits: int, *, pure: bool) -> dict[str, Prediction]:
    """Predictions for the values of ``graph``, which has no read-out, on ``width`` of ``n_qubits`` qubits, by the names
    of ``Features.native``. Empty where they are not the way, or not worth the look, which takes some milliseconds."""
    if outputs.sampled or not outputs.names <= ASKED or (pure and width < NARROW):
        return {}
    if any(len(group) > GROUP for group in outputs.probabilities):
        return {}
    plan, circuit = _plan(graph)
    found = {chains.CHAIN: None if circuit is None or not pure else chains.predict(circuit)}
    if plan is not None and plan.n_qubits == n_qubits:
        found[PROPAGATION] = _of_strings(plan, outputs)
    return {name: each for name, each in found.items() if each is not None}


def _of_strings(plan: qmk_native.PauliPlan, outputs: Outputs) -> Prediction | None:
    sums = [list(row) for row in outputs.expectations]
    sums += [[(text, 1.0)] for group in outputs.probabilities for text in strings_of_z(group, plan.n_qubits)]
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


def _plan(graph: Graph) -> tuple[qmk_native.PauliPlan | None, qmk_native.Circuit | None]:
    """None where the native core cannot express the graph, and no circuit where it has error channels."""
    import qmk_native

    from qmk.ir.lower import lower
    from qmk.ir.native_circuit import GATES, circuit_of

    try:
        circuit = qmk_native.read_qvm(pack(graph))
        return qmk_native.PauliPlan(circuit), circuit
    except qmk_native.Declined:
        pass
    try:
        program = lower(graph, GATES | {"gphase"}, loss_events=True, whole=True)
        plan = plan_of(program)
    except (QmkError, MemoryError):
        return None, None
    try:
        return plan, circuit_of(program)
    except QmkError:
        return plan, None
