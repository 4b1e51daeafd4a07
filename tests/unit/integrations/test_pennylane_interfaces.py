"""JAX and torch with PennyLane's device ``qmk``: compiled, mapped and differentiated."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pennylane
import pytest

from qmk.integrations.pennylane import QmkDevice

qml: Any = pennylane

XS, YS = np.array([0.2, -0.7]), np.array([0.3, 0.9, 1.1])
VALUES = np.cos(XS) * np.cos(YS)[:, None]
SLOPES = -np.cos(XS) * np.sin(YS)[:, None]


def circuit(x: Any, y: Any) -> Any:
    """Its first value is cos(x) cos(y), by the second wire."""
    qml.RX(x, 0)
    qml.RY(y, 1)
    qml.CNOT([0, 1])
    return qml.expval(qml.Z(1)), qml.probs([0])


@pytest.fixture(autouse=True)
def double_precision() -> None:
    jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("method", ["best", "parameter-shift"])
def test_jax_compiles_and_differentiates(method: str) -> None:
    node = qml.QNode(circuit, QmkDevice(wires=2), diff_method=method)
    for change in (lambda f: f, jax.jit):
        found, slopes = change(jax.value_and_grad(lambda x, y: node(x, y)[0], argnums=1))(XS[0], YS[0])
        assert abs(found - VALUES[0, 0]) < 1e-9
        assert abs(slopes - SLOPES[0, 0]) < 1e-9


def test_jax_maps_over_points_compiled_and_not_and_within_each_other() -> None:
    node = qml.QNode(circuit, QmkDevice(wires=2))
    slope = jax.grad(lambda x, y: node(x, y)[0], argnums=1)
    for change in (lambda f: f, jax.jit):
        values, chances = jax.vmap(lambda y: jax.vmap(change(node), in_axes=(0, None))(XS, y))(YS)  # noqa: B023
        assert np.allclose(values, VALUES)
        assert np.allclose(chances[..., 0], np.cos(XS / 2) ** 2)
        assert np.allclose(jax.vmap(change(slope), in_axes=(None, 0))(XS[0], YS), SLOPES[:, 0])


def test_coefficients_of_observables_are_differentiated_by_the_shift_rule() -> None:
    def weighted(x: Any) -> Any:
        qml.RX(x, 0)
        return qml.expval(x * qml.Z(0) + 2.0 * qml.Y(0))

    wanted = -0.3 * math.sin(0.3) + math.cos(0.3) - 2 * math.cos(0.3)
    assert abs(jax.grad(qml.QNode(weighted, QmkDevice(wires=1)))(0.3) - wanted) < 1e-6
    with pytest.raises(qml.exceptions.QuantumFunctionError, match="does not support adjoint"):
        jax.grad(qml.QNode(weighted, QmkDevice(wires=1), diff_method="adjoint"))(0.3)


def test_postselected_samples_keep_their_number_for_jax() -> None:
    def selected(x: Any) -> Any:
        qml.RX(x, 0)
        qml.CNOT([0, 1])
        qml.measure(0, postselect=1)
        return qml.sample(wires=[1]), qml.expval(qml.Z(1))

    node = qml.set_shots(qml.QNode(selected, QmkDevice(wires=2, seed=1)), 50)
    for run in (node, jax.jit(node)):
        samples, mean = run(jax.numpy.array(1.5))
        assert samples.shape == (50, 1)
        assert set(np.array(samples).ravel().tolist()) == {1, np.iinfo(np.int32).min}
        assert mean == -1


def test_torch_differentiates_and_trains() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    node = qml.QNode(circuit, QmkDevice(wires=2))
    x, y = (torch.tensor(each[0], dtype=torch.float64, requires_grad=True) for each in (XS, YS))
    found = node(x, y)[0]
    assert abs(found.item() - VALUES[0, 0]) < 1e-9
    assert abs(torch.autograd.grad(found, y)[0].item() - SLOPES[0, 0]) < 1e-9

    def model(inputs: Any, w: Any) -> Any:
        qml.AngleEmbedding(inputs, wires=[0, 1])
        qml.StronglyEntanglingLayers(w, wires=[0, 1])
        return [qml.expval(qml.Z(k)) for k in (0, 1)]

    torch.manual_seed(1)
    layer = qml.qnn.TorchLayer(qml.QNode(model, QmkDevice(wires=2)), {"w": (2, 2, 3)})
    net = torch.nn.Sequential(layer, torch.nn.Linear(2, 1)).double()
    inputs = torch.rand(12, 2, dtype=torch.float64)
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=0.1), []
    for _ in range(15):
        optimizer.zero_grad()
        loss = ((net(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
