"""Zero-noise extrapolation (after Mitiq's "Getting started")."""

import cirq
import matplotlib.pyplot as plt
import numpy as np

# QMK: from qmk.integrations.cirq import Simulator
from cirq import DensityMatrixSimulator as Simulator
from mitiq import benchmarks, zne


def execute(circuit: cirq.Circuit) -> float:
    """The mean of Z with 1 % of depolarisation after each gate."""
    noisy = circuit.with_noise(cirq.depolarize(p=0.01))
    (qubit,) = circuit.all_qubits()
    return float(np.real(Simulator().simulate_expectation_values(noisy, cirq.Z(qubit))[0]))


circuit = benchmarks.generate_rb_circuits(n_qubits=1, num_cliffords=30, seed=1)[0]
factory = zne.inference.RichardsonFactory(scale_factors=[1.0, 2.0, 3.0])
mitigated = zne.execute_with_zne(circuit, execute, factory=factory)
print(f"noisy {execute(circuit):.4f}, mitigated {mitigated:.4f}, ideal 1.0000")

factory.plot_fit()
plt.savefig("picture.svg")
