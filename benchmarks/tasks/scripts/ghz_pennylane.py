import pennylane as qml

n, shots = 20, 2000


def depolarize(op, **_):
    for wire in op.wires:
        qml.DepolarizingChannel(0.01, wire)


noise = qml.NoiseModel({qml.noise.op_in([qml.Hadamard, qml.CNOT]): depolarize})


@qml.add_noise(noise_model=noise)
@qml.set_shots(shots)
@qml.qnode(qml.device("default.clifford", wires=n, seed=7))
def ghz():
    qml.Hadamard(0)
    for k in range(n - 1):
        qml.CNOT([k, k + 1])
    return qml.counts()


counts = ghz()
print(float((counts["0" * n] + counts["1" * n]) / shots))
