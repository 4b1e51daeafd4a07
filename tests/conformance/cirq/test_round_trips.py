"""Cirq to QMK and back on 500 random circuits with classical control: the same keys, and the same exact distribution of
all measurements. ``tests/unit/adapters/test_cirq.py`` has 25 of them."""

from __future__ import annotations

# Cirq's types are those of operations where its operators give Pauli strings.
# pyright: reportPrivateImportUsage=false, reportOperatorIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
import cirq
import numpy as np
import pytest

from qmk.adapters.cirq.reader import read
from qmk.adapters.cirq.writer import write
from tests.unit.adapters.circuits_of_cirq import QUBITS, distribution, random_circuit


@pytest.mark.conformance
@pytest.mark.parametrize("seed", range(100, 600))
def test_a_random_circuit_with_classical_control_comes_back(seed: int) -> None:
    circuit = random_circuit(seed)
    again = write(read(circuit, None))
    assert cirq.measurement_key_names(again) == cirq.measurement_key_names(circuit)
    wanted, found = distribution(circuit), distribution(again)
    assert all(abs(found.get(key, 0.0) - wanted.get(key, 0.0)) < 1e-6 for key in {*wanted, *found})


@pytest.mark.conformance
@pytest.mark.parametrize("seed", range(500))
def test_a_random_circuit_of_gates_comes_back_with_its_phase(seed: int) -> None:
    circuit = cirq.Circuit(cirq.I.on_each(*QUBITS), cirq.testing.random_circuit(QUBITS, 12, 0.8, random_state=seed))
    wanted = circuit.unitary(qubit_order=QUBITS)
    assert np.allclose(write(read(circuit, None)).unitary(qubit_order=QUBITS), wanted, atol=1e-6)
