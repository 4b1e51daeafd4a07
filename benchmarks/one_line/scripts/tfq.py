"""A classifier of excitations (after TensorFlow Quantum's tutorials "Hello, many worlds" and on convolutions)."""

import cirq
import matplotlib.pyplot as plt
import numpy as np
import sympy
import tensorflow as tf
import tensorflow_quantum as tfq

# QMK: from qmk.integrations.tfq import PQC
PQC = tfq.layers.PQC

tf.keras.utils.set_random_seed(1)
dice = np.random.default_rng(1)
a, b = cirq.GridQubit.rect(1, 2)
angles = dice.uniform(-np.pi, np.pi, 60)
labels = np.where(abs(angles) > np.pi / 2, -1.0, 1.0).astype(np.float32)
miscalibrated = cirq.Circuit(cirq.rx(0.7)(a), cirq.ry(1.1)(a), cirq.CX(a, b), cirq.rz(0.5)(b), cirq.rx(0.9)(b))
data = tfq.convert_to_tensor([cirq.Circuit(cirq.rx(angle)(a)) + miscalibrated for angle in angles])

u, v, w, x, y, z = sympy.symbols("u v w x y z")
correction = cirq.Circuit(cirq.rx(u)(b), cirq.rz(v)(b), cirq.CX(a, b), cirq.rz(w)(a), cirq.ry(x)(a))
correction += cirq.Circuit(cirq.rx(y)(a), cirq.rz(z)(b))

initial = tf.keras.initializers.RandomUniform(0, 1, seed=1)
layer = PQC(correction, cirq.Z(a), initializer=initial)
model = tf.keras.Sequential([tf.keras.layers.Input(shape=(), dtype=tf.string), layer])
model.compile(tf.keras.optimizers.Adam(0.1), loss="mse")
losses = model.fit(data, labels, batch_size=20, epochs=20, shuffle=False, verbose=0).history["loss"]
accuracy = np.mean(np.sign(model.predict(data, verbose=0)[:, 0]) == labels)
print(f"loss {losses[-1]:.3f}, accuracy {accuracy:.2f}")

plt.plot(losses)
plt.xlabel("epoch")
plt.ylabel("mean squared error")
plt.savefig("picture.svg")
