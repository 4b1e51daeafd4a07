"""Circuits as pyQuil's simulators take them: a matrix and its qubits a gate, qubit 0 the highest bit of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pyquil import simulation

from qmk.engines.pyquil import DECLARATION
from qmk.exact.library import Channel, LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.unitary import Array, matrix_of

lib: Any = simulation


def simulator(readout: Readout, _method: str) -> Callable[[], Amplitudes]:
    def simulate() -> Amplitudes:
        machine = lib.NumpyWavefunctionSimulator(max(readout.n_qubits, 1))
        for gate in readout.gates:
            if gate.name != "id":
                machine.do_gate_matrix(np.asarray(matrix_of(gate)), list(gate.qubits))
        return machine.wf.reshape(-1)

    return simulate


def density_of(channels: Sequence[Channel], n_qubits: int) -> Array:
    """The final density matrix. pyQuil's index has qubit 0 as the lowest bit: the qubits are counted from the end."""
    machine = lib.ReferenceDensitySimulator(n_qubits)
    for qubits, (matrix,) in channels:
        machine.do_gate_matrix(matrix, [n_qubits - 1 - qubit for qubit in qubits])
    return machine.density


class PyquilEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "pyquil", simulator, density_of)
