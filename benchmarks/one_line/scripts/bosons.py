"""Gaussian boson sampling (after Strawberry Fields' "Gaussian boson sampling tutorial")."""

import matplotlib.pyplot as plt
import numpy as np
import strawberryfields as sf
from strawberryfields.ops import Interferometer, MeasureFock, Sgate

dice = np.random.default_rng(5)
unitary = np.linalg.qr(dice.normal(size=(4, 4)) + 1j * dice.normal(size=(4, 4)))[0]
program = sf.Program(4)
with program.context as q:
    for mode in q:
        Sgate(0.4) | mode
    Interferometer(unitary) | q
    MeasureFock() | q

# QMK: import qmk; samples = qmk.run(program, shots=200, seed=1).numbers()
samples = sf.Engine("gaussian").run(program, shots=200).samples
samples = np.array(samples)
clicks = np.bincount(samples.sum(axis=1), minlength=9)[:9] / len(samples)
print(f"photons a mode {samples.mean():.2f}, odd totals {clicks[1::2].sum():.2f}")

plt.bar(range(9), clicks)
plt.xlabel("photons in all modes")
plt.ylabel("probability")
plt.savefig("picture.svg")
