"""What a circuit says of its parameters, and values and gradients at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qmk
from qmk.ir.parameters import Expression

A, B = qmk.Parameter("a"), qmk.Parameter("b", 2)


@pytest.mark.parametrize(
    ("value", "affine"),
    [
        (A, True),
        (B[1], True),
        (2 * A - B[0] / 3 + 1, True),
        (-(A + 0.5) * 4, True),
        (A * B[0], False),
        (1 / A, False),
        (A**2, False),
        (A.sin(), False),
        (A + B[0].exp(), False),
    ],
)
def test_affine_expressions(value: Expression, affine: bool) -> None:
    assert value.is_affine is affine
    assert qmk.Circuit(1).rx(value, 0).inputs.only_angles is affine


def test_inputs_of_a_circuit() -> None:
    c = qmk.Circuit(1).rx(A, 0).ry(B[1], 0)
    assert c.inputs.shapes == {"a": (), "b": (2,)}
    assert qmk.Circuit(1).x(0).inputs.shapes == {}


def ansatz() -> Any:
    c = qmk.Circuit(2)
    return c.ry(A, 0).cx(0, 1).rz(2 * B[0] - 1, 1).ry(B[1], 1).cx(1, 0)


def test_value_and_gradient_of_a_circuit_are_those_of_its_text() -> None:
    circuit, point = ansatz(), {"a": 0.3, "b": [0.2, -0.7]}
    value, gradient = qmk.value_and_grad(circuit, "ZZ + 0.5*XI", point)
    again, slopes = qmk.value_and_grad(circuit.to("qasm3"), "ZZ + 0.5*XI", point)
    assert value == pytest.approx(again, abs=1e-12)
    assert np.asarray(gradient["b"]) == pytest.approx(np.asarray(slopes["b"]), abs=1e-12)
    assert value == pytest.approx(qmk.expectation(circuit, "ZZ + 0.5*XI", params=point).value, abs=1e-9)


def test_a_gradient_of_a_circuit_agrees_with_differences() -> None:
    f = qmk.value_and_grad(ansatz(), "ZZ + 0.5*XI")
    at = np.array([0.3, 0.2, -0.7])
    _, gradient = f(at)
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-5
        assert gradient[place] == pytest.approx((f(at + step)[0] - f(at - step)[0]) / 2e-5, abs=1e-8)


def test_angles_that_are_not_affine_are_right_at_the_point() -> None:
    assert qmk.expectation(qmk.Circuit(1).rx(A**2, 0), "Z", params={"a": 0.7}).value == pytest.approx(np.cos(0.49))
