import random

import pennylane as qml

H, S, X, Y, Z, SX = (gate(0) for gate in (qml.Hadamard, qml.S, qml.X, qml.Y, qml.Z, qml.SX))
cliffords = [(H,), (S,), (H, S), (S, H), (X,), (Z, H), (SX,), (qml.adjoint(SX),), (H, S, H), (Y,)]
lengths, shots = (1, 5, 10, 20, 40), 100


def benchmark(length):
    gates = [gate for chosen in random.choices(cliffords, k=length) for gate in chosen]
    gates += [qml.adjoint(gate, lazy=False) for gate in reversed(gates)]
    noisy = [op for gate in gates for op in (gate, qml.DepolarizingChannel(2e-3, 0))]
    return qml.tape.QuantumScript(noisy, [qml.counts()], shots=shots)


random.seed(7)
circuits = [benchmark(length) for length in lengths for _ in range(100)]
counts = qml.execute(circuits, qml.device("default.mixed", wires=1, seed=7))
for k, length in enumerate(lengths):
    print(length, float(sum(c.get("0", 0) for c in counts[100 * k : 100 * k + 100]) / 100 / shots))
