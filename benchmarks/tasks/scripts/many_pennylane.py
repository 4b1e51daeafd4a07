import numpy as np
import pennylane as qml

n, depth, shots = 5, 4, 100
rng = np.random.default_rng(7)


def random_circuit():
    gates = []
    for _ in range(depth):
        gates += [qml.RY(angle, k) for k, angle in enumerate(rng.uniform(0, 1, n))]
        gates += [qml.RZ(angle, k) for k, angle in enumerate(rng.uniform(0, 1, n))]
        gates += [qml.CNOT([k, k + 1]) for k in range(n - 1)]
    return qml.tape.QuantumScript(gates, [qml.counts()], shots=shots)


device = qml.device("lightning.qubit", wires=n, seed=7)
counts = qml.execute([random_circuit() for _ in range(500)], device)
ones = sum(bits.count("1") * times for each in counts for bits, times in each.items())
print(float(ones / (500 * shots * n)))
