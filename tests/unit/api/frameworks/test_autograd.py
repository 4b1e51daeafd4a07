"""Objectives in HIPS autograd and PennyLane's numpy."""

from __future__ import annotations

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError

autograd = pytest.importorskip("autograd", reason="HIPS autograd is not installed")

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; input array[float[64], 2] a; '
TEXT = HEAD + "qubit[2] q; ry(a[0]) q[0]; crx(a[1]) q[0], q[1];"
POINT = np.array([0.3, 0.7])


def test_a_value_is_differentiated_within_other_functions() -> None:
    function = qmk.value_and_grad(TEXT, "ZZ + XI")
    value, slopes = function(POINT)
    inside = function.autograd()
    assert inside(POINT) == value
    found = autograd.grad(lambda x: autograd.numpy.sin(inside(2 * x)) * x[0])(POINT / 2)
    expected = np.cos(value) * 2 * slopes * 0.15 + np.array([np.sin(value), 0.0])
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_second_derivative_is_refused() -> None:
    with pytest.raises(QmkError, match="first derivatives only"):
        autograd.hessian(qmk.value_and_grad(TEXT, "ZZ + XI").autograd())(POINT)


def test_pennylane_differentiates_it_too() -> None:
    qml = pytest.importorskip("pennylane", reason="PennyLane is not installed")
    function = qmk.value_and_grad(TEXT, "ZZ + XI")
    point = qml.numpy.array(POINT, requires_grad=True)
    assert qml.grad(function.autograd())(point) == pytest.approx(function.gradient(POINT), abs=1e-14)
    optimiser = qml.GradientDescentOptimizer(0.1)
    assert optimiser.step(function.autograd(), point) == pytest.approx(POINT - 0.1 * function.gradient(POINT))
