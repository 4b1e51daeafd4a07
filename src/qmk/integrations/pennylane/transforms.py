"""What makes tapes of any operators ones that QMK runs as they are."""

from __future__ import annotations

from functools import partial
from typing import Any

from qmk.adapters.pennylane.gates import FORMS, GATES
from qmk.adapters.pennylane.library import errors, mp, preprocess, qml
from qmk.adapters.pennylane.reader import LARGEST_MATRIX, has_angles, is_gate, is_matrix

_REFUSALS = (errors.DecompositionUndefinedError, errors.DeviceError, errors.QuantumFunctionError)

_NATIVE = frozenset(GATES) | frozenset(FORMS) | {qml.BasisState}


def is_native(op: Any, *, measured: bool = True) -> bool:
    """Whether the reader takes an operator as it is, without values of its own being looked at."""
    kind = op.__class__
    if kind in _NATIVE or isinstance(op, qml.operation.Channel | qml.Snapshot):
        return True
    if isinstance(op, qml.ops.MidMeasure):
        return measured
    if isinstance(op, qml.ops.Conditional):
        return measured and is_native(op.base)
    if isinstance(op, qml.QubitUnitary):
        return len(op.wires) <= LARGEST_MATRIX and op.batch_size is None
    return is_gate(op) or (op.batch_size is None and is_matrix(op))


def is_differentiable(op: Any) -> bool:
    """Whether adjoint differentiation takes an operator: what it depends on are angles."""
    if isinstance(op, (qml.ops.MidMeasure, qml.ops.Conditional, qml.operation.Channel)):
        return False
    if has_angles(op) or op.__class__ is qml.BasisState or isinstance(op, qml.Snapshot):
        return True
    is_constant = isinstance(op, qml.QubitUnitary) or is_gate(op) or is_matrix(op)
    return is_constant and is_native(op) and not qml.operation.is_trainable(op)


def pipeline(device: Any, config: Any) -> Any:
    """The transforms before a tape is executed. Tapes that are ready, as those of an optimiser are, are looked at once;
    PennyLane's own transforms take others apart. Where PennyLane sees that batches are split, ``jax.vmap``
    calls the device for one point after another, so that it may be nested."""
    found = qml.CompilePipeline()
    found.add_transform(_prepare, device, config)
    found.add_transform(qml.transforms.broadcast_expand)
    return found


@qml.transform
def _prepare(tape: Any, device: Any, config: Any) -> Any:
    if _is_ready(tape, device):
        return (tape,), _first
    tapes, combine = _all_transforms(device, config)((tape,))

    def take(results: Any) -> Any:
        return combine(results)[0]

    return tapes, take


def _is_ready(tape: Any, device: Any) -> bool:
    """Whether a tape asks for exact expectation values of sums of Paulis, after gates whose angles are numbers."""
    operators = tape.operations
    if tape.shots or not all(type(op) in _NATIVE or has_angles(op) for op in operators):
        return False
    if not all(map(is_pauli_expectation, tape.measurements)):
        return False
    size = sum([len(op.data) for op in operators])
    in_observables = any(at >= size for at in tape.trainable_params)
    known = device.wires is None or not tape.wires.toset() - device.wires.toset()
    return known and tape.batch_size is None and not in_observables


def _all_transforms(device: Any, config: Any) -> Any:
    found = qml.CompilePipeline()
    name, deferred = device.name, config.mcm_config.mcm_method == "deferred"
    is_adjoint = config.gradient_method == "adjoint"
    stop = is_differentiable if is_adjoint else partial(is_native, measured=not deferred)
    found.add_transform(preprocess.validate_device_wires, device.wires, name=name)
    found.add_transform(preprocess.validate_measurements, sample_measurements=_is_sampled, name=name)
    if deferred:
        found.add_transform(qml.defer_measurements, allow_postselect=False)
    prepared = {"skip_initial_state_prep": False, "device_wires": device.wires, "name": name}
    found.add_transform(preprocess.decompose, stopping_condition=stop, **prepared)
    found.add_transform(preprocess.device_resolve_dynamic_wires, wires=device.wires, allow_resets=not deferred)
    found.add_transform(split_with_shots)
    if is_adjoint:
        name = f"adjoint + {name}"
        found.add_transform(preprocess.no_sampling, name=name)
        found.add_transform(preprocess.validate_measurements, analytic_measurements=_is_expectation, name=name)
        found.add_transform(preprocess.validate_adjoint_trainable_params)
    return found


def _is_expectation(process: Any) -> bool:
    return isinstance(process, mp.ExpectationMP)


def is_pauli_expectation(process: Any) -> bool:
    """Whether a process is the expectation value of a sum of Paulis."""
    return type(process) is mp.ExpectationMP and process.obs is not None and process.obs.pauli_rep is not None


def is_shadow(process: Any) -> bool:
    """Whether a process is a classical shadow, or an expectation value of one."""
    return isinstance(process, (mp.ClassicalShadowMP, mp.ShadowExpvalMP))


def is_mapped(tape: Any) -> bool:
    """Whether ``jax.vmap`` maps over a tape: its angles are then known to none but JAX's callbacks."""
    return any(map(_has_batch, tape.get_parameters(trainable_only=False)))


def _has_batch(given: Any) -> bool:
    while given is not None and type(given).__name__ != "BatchTracer":
        given = getattr(given, "primal", None)  # within a tracer of derivatives
    return given is not None


def _is_sampled(process: Any) -> bool:
    return is_shadow(process) or isinstance(process, mp.SampleMeasurement)


def allows_adjoint(device: Any, tape: Any) -> bool:
    """Whether adjoint differentiation takes a tape. It has no derivatives by coefficients of observables."""
    if tape.shots or not all(_is_expectation(process) for process in tape.measurements):
        return False
    if any(process.obs is not None and qml.operation.is_trainable(process.obs) for process in tape.measurements):
        return False
    if _is_ready(tape, device):
        return True
    config = qml.devices.ExecutionConfig(gradient_method="adjoint")
    try:
        _all_transforms(device, device.setup_execution_config(config))((tape,))
    except _REFUSALS:
        return False
    return True


@qml.transform
def split_with_shots(tape: Any) -> Any:
    """Tapes with shots whose measurements commute qubit by qubit."""
    if not tape.shots or (len(tape.measurements) == 1 and not _is_sum(tape.measurements[0])):
        return (tape,), _first
    return qml.transforms.split_non_commuting(tape, grouping_strategy="qwc")


def _is_sum(process: Any) -> bool:
    return isinstance(process, mp.ExpectationMP) and isinstance(process.obs, qml.ops.Sum)


def _first(results: Any) -> Any:
    return results[0]
