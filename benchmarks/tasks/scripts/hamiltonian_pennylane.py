import numpy as np
import pennylane as qml

n = 10
rng = np.random.default_rng(1)
terms = {"".join(rng.choice(list("IXYZ"), n)): rng.normal() for _ in range(100)}
hamiltonian = qml.Hamiltonian(list(terms.values()), [qml.pauli.string_to_pauli_word(string) for string in terms])
angles = rng.uniform(0, np.pi, (2, n))


@qml.qnode(qml.device("lightning.qubit", wires=n), diff_method=None)
def energy():
    for k in range(n):
        qml.RY(angles[0, k], k)
    for k in range(n - 1):
        qml.CZ([k, k + 1])
    for k in range(n):
        qml.RY(angles[1, k], k)
    return qml.expval(hamiltonian)


print(round(float(energy()), 9))
