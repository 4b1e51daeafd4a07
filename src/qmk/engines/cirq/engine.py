"""Programs as Cirq's circuits of matrices, run by its simulators in double precision; the shots are drawn here."""

from __future__ import annotations

# Cirq has types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from collections.abc import Callable, Sequence
from typing import Any

import cirq
import numpy as np

from qmk.engines.cirq import DECLARATION
from qmk.exact.library import Channel, LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, matrix_of, split_controls


def operation_of(gate: Gate) -> cirq.Operation:
    """A gate as the matrix that it is, controls apart."""
    if gate.name != "mod":
        return _on(matrix_of(gate), gate.qubits)
    base, targets, controls, values = split_controls(gate)
    made = _on(base, targets)
    return made.controlled_by(*_lines(controls), control_values=list(map(int, values))) if controls else made


def _on(matrix: Any, qubits: tuple[int, ...]) -> cirq.Operation:
    return cirq.MatrixGate(np.asarray(matrix, dtype=complex), unitary_check=False).on(*_lines(qubits))


def _lines(qubits: Any) -> list[cirq.LineQubit]:
    return [cirq.LineQubit(int(qubit)) for qubit in qubits]


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    """The final state; qubit 0 is the highest bit of an index."""
    circuit = cirq.Circuit(operation_of(gate) for gate in readout.gates if gate.name != "id")

    def simulate() -> Amplitudes:
        order = cirq.LineQubit.range(max(readout.n_qubits, 1))
        result = cirq.Simulator(dtype=np.complex128).simulate(circuit, qubit_order=order)
        return np.ascontiguousarray(result.final_state_vector)

    return simulate


def density_of(channels: Sequence[Channel], n_qubits: int) -> Array:
    """The final density matrix."""
    operations = [
        _on(operators[0], qubits) if len(operators) == 1 else cirq.KrausChannel(operators).on(*_lines(qubits))
        for qubits, operators in channels
    ]
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    result = simulator.simulate(cirq.Circuit(operations), qubit_order=cirq.LineQubit.range(n_qubits))
    return result.final_density_matrix


class CirqEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "cirq-core", simulator, density_of)
