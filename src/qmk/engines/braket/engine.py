"""Programs as the operations of Braket's local simulators: gates as matrices, channels by their Kraus operators."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import numpy as np

# the simulators have types in part
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUntypedBaseClass=false
from braket.default_simulator.density_matrix_simulation import DensityMatrixSimulation
from braket.default_simulator.noise_operations import Kraus
from braket.default_simulator.operation import GateOperation
from braket.default_simulator.state_vector_simulation import StateVectorSimulation

from qmk.engines.braket import DECLARATION
from qmk.exact import mixed
from qmk.exact.density import DensityMatrix
from qmk.exact.readout import Readout, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector
from qmk.ir.program import Gate, Program
from qmk.ir.unitary import Array, matrix_of, split_controls
from qmk.sdk.engine import Plan

ENGINE = DECLARATION.name
MIXED = DECLARATION.methods["density_matrix"]


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


def _state(readout: Readout) -> Array:
    """The final amplitudes; qubit 0 is the highest bit of an index."""
    simulation = StateVectorSimulation(max(readout.n_qubits, 1), shots=0, batch_size=1)
    simulation.evolve([operation_of(gate) for gate in readout.gates if gate.name != "id"])
    return np.ascontiguousarray(simulation.state_vector)


def density_of(channels: Sequence[mixed.Channel], n_qubits: int) -> Array:
    """The final density matrix."""
    simulation = DensityMatrixSimulation(n_qubits, shots=0)
    simulation.evolve(
        [
            Matrix(qubits, operators[0]) if len(operators) == 1 else Kraus(qubits, operators)
            for qubits, operators in channels
        ]
    )
    return simulation.density_matrix


def maker(readout: Readout, _method: str) -> VectorSampler:
    return VectorSampler(readout, lambda: _state(readout), first_highest=True)


class BraketEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("amazon-braket-default-simulator")

    def prepare(self, program: Program, method: str) -> Plan:
        if method == MIXED.method:
            return mixed.prepare(program, ENGINE, MIXED, density_of)
        return prepare(program, method, DECLARATION.methods, ENGINE, maker)

    def observe(self, program: Program, method: str) -> StateVector | DensityMatrix:
        if method == MIXED.method:
            return mixed.observe(program, ENGINE, MIXED, density_of)
        return StateVector(_state(readout_of(program, ENGINE, DECLARATION.methods[method])), program.n_qubits)
