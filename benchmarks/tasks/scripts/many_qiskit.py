import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

n, depth, shots = 5, 4, 100
rng = np.random.default_rng(7)


def random_circuit():
    c = QuantumCircuit(n)
    for _ in range(depth):
        for k, angle in enumerate(rng.uniform(0, 1, n)):
            c.ry(angle, k)
        for k, angle in enumerate(rng.uniform(0, 1, n)):
            c.rz(angle, k)
        c.cx(range(n - 1), range(1, n))
    c.measure_all()
    return c


simulator = AerSimulator(method="statevector", seed_simulator=7)
counts = simulator.run([random_circuit() for _ in range(500)], shots=shots).result().get_counts()
ones = sum(bits.count("1") * times for each in counts for bits, times in each.items())
print(ones / (500 * shots * n))
