import random

import qmk

cliffords = [("h",), ("s",), ("h", "s"), ("s", "h"), ("x",), ("z", "h"), ("sx",), ("sxdg",), ("h", "s", "h"), ("y",)]
lengths, shots = (1, 5, 10, 20, 40), 100


def benchmark(length):
    c = qmk.Circuit(1)
    for gates in random.choices(cliffords, k=length):
        for gate in gates:
            c.apply(gate, 0)
    return c.add(c.inverse()).measure_all()


random.seed(7)
circuits = [benchmark(length) for length in lengths for _ in range(100)]
counts = qmk.sample(circuits, shots=shots, seed=7, noise="depolarizing=2e-3").counts
for k, length in enumerate(lengths):
    print(length, sum(c.get("0", 0) for c in counts[100 * k : 100 * k + 100]) / 100 / shots)
