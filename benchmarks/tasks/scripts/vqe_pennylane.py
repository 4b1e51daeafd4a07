import pennylane as qml
from pennylane import numpy as np
from scipy.optimize import minimize

n, layers = 8, 2
terms = [qml.Z(k) @ qml.Z(k + 1) for k in range(n - 1)] + [qml.X(k) for k in range(n)]
hamiltonian = qml.Hamiltonian([-1.0] * len(terms), terms)


@qml.qnode(qml.device("lightning.qubit", wires=n), diff_method="adjoint")
def energy(w):
    for layer in range(layers + 1):
        if layer:
            for k in range(n - 1):
                qml.CZ([k, k + 1])
        for k in range(n):
            qml.RY(w[layer * n + k], k)
    return qml.expval(hamiltonian)


gradient = qml.grad(energy)


def value_and_grad(x):
    slopes = gradient(np.array(x, requires_grad=True))
    return gradient.forward, slopes


found = minimize(value_and_grad, np.linspace(0.1, 1, (layers + 1) * n), jac=True)
print(round(found.fun, 4))
