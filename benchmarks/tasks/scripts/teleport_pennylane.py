import pennylane as qml

theta, phi = 1.2, 0.7


@qml.set_shots(1000)
@qml.qnode(qml.device("lightning.qubit", wires=5, seed=7), mcm_method="deferred")
def teleport():
    qml.RY(theta, 0)
    qml.RZ(phi, 0)
    qml.Hadamard(1)
    qml.CNOT([1, 2])
    qml.CNOT([0, 1])
    qml.Hadamard(0)
    phase, parity = qml.measure(0), qml.measure(1)
    qml.cond(parity, qml.X)(2)
    qml.cond(phase, qml.Z)(2)
    qml.RZ(-phi, 2)
    qml.RY(-theta, 2)
    return qml.counts(wires=2)


print(teleport())
