from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

bell = QuantumCircuit(2)
bell.h(0)
bell.cx(0, 1)
bell.measure_all()
print(AerSimulator(seed_simulator=7).run(bell, shots=1000).result().get_counts())
