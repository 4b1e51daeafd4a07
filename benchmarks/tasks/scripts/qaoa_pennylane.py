import numpy as np
import pennylane as qml

n = 8
edges = [(k, (k + 1) % n) for k in range(n)]
cost = qml.Hamiltonian([0.5] * n, [qml.Z(a) @ qml.Z(b) for a, b in edges])


@qml.qnode(qml.device("default.qubit", wires=n))
def circuit(gamma, beta):
    for k in range(n):
        qml.Hadamard(k)
    for edge in edges:
        qml.IsingZZ(gamma, edge)
    for k in range(n):
        qml.RX(2 * beta, k)
    return qml.expval(cost)


g, b = np.meshgrid(np.linspace(0, np.pi, 25), np.linspace(0, np.pi / 2, 25))
cuts = n / 2 - circuit(g.ravel(), b.ravel())
print(round(cuts.max(), 6), round(cuts.mean(), 6))
