"""Matrices of ``Gate`` instructions as numpy arrays, and their action on state tensors. For engines."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.ir.modifiers import mod_parts
from qmk.ir.program import Gate
from qmk.ir.resolver import angle_names
from qmk.qvm.families import OPS

Array = npt.NDArray[np.complex128]


def matrix_of(gate: Gate) -> Array:
    """The gate's unitary, shape (2^k, 2^k) over its k qubits, first qubit = most significant bit. Read only."""
    if gate.args:
        return _matrix(f"core.{gate.name}", gate.args)
    return _plain(gate.name, gate.params)


@functools.lru_cache(maxsize=4096)
def _plain(name: str, params: tuple[float, ...]) -> Array:
    op = f"core.{name}"
    names = angle_names(op)
    if names is None:
        raise ValueError(f"gate '{name}' needs its args")
    return _matrix(op, dict(zip(names, params, strict=True)))


def _matrix(op: str, args: Mapping[str, Any]) -> Array:
    make = OPS[op].matrix
    if make is None:
        raise ValueError(f"{op} has no matrix")
    return _frozen(np.array(make(args), dtype=np.complex128))


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def mod_base(gate: Gate) -> tuple[Array, tuple[int, ...]]:
    """The matrix of a "mod" gate's base gate to its power, and the control values (one 0 or 1 per control)."""
    parts = mod_parts(gate.args)
    return _frozen(np.array(parts.base, dtype=np.complex128)), tuple(int(value) for value in parts.state)


def split_controls(gate: Gate) -> tuple[Array, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Splits a "mod" gate into (matrix, its target qubits, control qubits, their values), with at least one target: a
    controlled phase acts on the last of its controls. Only for gates that have a qubit."""
    base, values = mod_base(gate)
    controls, targets = gate.qubits[: len(values)], gate.qubits[len(values) :]
    if targets:
        return base, targets, controls, values
    phases = [1.0, base[0, 0]] if values[-1] else [base[0, 0], 1.0]
    return _frozen(np.diag(np.array(phases, dtype=np.complex128))), controls[-1:], controls[:-1], values[:-1]


def apply(state: Array, matrix: Array, qubits: tuple[int, ...]) -> Array:
    """``matrix`` on ``qubits`` of a state tensor of shape (2,) * n (axis = qubit). Returns a new tensor."""
    k = len(qubits)
    out = np.tensordot(matrix.reshape((2,) * (2 * k)), state, axes=(tuple(range(k, 2 * k)), qubits))
    return np.moveaxis(out, tuple(range(k)), qubits)


def apply_gate(state: Array, gate: Gate) -> Array:
    """``gate`` (its condition aside) on a state tensor of shape (2,) * n. Returns a new tensor."""
    if gate.name != "mod":
        return apply(state, matrix_of(gate), gate.qubits)
    base, values = mod_base(gate)
    controls, targets = gate.qubits[: len(values)], gate.qubits[len(values) :]
    chosen: list[int | slice] = [slice(None)] * state.ndim
    for qubit, value in zip(controls, values, strict=True):
        chosen[qubit] = value
    rank = {qubit: i for i, qubit in enumerate(q for q in range(state.ndim) if q not in controls)}
    out = state.copy()
    part = out[tuple(chosen)]
    out[tuple(chosen)] = apply(part, base, tuple(rank[q] for q in targets))
    return out
