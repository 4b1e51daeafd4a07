"""The gradient of a circuit is the same from its whole state and from the causal cones of its terms."""

from __future__ import annotations

import numpy as np
import pytest
import qmk_native

from qmk.ir.affine import Affine
from qmk.worker.adjoint import CoreGradient

N = 14


def ladder() -> qmk_native.Circuit:
    lines = [f"ry({0.1 + 0.2 * k}) q[{k}]; rz({0.3 * k}) q[{k}];" for k in range(N)]
    lines += [f"cx q[{k}], q[{k + 1}];" for k in range(0, N - 1, 2)] + [f"rx({0.05 * k}) q[{k}];" for k in range(N)]
    return qmk_native.read_qasm(f'OPENQASM 3.0; include "stdgates.inc"; qubit[{N}] q; {"".join(lines)}')


def string(letters: dict[int, str]) -> str:
    return "".join(letters.get(q, "I") for q in range(N))


def test_cones_and_the_whole_state_agree() -> None:
    circuit = ladder()
    rng = np.random.default_rng(5)
    size = len(circuit.params)
    angles = Affine(rng.normal(size=(size, 3)) * (rng.random((size, 3)) < 0.5), np.zeros(size))
    observable = (
        (string({0: "Z"}), 0.5),
        (string({3: "X", 4: "Y"}), -1.0),
        (string({}), 0.75),
        (string({13: "Z", 12: "X"}), 2.0),
    )
    whole, cut = CoreGradient(circuit, angles, observable, N), CoreGradient(circuit, angles, observable, 0)
    assert len(cut._parts) > 1
    for _ in range(3):
        point = rng.uniform(-2, 2, size)
        value, slopes = whole.gradient(point)
        found, parts = cut.gradient(point)
        assert found == pytest.approx(value, abs=1e-12)
        assert parts == pytest.approx(slopes, abs=1e-12)
        assert cut.value(point) == pytest.approx(value, abs=1e-12)
        assert whole.value(point) == pytest.approx(value, abs=1e-12)


def test_a_constant_has_no_slope() -> None:
    circuit = ladder()
    angles = Affine(np.eye(len(circuit.params)), np.zeros(len(circuit.params)))
    value, slopes = CoreGradient(circuit, angles, ((string({}), 0.75),), 0).gradient(np.array(circuit.params))
    assert value == 0.75
    assert not slopes.any()


def test_measurements_on_the_way_are_refused() -> None:
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; c = measure q; rx(0.1) q;'
    circuit = qmk_native.read_qasm(text)
    for narrow in (0, 1):
        with pytest.raises(ValueError, match="one final state"):
            CoreGradient(circuit, Affine(np.ones((1, 1)), np.zeros(1)), (("Z", 1.0),), narrow)


@pytest.mark.parametrize("columns", [1, 2], ids=["one parameter each", "several parameters"])
def test_derivatives_follow_the_chain_rule(columns: int) -> None:
    matrix = np.array([[2.0, 0.0], [0.0, -1.0], [0.5, 0.0], [0.0, 0.0]])
    matrix[1, 0] = columns - 1
    found = Affine(matrix, np.arange(4.0))
    slopes = np.array([1.0, 2.0, 3.0, 4.0])
    assert found.pull(slopes) == pytest.approx(matrix.T @ slopes)
    assert found.is_varied.tolist() == [True, True, True, False]
