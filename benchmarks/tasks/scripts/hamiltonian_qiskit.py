import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

n = 10
rng = np.random.default_rng(1)
terms = {"".join(rng.choice(list("IXYZ"), n)): rng.normal() for _ in range(100)}
hamiltonian = SparsePauliOp.from_list([(string[::-1], factor) for string, factor in terms.items()])
angles = rng.uniform(0, np.pi, (2, n))
circuit = QuantumCircuit(n)
for k in range(n):
    circuit.ry(angles[0, k], k)
circuit.cz(range(n - 1), range(1, n))
for k in range(n):
    circuit.ry(angles[1, k], k)
print(round(Statevector(circuit).expectation_value(hamiltonian).real, 9))
