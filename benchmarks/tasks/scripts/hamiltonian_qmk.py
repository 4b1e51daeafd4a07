import numpy as np

import qmk

n = 10
rng = np.random.default_rng(1)
terms = {"".join(rng.choice(list("IXYZ"), n)): rng.normal() for _ in range(100)}
angles = rng.uniform(0, np.pi, (2, n))
circuit = qmk.Circuit(n).ry(angles[0], range(n)).cz(range(n - 1), range(1, n)).ry(angles[1], range(n))
print(round(float(qmk.expectation(circuit, terms)), 9))
