"""``python -m benchmarks.oracle FILE SHOTS``: counts of an OpenQASM file from qiskit's parser and Aer, as JSON.

An independent second opinion: neither our front-ends, nor our lowering, nor our engines have a part in it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def counts(path: str, shots: int) -> dict[str, int]:
    """Aer's counts of the program, in qiskit's bit order. Raises what qiskit raises."""
    from qiskit import qasm2, qasm3, transpile
    from qiskit_aer import AerSimulator

    text = Path(path).read_text()
    if re.search(r"^\s*OPENQASM\s+2", text, re.MULTILINE):
        circuit = qasm2.loads(
            text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS, include_path=(str(Path(path).parent),)
        )
    else:
        circuit = qasm3.loads(text)
    simulator = AerSimulator(seed_simulator=20_231)
    prepared = transpile(circuit, simulator, optimization_level=0)
    return dict(simulator.run(prepared, shots=shots).result().get_counts())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(counts(sys.argv[1], int(sys.argv[2]))))
