import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.primitives import EstimatorV2
from scipy.optimize import minimize

n, layers = 8, 2
terms = [("ZZ", [k, k + 1], -1.0) for k in range(n - 1)] + [("X", [k], -1.0) for k in range(n)]
hamiltonian = SparsePauliOp.from_sparse_list(terms, n)
w = ParameterVector("w", (layers + 1) * n)
ansatz = QuantumCircuit(n)
for layer in range(layers + 1):
    if layer:
        ansatz.cz(range(n - 1), range(1, n))
    for k in range(n):
        ansatz.ry(w[layer * n + k], k)
estimator = EstimatorV2()
shifts = np.pi / 2 * np.eye(len(w))


def energy(x):
    points = np.concatenate([[x], x + shifts, x - shifts])
    values = estimator.run([(ansatz, hamiltonian, points)]).result()[0].data.evs
    return values[0], (values[1 : len(w) + 1] - values[len(w) + 1 :]) / 2


found = minimize(energy, np.linspace(0.1, 1, len(w)), jac=True)
print(round(found.fun, 4))
