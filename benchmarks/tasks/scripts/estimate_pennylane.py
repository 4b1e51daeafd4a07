import numpy as np
import pennylane as qml
from qdk.openqasm import estimate

n = 16


@qml.qnode(qml.device("default.qubit", wires=n))
def fourier():
    for k in range(n):
        qml.Hadamard(k)
        for j in range(k + 1, n):
            qml.ControlledPhaseShift(np.pi / 2 ** (j - k), [j, k])
    return qml.counts()


counts = estimate(qml.to_openqasm(fourier)())["physicalCounts"]
print(counts["physicalQubits"], counts["runtime"])
