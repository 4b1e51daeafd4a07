from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

n, shots = 20, 2000
ghz = QuantumCircuit(n)
ghz.h(0)
ghz.cx(range(n - 1), range(1, n))
ghz.measure_all()
noise = NoiseModel()
error = depolarizing_error(0.01 * 4 / 3, 1)
noise.add_all_qubit_quantum_error(error, "h")
noise.add_all_qubit_quantum_error(error.tensor(error), "cx")
simulator = AerSimulator(method="stabilizer", noise_model=noise, seed_simulator=7)
counts = simulator.run(ghz, shots=shots).result().get_counts()
print((counts["0" * n] + counts["1" * n]) / shots)
