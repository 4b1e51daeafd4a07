"""A quantum walk on a line, with a coin (after Cirq's and Qiskit's tutorials on quantum walks)."""

import cirq
import matplotlib.pyplot as plt
import numpy as np

# QMK: from qmk.integrations.cirq import Simulator
from cirq import Simulator

N, STEPS = 6, 20
place, coin = cirq.LineQubit.range(N), cirq.NamedQubit("coin")


def step():
    """The coin is thrown, then the walker goes up where it is 1 and down where it is 0."""
    yield cirq.H(coin)
    for low in range(N):
        yield cirq.X(place[low]).controlled_by(coin, *place[low + 1 :])
    yield cirq.X(coin)
    for low in range(N):
        controls = [coin, *place[low + 1 :]]
        yield cirq.X(place[low]).controlled_by(*controls, control_values=[1] + [0] * (N - low - 1))
    yield cirq.X(coin)


start = [cirq.X(place[0]), cirq.H(coin), cirq.S(coin)]
circuit = cirq.Circuit(start, [step() for _ in range(STEPS)], cirq.measure(*place, key="place"))
counts = Simulator(seed=1).run(circuit, repetitions=20_000).histogram(key="place")
chances = np.array([counts.get(at, 0) for at in range(2**N)]) / 20_000
mean = float(np.arange(2**N) @ chances)
print(f"mean {mean:.1f}, deviation {float(np.sqrt((np.arange(2**N) - mean) ** 2 @ chances)):.1f}")

plt.bar(range(2**N), chances)
plt.xlabel("place")
plt.ylabel("probability")
plt.savefig("picture.svg")
