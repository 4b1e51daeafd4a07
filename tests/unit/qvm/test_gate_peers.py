"""Matrices of gates against those of Qiskit and Cirq, phases included."""

from __future__ import annotations

import math
from typing import Any

import cirq
import numpy as np
import pytest
from qiskit.circuit import library
from qiskit.quantum_info import Operator

from qmk.qvm.families.gates import FIXED_SIZE

lib: Any = library
THETA, BETA = 0.7, -1.1


def matrix(short: str, *values: float) -> Any:
    op = FIXED_SIZE[short]
    assert op.matrix is not None
    return np.array(op.matrix(dict(zip((p.name for p in op.params), values, strict=True))), dtype=complex)


def exchange_order(unitary: Any) -> Any:
    """The matrix with the order of its two qubits turned round: Qiskit's first is the least significant bit."""
    return unitary.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)


@pytest.mark.parametrize(
    ("short", "gate", "values"),
    [
        ("ecr", lib.ECRGate(), ()),
        ("iswap", lib.iSwapGate(), ()),
        ("iswapdg", lib.iSwapGate().inverse(), ()),
        ("rzx", lib.RZXGate(THETA), (THETA,)),
        ("xx_plus_yy", lib.XXPlusYYGate(THETA, BETA), (THETA, BETA)),
        ("siswap", lib.XXPlusYYGate(-math.pi / 2, 0.0), ()),
        ("ryy", lib.RYYGate(THETA), (THETA,)),
        ("crx", lib.CRXGate(THETA), (THETA,)),
    ],
)
def test_two_qubit_gates_are_qiskits(short: str, gate: Any, values: tuple[float, ...]) -> None:
    assert np.allclose(matrix(short, *values), exchange_order(Operator(gate).data), atol=1e-12)


@pytest.mark.parametrize(
    ("short", "gate", "values"),
    [
        ("fsim", cirq.FSimGate(THETA, BETA), (THETA, BETA)),
        ("fsim", cirq.FSimGate(math.pi / 2, math.pi / 6), (math.pi / 2, math.pi / 6)),
        ("siswap", cirq.SQRT_ISWAP, ()),
        ("siswapdg", cirq.SQRT_ISWAP_INV, ()),
        ("iswap", cirq.ISWAP, ()),
    ],
)
def test_two_qubit_gates_are_cirqs(short: str, gate: Any, values: tuple[float, ...]) -> None:
    assert np.allclose(matrix(short, *values), cirq.unitary(gate), atol=1e-12)


def test_u_of_openqasm_3_has_the_phase_of_its_specification() -> None:
    """U(t, p, l) = 1/2 [[1 + e^{it}, -i e^{il} (1 - e^{it})], [i e^{ip} (1 - e^{it}), e^{i(p+l)} (1 + e^{it})]]."""
    t, p, l = 0.7, -1.1, 2.3
    e = np.exp
    wanted = [
        [1 + e(1j * t), -1j * e(1j * l) * (1 - e(1j * t))],
        [1j * e(1j * p) * (1 - e(1j * t)), e(1j * (p + l)) * (1 + e(1j * t))],
    ]
    assert np.allclose(matrix("qasm_u", t, p, l), np.array(wanted) / 2, atol=1e-12)
