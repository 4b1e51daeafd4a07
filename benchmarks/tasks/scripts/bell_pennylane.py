import pennylane as qml


@qml.set_shots(1000)
@qml.qnode(qml.device("lightning.qubit", wires=2, seed=7))
def bell():
    qml.Hadamard(0)
    qml.CNOT([0, 1])
    return qml.counts()


print(bell())
