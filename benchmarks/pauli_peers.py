"""Other packages on the cases of ``benchmarks/pauli.py``: one JSON line each, with CPU seconds and the value.

``PYTHON benchmarks/pauli_peers.py '{"steps": ..., "angle": ..., "cuts": [...], "edges": [...], "qubit": ...}'`` runs
under an interpreter that has them (Python 3.12: qoro-maestro, bloqade-ppvm, pauli-prop); one that is missing is left
out. Each takes ``rzz(-pi/2)`` in its own natural form: a Clifford gate (CZ and two inverse S), or a rotation
(pauli-prop). Building the circuit is not timed, except that Maestro reads OpenQASM.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

QUBITS = 127
UNCUT = 1e-12


def maestro(case: dict[str, Any], cut: float) -> tuple[float, float]:
    """Qoro's Maestro."""
    import maestro as package

    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{QUBITS}];"]
    for _ in range(case["steps"]):
        lines += [f"rx({case['angle']!r}) q[{q}];" for q in range(QUBITS)]
        lines += [f"cz q[{a}],q[{b}]; sdg q[{a}]; sdg q[{b}];" for a, b in case["edges"]]
    config = package.SimulatorConfig(
        simulation_type=package.SimulationType.PauliPropagator, pp_coefficient_threshold=cut or UNCUT
    )
    letters = ["I"] * QUBITS
    letters[case["qubit"]] = "Z"
    started = time.process_time()
    found = package.simple_estimate("\n".join(lines), ["".join(letters)], config)
    return time.process_time() - started, float(found["expectation_values"][0])


def ppvm(case: dict[str, Any], cut: float) -> tuple[float, float]:
    """QuEra's ppvm: gates in reverse order."""
    import ppvm as package

    letters = ["I"] * QUBITS
    letters[case["qubit"]] = "Z"
    total = package.PauliSum.new(n_qubits=QUBITS, terms=["".join(letters)], min_abs_coeff=cut or UNCUT)
    pairs = [[a, b] for a, b in case["edges"]]
    flat = [q for pair in pairs for q in pair]
    started = time.process_time()
    for _ in range(case["steps"]):
        total.s_dag(flat, truncate=False)
        total.cz(flat, truncate=False)
        for q in range(QUBITS):
            total.rx([q], case["angle"])
    return time.process_time() - started, float(total.overlap_with_zero())


def pauli_prop(case: dict[str, Any], cut: float) -> tuple[float, float]:
    """IBM's pauli-prop: every gate a rotation."""
    from pauli_prop import propagation
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp

    circuit = QuantumCircuit(QUBITS)
    for _ in range(case["steps"]):
        for q in range(QUBITS):
            circuit.rx(case["angle"], q)
        for a, b in case["edges"]:
            circuit.rzz(-math.pi / 2, a, b)
    gates = propagation.circuit_to_rotation_gates(circuit)
    start = SparsePauliOp.from_sparse_list([("Z", [case["qubit"]], 1.0)], QUBITS)
    started = time.process_time()
    found, _ = propagation.propagate_through_rotation_gates(start, gates, 10**7, cut or UNCUT, "h")
    value = float(found.coeffs[~found.paulis.x.any(axis=1)].sum().real)
    return time.process_time() - started, value


PEERS: dict[str, Callable[[dict[str, Any], float], tuple[float, float]]] = {
    "maestro": maestro,
    "ppvm": ppvm,
    "pauli-prop": pauli_prop,
}


def run(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one case."""
    for name, peer in PEERS.items():
        for cut in case["cuts"]:
            try:
                seconds, value = peer(case, cut)
            except ImportError as missing:
                print(f"{name}: {missing}", file=sys.stderr)
                break
            yield {"peer": name, "cut": cut, "cpu_s": seconds, "value": value}


if __name__ == "__main__":
    for row in run(json.loads(sys.argv[1])):
        print(json.dumps(row), flush=True)
