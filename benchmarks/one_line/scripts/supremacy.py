"""Random circuit sampling and cross-entropy (after Cirq's "Cross-entropy benchmarking theory")."""

import cirq
import matplotlib.pyplot as plt
import numpy as np

# QMK: from qmk.integrations.cirq import Simulator
from cirq import Simulator

qubits = cirq.GridQubit.rect(3, 4)
simulator, depths, fidelities = Simulator(seed=1), range(2, 15, 3), []
for depth in depths:
    circuit = cirq.experiments.random_rotations_between_grid_interaction_layers_circuit(qubits, depth=depth, seed=depth)
    ideal = np.abs(simulator.simulate(circuit, qubit_order=qubits).final_state_vector) ** 2
    samples = simulator.run(circuit + cirq.measure(*qubits, key="m"), repetitions=20_000).data["m"].to_numpy()
    fidelities.append((len(ideal) * ideal[samples].mean() - 1) / (len(ideal) * (ideal**2).sum() - 1))
print("linear cross-entropy fidelity", " ".join(f"{value:.2f}" for value in fidelities))

shown = np.sort(len(ideal) * ideal)[::-1]
plt.semilogy(np.linspace(0, 1, len(shown)), shown, label="the last circuit")
plt.semilogy(np.linspace(1e-3, 1, 200), -np.log(np.linspace(1e-3, 1, 200)), "--", label="Porter-Thomas")
plt.xlabel("share of the outcomes")
plt.ylabel("probability times 2^n")
plt.ylim(1e-3)
plt.legend()
plt.savefig("picture.svg")
