"""``python -m benchmarks.oracle FILE SHOTS``: counts of an OpenQASM file from qiskit's parser and Aer, as JSON.

An independent second opinion: neither our front-ends, nor our lowering, nor our engines have a part in it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

WIDE_QUBITS = 30
"""Wider programs than a state vector in memory are run as matrix product states."""


def counts(path: str, shots: int) -> dict[str, int]:
    """Aer's counts of the program, in qiskit's bit order. Raises what qiskit raises."""
    from qiskit import qasm2, qasm3, transpile
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit_aer import AerSimulator

    text = Path(path).read_text()
    if re.search(r"^\s*OPENQASM\s+2", text, re.MULTILINE):
        circuit = qasm2.loads(
            text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS, include_path=(str(Path(path).parent),)
        )
    else:
        circuit = qasm3.loads(text)
    method = "matrix_product_state" if circuit.num_qubits > WIDE_QUBITS else "automatic"
    simulator = AerSimulator(method=method, seed_simulator=20_231)
    # by gate names: given the simulator itself, the transpiler refuses what is wider than a state vector in memory
    gates = set(get_standard_gate_name_mapping()) & set(simulator.configuration().basis_gates)
    prepared = transpile(circuit, basis_gates=sorted(gates), optimization_level=0)
    return dict(simulator.run(prepared, shots=shots).result().get_counts())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(counts(sys.argv[1], int(sys.argv[2]))))
