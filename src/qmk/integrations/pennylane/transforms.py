"""What makes tapes of any operators ones that QMK runs as they are."""

from __future__ import annotations

from functools import partial
from typing import Any

import pennylane as qml
from pennylane.devices import ExecutionConfig, preprocess
from pennylane.exceptions import DecompositionUndefinedError, DeviceError, QuantumFunctionError
from pennylane.measurements import ExpectationMP
from pennylane.ops import Conditional, MidMeasure
from pennylane.tape import QuantumScript

from qmk.adapters.pennylane.gates import FORMS, GATES
from qmk.adapters.pennylane.reader import LARGEST_MATRIX, has_angles

_NATIVE = frozenset(GATES) | frozenset(FORMS)


def is_native(op: Any, *, measured: bool = True) -> bool:
    """Whether the reader takes an operator as it is, without values of its own being looked at."""
    kind = type(op)
    if kind in _NATIVE or isinstance(op, qml.operation.Channel | qml.Snapshot):
        return True
    if isinstance(op, MidMeasure):
        return measured
    if isinstance(op, Conditional):
        return measured and is_native(op.base)
    if isinstance(op, qml.QubitUnitary):
        return len(op.wires) <= LARGEST_MATRIX and op.batch_size is None
    return has_angles(op)


def is_differentiable(op: Any) -> bool:
    """Whether adjoint differentiation takes an operator: what it depends on are angles."""
    if isinstance(op, (MidMeasure, Conditional, qml.operation.Channel)):
        return False
    if isinstance(op, qml.QubitUnitary):
        return is_native(op) and not qml.operation.is_trainable(op)
    return has_angles(op) or isinstance(op, qml.Snapshot)


def pipeline(device: Any, config: ExecutionConfig) -> Any:
    """The transforms before a tape is executed."""
    found = qml.CompilePipeline()
    is_adjoint = config.gradient_method == "adjoint"
    deferred = config.mcm_config.mcm_method == "deferred"
    found.add_transform(preprocess.validate_device_wires, device.wires, name=device.name)
    if deferred:
        found.add_transform(qml.defer_measurements, allow_postselect=False)
    stop = is_differentiable if is_adjoint else partial(is_native, measured=not deferred)
    found.add_transform(
        preprocess.decompose, stopping_condition=stop, skip_initial_state_prep=False, device_wires=device.wires, name=device.name
    )
    found.add_transform(preprocess.device_resolve_dynamic_wires, wires=device.wires, allow_resets=not deferred)
    found.add_transform(qml.transforms.broadcast_expand)
    found.add_transform(split_with_shots)
    if is_adjoint:
        found.add_transform(preprocess.no_sampling, name=f"adjoint + {device.name}")
        found.add_transform(
            preprocess.validate_measurements, analytic_measurements=_is_expectation, name=f"adjoint + {device.name}"
        )
        found.add_transform(preprocess.validate_adjoint_trainable_params)
    return found


def _is_expectation(process: Any) -> bool:
    return isinstance(process, ExpectationMP)


def allows_adjoint(device: Any, tape: QuantumScript) -> bool:
    """Whether adjoint differentiation takes a tape."""
    if tape.shots or not all(_is_expectation(process) for process in tape.measurements):
        return False
    config = ExecutionConfig(gradient_method="adjoint")
    try:
        pipeline(device, device.setup_execution_config(config))((tape,))
    except (DecompositionUndefinedError, DeviceError, QuantumFunctionError):
        return False
    return True


@qml.transform
def split_with_shots(tape: QuantumScript) -> Any:
    """Tapes with shots whose measurements commute qubit by qubit."""
    if not tape.shots or (len(tape.measurements) == 1 and not _is_sum(tape.measurements[0])):
        return (tape,), _first
    return qml.transforms.split_non_commuting(tape, grouping_strategy="qwc")


def _is_sum(process: Any) -> bool:
    return isinstance(process, ExpectationMP) and isinstance(process.obs, qml.ops.Sum)


def _first(results: Any) -> Any:
    return results[0]
