"""Amazon Braket's ``GateModelQuantumTaskResult``. Bits in the order of declaration are qubits 0, 1, ..."""

from __future__ import annotations

# Braket's SDK has no types of its own
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
from typing import Any

from braket.ir.jaqcd import DensityMatrix, Program, StateVector
from braket.task_result import AdditionalMetadata, GateModelTaskResult, ResultTypeValue, TaskMetadata
from braket.tasks import GateModelQuantumTaskResult

from qmk.adapters.results import Measured, all_bits, refuse, states_of, the_density, the_state

NAME = "braket"


def to_result(result: Measured) -> GateModelQuantumTaskResult:
    """The result of a task, with measurements where there are counts, and with the state. Raises UNSUPPORTED for
    expectation values, whose observables the result would have to name."""
    if result.values is not None and any(point.expectations for point in result.values.points):
        refuse(NAME, "expectation values, whose observables the result does not name", "take them from result.values")
    kinds: list[ResultTypeValue] = []
    if states_of(result):
        kinds.append(_value(StateVector(), the_state(result, NAME)))
    if result.densities:
        kinds.append(_value(DensityMatrix(), the_density(result, NAME)))
    if kinds and result.counts:
        refuse(
            NAME, "a task has no shots where it has a state", "ask for one of the two, with counts=False for a state"
        )
    measured: dict[str, Any] = {}
    if result.counts:
        bits = all_bits(result)
        measured = {"measurements": bits.tolist(), "measuredQubits": list(range(bits.shape[1]))}
    made = GateModelTaskResult(
        taskMetadata=TaskMetadata(
            id=result.job_id or "qmk", shots=result.shots if result.counts else 0, deviceId=f"qmk:{result.engine}"
        ),
        additionalMetadata=AdditionalMetadata(action=Program(instructions=[])),
        resultTypes=kinds or None,
        **measured,
    )
    return GateModelQuantumTaskResult.from_object(made)


def _value(kind: Any, array: Any) -> ResultTypeValue:
    made = ResultTypeValue(type=kind, value=[])
    made.value = array
    return made


FORMS = {"result": to_result}
