from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.result import marginal_counts
from qiskit_aer import AerSimulator

theta, phi = 1.2, 0.7
phase, parity, out = ClassicalRegister(1, "phase"), ClassicalRegister(1, "parity"), ClassicalRegister(1, "out")
c = QuantumCircuit(QuantumRegister(3), phase, parity, out)
c.ry(theta, 0)
c.rz(phi, 0)
c.h(1)
c.cx(1, 2)
c.cx(0, 1)
c.h(0)
c.measure(0, phase)
c.measure(1, parity)
with c.if_test((parity, 1)):
    c.x(2)
with c.if_test((phase, 1)):
    c.z(2)
c.rz(-phi, 2)
c.ry(-theta, 2)
c.measure(2, out)
result = AerSimulator(method="statevector", seed_simulator=7).run(c, shots=1000).result()
print(marginal_counts(result, [2]).get_counts())
