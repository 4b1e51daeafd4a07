"""PennyLane's lightning.qubit through its own bindings (a QNode costs milliseconds more), in single precision."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from benchmarks.router.peers.walk import Refused, final_measurements, from_rows, load, operations, unrolled

METHODS = ("",)
_PLAIN = {
    "x": qml.PauliX,
    "y": qml.PauliY,
    "z": qml.PauliZ,
    "h": qml.Hadamard,
    "s": qml.S,
    "t": qml.T,
    "sx": qml.SX,
    "cx": qml.CNOT,
    "cz": qml.CZ,
    "swap": qml.SWAP,
    "ccx": qml.Toffoli,
    "cswap": qml.CSWAP,
    "cy": qml.CY,
    "rx": qml.RX,
    "ry": qml.RY,
    "rz": qml.RZ,
    "p": qml.PhaseShift,
    "u1": qml.PhaseShift,
    "cp": qml.ControlledPhaseShift,
    "cu1": qml.ControlledPhaseShift,
    "crx": qml.CRX,
    "cry": qml.CRY,
    "crz": qml.CRZ,
    "u3": qml.U3,
    "u": qml.U3,
    "u2": qml.U2,
    "rzz": qml.IsingZZ,
    "rxx": qml.IsingXX,
    "ryy": qml.IsingYY,
    "id": qml.Identity,
}
_ADJOINT = {"sdg": qml.S, "tdg": qml.T, "sxdg": qml.SX}
_KNOWN = frozenset([*_PLAIN, *_ADJOINT, "measure", "barrier", "reset", "if_else"])


def sample(text: str, shots: int, method: str) -> dict[str, int]:
    source = unrolled(load(text), _KNOWN)
    gates, read = final_measurements(operations(source))
    if source.num_qubits > 27:
        raise Refused("more than 27 qubits")
    made = [_gate(name, angles, qubits) for name, angles, qubits, _ in gates]
    wires = sorted(set(read.values()))
    device = qml.device("lightning.qubit", wires=source.num_qubits, c_dtype=np.complex64)
    tape = qml.tape.QuantumScript(made, [qml.sample(wires=wires)], shots=shots)
    rows = np.asarray(device.execute(tape)).reshape(shots, len(wires))
    return from_rows(rows, {c: wires.index(q) for c, q in read.items()}, source.num_clbits)


def _gate(name: str, angles: tuple[float, ...], qubits: tuple[int, ...]) -> qml.operation.Operator:
    if name in _ADJOINT:
        return qml.adjoint(_ADJOINT[name](wires=qubits[0]), lazy=True)
    return _PLAIN[name](*angles, wires=list(qubits))


def canonical(counts: dict[str, int], text: str) -> dict[str, int]:
    return counts
