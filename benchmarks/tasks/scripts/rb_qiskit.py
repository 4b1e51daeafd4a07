import random

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

cliffords = [("h",), ("s",), ("h", "s"), ("s", "h"), ("x",), ("z", "h"), ("sx",), ("sxdg",), ("h", "s", "h"), ("y",)]
lengths, shots = (1, 5, 10, 20, 40), 100


def benchmark(length):
    c = QuantumCircuit(1)
    for gates in random.choices(cliffords, k=length):
        for gate in gates:
            getattr(c, gate)(0)
    c.compose(c.inverse(), inplace=True)
    c.measure_all()
    return c


random.seed(7)
circuits = [benchmark(length) for length in lengths for _ in range(100)]
noise = NoiseModel()
noise.add_all_qubit_quantum_error(depolarizing_error(2e-3 * 4 / 3, 1), ["h", "s", "sdg", "x", "y", "z", "sx", "sxdg"])
simulator = AerSimulator(method="density_matrix", noise_model=noise, seed_simulator=7)
counts = simulator.run(circuits, shots=shots).result().get_counts()
for k, length in enumerate(lengths):
    print(length, sum(c.get("0", 0) for c in counts[100 * k : 100 * k + 100]) / 100 / shots)
