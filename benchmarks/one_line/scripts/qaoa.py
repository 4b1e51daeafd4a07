"""QAOA for MaxCut with EstimatorV2 (after IBM's "Quantum approximate optimization algorithm")."""

import matplotlib.pyplot as plt
from qiskit.circuit.library import QAOAAnsatz
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

# QMK: from qmk.integrations.qiskit import EstimatorV2
from qiskit_aer.primitives import EstimatorV2
from scipy.optimize import minimize

EDGES = [(0, 1), (0, 2), (0, 4), (1, 2), (2, 3), (3, 4)]
cost = SparsePauliOp.from_sparse_list([("ZZ", list(edge), 1.0) for edge in EDGES], num_qubits=5)
passes = generate_preset_pass_manager(optimization_level=1, basis_gates=["rz", "sx", "x", "cx", "rzz", "rx", "h"])
circuit = passes.run(QAOAAnsatz(cost, reps=2))
estimator, values = EstimatorV2(), []


def expected_cost(angles):
    values.append(float(estimator.run([(circuit, cost, angles)]).result()[0].data.evs))
    return values[-1]


found = minimize(expected_cost, [0.6, 0.3, 0.3, 0.6], method="COBYLA", options={"maxiter": 120, "tol": 1e-4})
print(f"cost {found.fun:.4f}, cut of {(len(EDGES) - found.fun) / 2:.4f} edges of {len(EDGES)}")

plt.plot(values)
plt.xlabel("evaluation")
plt.ylabel("expected cost")
plt.savefig("picture.svg")
