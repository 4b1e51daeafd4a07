import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.primitives import EstimatorV2

n = 8
edges = [(k, (k + 1) % n) for k in range(n)]
gamma, beta = Parameter("gamma"), Parameter("beta")
circuit = QuantumCircuit(n)
circuit.h(range(n))
for a, b in edges:
    circuit.rzz(gamma, a, b)
circuit.rx(2 * beta, range(n))
cost = SparsePauliOp.from_sparse_list([("ZZ", edge, 0.5) for edge in edges], n)
g, b = np.meshgrid(np.linspace(0, np.pi, 25), np.linspace(0, np.pi / 2, 25))
points = {gamma: g.ravel(), beta: b.ravel()}
cuts = n / 2 - EstimatorV2().run([(circuit, cost, points)]).result()[0].data.evs
print(round(cuts.max(), 6), round(cuts.mean(), 6))
