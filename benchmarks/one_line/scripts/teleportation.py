"""Teleportation with feed-forward (after IBM's "Quantum teleportation")."""

import matplotlib.pyplot as plt
import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter

# QMK: from qmk.integrations.qiskit import SamplerV2
from qiskit_aer.primitives import SamplerV2

theta = Parameter("theta")
qubits, sent, received = QuantumRegister(3, "q"), ClassicalRegister(2, "sent"), ClassicalRegister(1, "received")
circuit = QuantumCircuit(qubits, sent, received)
circuit.ry(theta, 0)
circuit.h(1)
circuit.cx(1, 2)
circuit.cx(0, 1)
circuit.h(0)
circuit.measure([0, 1], sent)
with circuit.if_test((sent[1], 1)):
    circuit.x(2)
with circuit.if_test((sent[0], 1)):
    circuit.z(2)
circuit.measure(2, received)

angles = np.linspace(0, 2 * np.pi, 21)
result = SamplerV2(seed=1).run([(circuit, angles)], shots=4000).result()[0]
ones = np.array([result.data.received[at].get_counts().get("1", 0) / 4000 for at in range(len(angles))])
print(f"largest deviation from sin^2 {np.abs(ones - np.sin(angles / 2) ** 2).max():.2f}")

plt.plot(angles, ones, "o", label="received")
plt.plot(angles, np.sin(angles / 2) ** 2, label="sent")
plt.xlabel("angle (rad)")
plt.ylabel("probability of 1")
plt.legend()
plt.savefig("picture.svg")
