import numpy as np
from qdk.qiskit import ResourceEstimatorBackend
from qiskit import QuantumCircuit

n = 16
fourier = QuantumCircuit(n)
for k in range(n):
    fourier.h(k)
    for j in range(k + 1, n):
        fourier.cp(np.pi / 2 ** (j - k), j, k)
fourier.measure_all()
result = ResourceEstimatorBackend(skip_transpilation=True).run(fourier).result()
counts = result["physicalCounts"]
print(counts["physicalQubits"], counts["runtime"])
