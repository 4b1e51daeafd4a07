"""Qulacs: state vector in double precision, from Qiskit's reader."""

from __future__ import annotations

import math

import numpy as np
import qulacs
from qulacs import gate as g

from benchmarks.router.peers.walk import Refused, final_measurements, from_rows, load, operations, unrolled

METHODS = ("",)
_PLAIN = {
    "x": g.X,
    "y": g.Y,
    "z": g.Z,
    "h": g.H,
    "s": g.S,
    "sdg": g.Sdag,
    "t": g.T,
    "tdg": g.Tdag,
    "id": g.Identity,
    "sx": g.sqrtX,
    "sxdg": g.sqrtXdag,
    "cx": g.CNOT,
    "cz": g.CZ,
    "swap": g.SWAP,
    "ccx": g.TOFFOLI,
    "cswap": g.FREDKIN,
}
_WORDS = "measure barrier reset rx ry rz p u1 u2 u3 u cp cu1 if_else"
_KNOWN = frozenset([*_PLAIN, *_WORDS.split()])


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    source = unrolled(load(text), _KNOWN)
    gates, read = final_measurements(operations(source))
    if source.num_qubits > 27:
        raise Refused("more than 27 qubits")
    circuit = qulacs.QuantumCircuit(source.num_qubits)
    for name, angles, qubits, _ in gates:
        circuit.add_gate(_gate(name, angles, qubits))
    state = qulacs.QuantumState(source.num_qubits)
    circuit.update_quantum_state(state)
    drawn = np.array(state.sampling(shots), dtype=np.uint64)
    rows = drawn[:, None] >> np.arange(source.num_qubits, dtype=np.uint64) & np.uint64(1)
    return from_rows(rows, read, source.num_clbits)


def _gate(name: str, angles: tuple[float, ...], qubits: tuple[int, ...]) -> qulacs.QuantumGateBase:
    if name in _PLAIN:
        return _PLAIN[name](*qubits)
    if name in ("rx", "ry", "rz"):  # qulacs turns the other way
        return getattr(g, name.upper())(qubits[0], -angles[0])
    if name in ("p", "u1"):
        return g.U1(qubits[0], angles[0])
    if name == "u2":
        return g.U2(qubits[0], *angles)
    if name in ("u", "u3"):
        return g.U3(qubits[0], *angles)
    phase = complex(math.cos(angles[0]), math.sin(angles[0]))
    return g.DiagonalMatrix(list(qubits), [1, 1, 1, phase])


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
