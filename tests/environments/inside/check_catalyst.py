"""PennyLane with its compiler Catalyst: a QNode on QMK gives what the compiled one gives on lightning."""

from __future__ import annotations

from typing import Any

import catalyst
import pennylane as qml
import pytest

import qmk


def circuit(x: Any) -> Any:
    qml.RX(x, 0)
    qml.CNOT([0, 1])
    qml.RY(0.3, 1)
    return qml.expval(qml.Z(0) @ qml.X(1))


def test_values_are_those_of_the_compiled_one() -> None:
    wanted = float(catalyst.qjit(qml.QNode(circuit, qml.device("lightning.qubit", wires=2)))(0.7))
    assert float(qml.QNode(circuit, qml.device("qmk", wires=2))(0.7)) == pytest.approx(wanted, abs=1e-9)


def test_a_qnode_is_a_program_of_ours() -> None:
    node = qml.QNode(circuit, qml.device("lightning.qubit", wires=2))
    tape = qml.workflow.construct_tape(node)(0.7)
    assert float(qmk.expectation(tape, "ZX")) == pytest.approx(float(node(0.7)), abs=1e-9)
