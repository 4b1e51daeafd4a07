import numpy as np

import qmk

n = 8
edges = [(k, (k + 1) % n) for k in range(n)]
gamma, beta = qmk.Parameter("gamma"), qmk.Parameter("beta")
circuit = qmk.Circuit(n).h(range(n))
for a, b in edges:
    circuit.rzz(gamma, a, b)
circuit.rx(2 * beta, range(n))
cost = {f"Z{a} Z{b}": 0.5 for a, b in edges}
g, b = np.meshgrid(np.linspace(0, np.pi, 25), np.linspace(0, np.pi / 2, 25))
cuts = n / 2 - qmk.sweep(circuit, {gamma: g.ravel(), beta: b.ravel()}, cost).values
print(round(cuts.max(), 6), round(cuts.mean(), 6))
