"""Observables of Qiskit as sums of Pauli strings. Labels there have qubit 0 rightmost."""

from __future__ import annotations

# Qiskit has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
from typing import Any

from qiskit import quantum_info

from qmk.sdk.adapter import PauliSum, Place

info: Any = quantum_info


def read(given: Any) -> PauliSum | None:
    """A ``SparsePauliOp``, ``Pauli``, ``SparseObservable`` or ``Operator``."""
    if isinstance(given, info.SparseObservable):
        given = info.SparsePauliOp.from_sparse_observable(given)
    elif isinstance(given, info.Operator):
        given = info.SparsePauliOp.from_operator(given)
    elif isinstance(given, info.Pauli):
        given = info.SparsePauliOp(given)
    if not isinstance(given, info.SparsePauliOp):
        return None
    labels = [label[::-1] for label in given.paulis.to_labels()]
    return PauliSum(tuple(map(Place, range(given.num_qubits))), labels, [complex(factor) for factor in given.coeffs])
