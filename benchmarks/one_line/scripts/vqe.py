"""VQE of the hydrogen molecule with gradients (after PennyLane's "A brief overview of VQE")."""

import matplotlib.pyplot as plt
import pennylane as qml
from pennylane import numpy as np

TERMS = {
    "IIII": -0.0990, "ZIII": 0.1711, "IZII": 0.1711, "IIZI": -0.2229, "IIIZ": -0.2229, "ZZII": 0.1686, "ZIZI": 0.1205,
    "ZIIZ": 0.1659, "IZZI": 0.1659, "IZIZ": 0.1205, "IIZZ": 0.1743, "YYXX": -0.0453, "YXXY": 0.0453, "XYYX": 0.0453,
    "XXYY": -0.0453,
}  # fmt: skip
hamiltonian = qml.Hamiltonian(list(TERMS.values()), [qml.pauli.string_to_pauli_word(word) for word in TERMS])
# QMK: device = qml.device("qmk", wires=4)
device = qml.device("lightning.qubit", wires=4)


@qml.qnode(device, diff_method="adjoint")
def energy(angle):
    qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
    qml.DoubleExcitation(angle, wires=range(4))
    return qml.expval(hamiltonian)


angle, energies = np.array(0.0, requires_grad=True), []
optimizer = qml.GradientDescentOptimizer(stepsize=0.4)
for _ in range(40):
    angle, value = optimizer.step_and_cost(energy, angle)
    energies.append(float(value))
print(f"energy {energy(angle):.6f} Ha at the angle {angle:.5f}")

plt.plot(energies)
plt.xlabel("step")
plt.ylabel("energy (Ha)")
plt.savefig("picture.svg")
