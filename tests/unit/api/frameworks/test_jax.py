"""Objectives in JAX: differentiated, compiled and mapped."""

from __future__ import annotations

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError

jax = pytest.importorskip("jax", reason="JAX is not installed")

TEXT = 'OPENQASM 3.0; include "stdgates.inc"; input float a; input float b; qubit[2] q; ry(a) q[0]; crx(b) q[0], q[1];'
POINTS = np.array([[0.3, 0.7], [0.1, -0.2], [2.0, 1.0]], dtype=np.float32)


def test_gradients_compiled_and_mapped_are_those_of_each_point() -> None:
    function = qmk.value_and_grad(TEXT, "ZZ + XI")
    expected = np.array([function.gradient(point) for point in POINTS])
    inside = function.jax()
    value, slopes = jax.value_and_grad(inside)(POINTS[0])
    assert value.dtype == slopes.dtype == np.float32
    assert float(value) == pytest.approx(function.value(POINTS[0]), abs=1e-6)
    assert np.asarray(slopes) == pytest.approx(expected[0], abs=1e-6)
    assert np.asarray(jax.vmap(jax.grad(inside))(POINTS)) == pytest.approx(expected, abs=1e-6)
    assert np.asarray(jax.jit(jax.vmap(jax.grad(inside)))(POINTS)) == pytest.approx(expected, abs=1e-6)
    squared = jax.jit(jax.grad(lambda x: inside(x) ** 2))(POINTS[0])
    assert np.asarray(squared) == pytest.approx(2 * function.value(POINTS[0]) * expected[0], abs=1e-6)


def test_a_second_derivative_is_refused() -> None:
    with pytest.raises(ValueError, match="do not support JVP"):
        jax.hessian(qmk.value_and_grad(TEXT, "ZZ").jax())(POINTS[0])


def test_a_point_of_another_size_is_refused() -> None:
    with pytest.raises(QmkError, match="has 3 numbers"):
        qmk.value_and_grad(TEXT, "ZZ").jax()(np.zeros(3))
