"""Layers of TensorFlow Quantum: values and derivatives are those of its own simulator."""

from __future__ import annotations

from typing import Any

import cirq
import numpy as np
import sympy
import tensorflow
import tensorflow_quantum

from qmk.integrations.tfq import PQC, Expectation

tf: Any = tensorflow
tfq: Any = tensorflow_quantum
A, B = cirq.GridQubit.rect(1, 2)
U, V = sympy.symbols("u v")
CIRCUIT = cirq.Circuit(cirq.rx(U)(A), cirq.ry(2 * V)(B), cirq.CNOT(A, B), cirq.rz(U)(B), cirq.H(A))
OPERATORS = [cirq.Z(A) * cirq.X(B), 0.5 * cirq.Y(A) + cirq.Z(B)]


def test_values_and_derivatives() -> None:
    points = np.array([[0.3, 0.7], [-1.1, 2.0]], np.float32)
    found: dict[str, tuple[Any, Any]] = {}
    for which, layer in (("ours", Expectation()), ("theirs", tfq.layers.Expectation())):
        values = tf.Variable(points)
        with tf.GradientTape() as tape:
            out = layer([CIRCUIT] * 2, symbol_names=["u", "v"], symbol_values=values, operators=[OPERATORS] * 2)
            total = tf.reduce_sum(out * [[1.0, 2.0], [3.0, -1.0]])
        found[which] = out.numpy(), tape.gradient(total, values).numpy()
    for ours, theirs in zip(found["ours"], found["theirs"], strict=True):
        assert np.abs(ours - theirs).max() < 1e-4  # theirs counts in single precision


def test_a_layer_with_weights_learns_as_theirs_does() -> None:
    data = tfq.convert_to_tensor([cirq.Circuit(cirq.rx(x)(A)) for x in (0.2, 1.0, 2.5, 3.0)])
    labels = np.array([1, 1, -1, -1], np.float32)
    weights: list[Any] = []
    for layer in (PQC, tfq.layers.PQC):
        initial = tf.keras.initializers.RandomUniform(0, 1, seed=1)
        built = layer(CIRCUIT, cirq.Z(B), initializer=initial)
        model = tf.keras.Sequential([tf.keras.layers.Input(shape=(), dtype=tf.string), built])
        model.compile(tf.keras.optimizers.Adam(0.1), loss="mse")
        model.fit(data, labels, batch_size=2, epochs=5, shuffle=False, verbose=0)
        weights.append(built.get_weights()[0])
    assert np.abs(weights[0] - weights[1]).max() < 1e-3
