import numpy as np

import qmk

n = 16
fourier = qmk.Circuit(n)
for k in range(n):
    fourier.h(k)
    for j in range(k + 1, n):
        fourier.cp(np.pi / 2 ** (j - k), j, k)
found = qmk.estimate(fourier.measure_all())
print(found.physical_qubits, found.runtime_ns)
