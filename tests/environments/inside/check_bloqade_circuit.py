"""Kernels of squin: shots on QMK are distributed as amplitudes of Bloqade's own simulator say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bloqade import squin
from bloqade.pyqrack import StackMemorySimulator

import qmk


@squin.kernel
def prepare(theta: float) -> Any:
    qubits = squin.qalloc(3)
    squin.h(qubits[0])
    squin.cx(qubits[0], qubits[1])
    squin.rx(theta, qubits[2])
    squin.cx(qubits[1], qubits[2])
    squin.t(qubits[2])
    squin.h(qubits[2])
    return qubits


@squin.kernel
def measure(theta: float) -> Any:
    return squin.broadcast.measure(prepare(theta))


@pytest.mark.parametrize("theta", [0.25, 1.2])
def test_shots_follow_their_amplitudes(theta: float) -> None:
    simulator = StackMemorySimulator(min_qubits=3)
    amplitudes = np.asarray(simulator.state_vector(prepare, args=(theta,)))
    wanted = np.abs(amplitudes.reshape(2, 2, 2)) ** 2  # the first axis is the last qubit
    shots = 20_000
    counts = qmk.run(measure, params={"theta": theta}, shots=shots, seed=1).counts
    for bits, count in counts.items():
        a, b, c = (int(bit) for bit in bits)
        p = float(wanted[c, b, a])
        assert abs(count / shots - p) < 5 * np.sqrt(p * (1 - p) / shots) + 1e-9
