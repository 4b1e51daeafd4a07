"""qsim, through Cirq's importer of OpenQASM 2: the way that its users have."""

from __future__ import annotations

import qsimcirq
from cirq.contrib.qasm_import import circuit_from_qasm

from benchmarks.router.peers.walk import Refused

METHODS = ("",)
_SIMULATOR = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=1, max_fused_gate_size=4))


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    circuit = circuit_from_qasm(text)
    if len(circuit.all_qubits()) > 28:
        raise Refused("more than 28 qubits")
    order = sorted(circuit.all_measurement_key_names(), key=lambda name: _key(name, text))
    result = _SIMULATOR.run(circuit, repetitions=shots)
    counts: dict[str, int] = {}
    columns = [result.measurements[name][:, 0] for name in order]
    for row in zip(*columns, strict=True):
        key = "".join("1" if bit else "0" for bit in row)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _key(name: str, text: str) -> tuple[int, int]:
    register, _, index = name.rpartition("_")
    return text.index(f"creg {register}["), int(index)


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
