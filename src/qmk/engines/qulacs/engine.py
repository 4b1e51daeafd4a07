"""Qulacs circuits, its gates merged in pairs of qubits before they run.

Its rotations by name turn the other way from everybody else's (``RX`` against ``RotX``), so rotations go in as ``U3``
or as matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qulacs
import qulacs.circuit

from qmk.engines.qulacs import DECLARATION
from qmk.exact.library import LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.names import names
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, matrix_of, split_controls

lib: Any = qulacs
optimizer: Any = qulacs.circuit

MERGED_QUBITS = 2
"""A merged gate on more costs more arithmetic than it saves passes."""

MERGED_AT_ONCE = 128
"""Gates: the time of merging grows with their square"""

MERGED_FROM_QUBITS = 15
"""Below, merging takes longer than it saves."""

_PLAIN: dict[str, Callable[..., Any]] = {short: getattr(lib.gate, name) for short, name in names("qulacs").items()}


def build(readout: Readout) -> Any:
    """The circuit: qubit k is bit k of an index."""
    whole = lib.QuantumCircuit(max(readout.n_qubits, 1))
    for start in range(0, len(readout.gates), MERGED_AT_ONCE):
        circuit = lib.QuantumCircuit(max(readout.n_qubits, 1))
        for gate in readout.gates[start : start + MERGED_AT_ONCE]:
            if gate.name != "id":
                circuit.add_gate(_gate(gate))
        if readout.n_qubits >= MERGED_FROM_QUBITS:
            optimizer.QuantumCircuitOptimizer().optimize(circuit, MERGED_QUBITS)
        whole.merge_circuit(circuit)
    return whole


def _gate(gate: Gate) -> Any:
    if gate.name == "mod":
        base, targets, controls, values = split_controls(gate)
        made = _dense(targets, base)
        for control, value in zip(controls, values, strict=True):
            made.add_control_qubit(control, value)
        return made
    plain = _PLAIN.get(gate.name)
    return plain(*gate.qubits, *gate.params) if plain else _dense(gate.qubits, matrix_of(gate))


def _dense(qubits: tuple[int, ...], matrix: Array) -> Any:
    """Qulacs counts a matrix's qubits from the least significant."""
    return lib.gate.DenseMatrix(list(qubits[::-1]), matrix)


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    circuit = build(readout)

    def simulate() -> Amplitudes:
        state = lib.QuantumState(max(readout.n_qubits, 1))
        circuit.update_quantum_state(state)
        return state.get_vector()

    return simulate


class QulacsEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "qulacs", simulator, first_highest=False)
