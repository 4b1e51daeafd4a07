"""Executors for Mitiq: its extrapolation gives on QMK what it gives on Cirq's density matrices."""

from __future__ import annotations

from typing import Any

import cirq
import mitiq
import numpy as np
import pytest

from qmk.integrations.mitiq import executor, sampler

m: Any = mitiq
A, B = cirq.LineQubit.range(2)
CIRCUIT = cirq.Circuit([cirq.H(A), cirq.CNOT(A, B), cirq.rx(0.4)(B), cirq.CNOT(A, B), cirq.CNOT(A, B)])
FOLDS = [1.0, 3.0, 5.0]


def theirs(circuit: cirq.Circuit) -> float:
    """The mean of ZZ, with the noise of ``depolarizing=0.02``: after each gate, on the qubits of the gate together."""
    noisy = cirq.Circuit()
    for op in circuit.all_operations():
        n = len(op.qubits)
        noisy += [op, cirq.depolarize(0.02, n_qubits=n)(*op.qubits)]
    found = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=[A, B])
    z = cirq.Z(A) * cirq.Z(B)
    return float(z.expectation_from_density_matrix(found.final_density_matrix, {A: 0, B: 1}).real)


@pytest.mark.parametrize("batched", [False, True])
def test_extrapolated_values_are_theirs(batched: bool) -> None:
    factory = m.zne.inference.RichardsonFactory(FOLDS)
    ours = executor("ZZ", noise="depolarizing=0.02", batched=batched)
    found = m.zne.execute_with_zne(CIRCUIT, ours, factory=factory)
    wanted = m.zne.execute_with_zne(CIRCUIT, theirs, factory=m.zne.inference.RichardsonFactory(FOLDS))
    assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("batched", [False, True])
def test_shots_give_an_observable(batched: bool) -> None:
    run = sampler(m.MeasurementResult, shots=20_000, seed=1, batched=batched)
    found = m.zne.execute_with_zne(CIRCUIT, run, m.Observable(m.PauliString("ZZ")), factory=m.zne.LinearFactory([1, 3]))
    exact = cirq.Z(A) * cirq.Z(B)
    state = CIRCUIT.final_state_vector(qubit_order=[A, B], dtype=np.complex128)
    assert found == pytest.approx(exact.expectation_from_state_vector(state, {A: 0, B: 1}).real, abs=0.05)
