"""Objectives in torch, one point or a batch."""

from __future__ import annotations

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError

torch = pytest.importorskip("torch", reason="torch is not installed")

TEXT = 'OPENQASM 3.0; include "stdgates.inc"; input float a; input float b; qubit[2] q; ry(a) q[0]; crx(b) q[0], q[1];'
POINTS = np.array([[[0.3, 0.7], [0.1, -0.2]], [[2.0, 1.0], [-0.5, 0.5]]])


def test_gradients_are_those_of_each_point_of_a_batch() -> None:
    function = qmk.value_and_grad(TEXT, "ZZ + XI")
    points = torch.tensor(POINTS, requires_grad=True)
    values = function.torch()(points)
    assert values.shape == (2, 2)
    values.sum().backward()
    expected = [function(point) for point in POINTS.reshape(-1, 2)]
    assert values.detach().numpy().reshape(-1).tolist() == [value for value, _ in expected]
    assert points.grad.numpy().reshape(-1, 2) == pytest.approx(np.array([slopes for _, slopes in expected]))
    assert torch.autograd.gradcheck(function.torch(), torch.tensor(POINTS[0, 0], requires_grad=True))


def test_types_are_kept_and_values_alone_need_no_gradient() -> None:
    function = qmk.value_and_grad(TEXT, "ZZ + XI")
    found = function.torch()(torch.tensor(POINTS[0, 0], dtype=torch.float32))
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(function.value(POINTS[0, 0]), abs=1e-6)


def test_a_second_derivative_is_refused() -> None:
    function = qmk.value_and_grad(TEXT, "ZZ + XI").torch()
    with pytest.raises(QmkError, match="first derivatives only"):
        torch.autograd.functional.hessian(function, torch.tensor(POINTS[0, 0]))


def test_a_point_of_another_size_is_refused() -> None:
    with pytest.raises(QmkError, match="has 3 numbers"):
        qmk.value_and_grad(TEXT, "ZZ").torch()(torch.zeros(3))
