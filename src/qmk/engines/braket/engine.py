"""Programs as the operations of Braket's local simulators: gates as matrices, channels by their Kraus operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# the simulators have types in part
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUntypedBaseClass=false
from braket.default_simulator.density_matrix_simulation import DensityMatrixSimulation
from braket.default_simulator.noise_operations import Kraus
from braket.default_simulator.operation import GateOperation
from braket.default_simulator.state_vector_simulation import StateVectorSimulation

from qmk.engines.braket import DECLARATION
from qmk.exact.library import Channel, LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, matrix_of, split_controls


class Matrix(GateOperation):
    """A matrix on ``targets``, its controls before them. ``Unitary`` refuses one with controls by its dimension."""

    gate_type = "unitary"

    def __init__(self, targets: tuple[int, ...], matrix: Array, controls: tuple[int, ...] = ()) -> None:
        super().__init__(targets, ctrl_modifiers=controls)
        self._own = matrix

    @property
    def _base_matrix(self) -> Array:
        return self._own


def operation_of(gate: Gate) -> Matrix:
    """A gate as the matrix that it is, controls apart."""
    if gate.name != "mod":
        return Matrix(gate.qubits, matrix_of(gate))
    matrix, targets, controls, values = split_controls(gate)
    return Matrix((*controls, *targets), matrix, values)


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    """The final amplitudes; qubit 0 is the highest bit of an index."""
    operations = [operation_of(gate) for gate in readout.gates if gate.name != "id"]

    def simulate() -> Amplitudes:
        simulation = StateVectorSimulation(max(readout.n_qubits, 1), shots=0, batch_size=1)
        simulation.evolve(operations)
        return np.ascontiguousarray(simulation.state_vector)

    return simulate


def density_of(channels: Sequence[Channel], n_qubits: int) -> Array:
    """The final density matrix."""
    simulation = DensityMatrixSimulation(n_qubits, shots=0)
    simulation.evolve(
        [
            Matrix(qubits, operators[0]) if len(operators) == 1 else Kraus(qubits, operators)
            for qubits, operators in channels
        ]
    )
    return simulation.density_matrix


class BraketEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "amazon-braket-default-simulator", simulator, density_of)
