"""Logical errors of a repetition code (after Stim's "Getting started" notebook, with PyMatching)."""

import matplotlib.pyplot as plt
import numpy as np
import pymatching
import stim

noises, rates = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3], {}
for distance in (3, 5, 7):
    rates[distance] = []
    for noise in noises:
        circuit = stim.Circuit.generated(
            "repetition_code:memory",
            rounds=3 * distance,
            distance=distance,
            before_round_data_depolarization=noise,
            before_measure_flip_probability=noise / 4,
        )
        matching = pymatching.Matching.from_detector_error_model(circuit.detector_error_model(decompose_errors=True))
        # QMK: import qmk; bits = qmk.run(circuit, shots=20_000, seed=1).bits("record").astype(bool)
        bits = circuit.compile_sampler(seed=1).sample(20_000)
        detectors, flips = circuit.compile_m2d_converter().convert(measurements=bits, separate_observables=True)
        rates[distance].append(float(np.mean(matching.decode_batch(detectors) != flips)))
print(" ".join(f"d={distance}: {row[2]:.3f}" for distance, row in rates.items()))

for distance, row in rates.items():
    plt.semilogy(noises, np.maximum(row, 1e-5), "o-", label=f"distance {distance}")
plt.xlabel("depolarisation each round")
plt.ylabel("logical error rate")
plt.legend()
plt.savefig("picture.svg")
