"""qsim, through Cirq's importer of OpenQASM 2: the way that its users have."""

from __future__ import annotations

import numpy as np
import qsimcirq
from cirq.contrib.qasm_import import circuit_from_qasm

from benchmarks.router.peers.walk import Refused, from_rows

METHODS = ("",)
_WORDS = (
    "id x y z h s sdg t tdg sx sxdg rx ry rz u1 u2 u3 u p "
    "cx cy cz ch swap iswap cu1 cp cu3 crx cry crz rxx ryy rzz csx ccx cswap reset measure"
)
READS = frozenset(_WORDS.split())
_SIMULATOR = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=1, max_fused_gate_size=4))


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    circuit = circuit_from_qasm(text)
    if len(circuit.all_qubits()) > 28:
        raise Refused("more than 28 qubits")
    order = sorted(circuit.all_measurement_key_names(), key=lambda name: _key(name, text))
    result = _SIMULATOR.run(circuit, repetitions=shots)
    rows = np.column_stack([result.measurements[name][:, 0] for name in order])
    return from_rows(rows, {k: k for k in range(len(order))}, len(order))


def _key(name: str, text: str) -> tuple[int, int]:
    register, _, index = name.rpartition("_")
    return text.index(f"creg {register}["), int(index)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
