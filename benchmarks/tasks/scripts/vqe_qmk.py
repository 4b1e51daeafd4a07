import numpy as np
from scipy.optimize import minimize

import qmk

n, layers = 8, 2
energy_of = {f"Z{k} Z{k + 1}": -1.0 for k in range(n - 1)} | {f"X{k}": -1.0 for k in range(n)}
w = qmk.Parameter("w", (layers + 1) * n)
ansatz = qmk.Circuit(n).ry(w[:n], range(n))
for layer in range(1, layers + 1):
    ansatz.cz(range(n - 1), range(1, n)).ry(w[layer * n : (layer + 1) * n], range(n))
found = minimize(qmk.value_and_grad(ansatz, energy_of), np.linspace(0.1, 1, len(w)), jac=True)
print(round(found.fun, 4))
