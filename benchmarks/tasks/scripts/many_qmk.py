import numpy as np

import qmk

n, depth, shots = 5, 4, 100
rng = np.random.default_rng(7)


def random_circuit():
    c = qmk.Circuit(n)
    for _ in range(depth):
        c.ry(rng.uniform(0, 1, n), range(n)).rz(rng.uniform(0, 1, n), range(n)).cx(range(n - 1), range(1, n))
    return c.measure_all()


counts = qmk.sample([random_circuit() for _ in range(500)], shots=shots, seed=7).counts
ones = sum(bits.count("1") * times for each in counts for bits, times in each.items())
print(ones / (500 * shots * n))
