"""Circuits as pyQuil's simulators take them: a matrix and its qubits a gate, qubit 0 the highest bit of an index."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from pyquil import simulation

from qmk.engines.pyquil import DECLARATION
from qmk.exact import mixed
from qmk.exact.density import DensityMatrix
from qmk.exact.readout import Readout, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector
from qmk.ir.program import Program
from qmk.ir.unitary import Array, matrix_of
from qmk.sdk.engine import Plan

lib: Any = simulation
ENGINE = DECLARATION.name
MIXED = DECLARATION.methods["density"]


def _state(readout: Readout) -> Array:
    simulator = lib.NumpyWavefunctionSimulator(max(readout.n_qubits, 1))
    for gate in readout.gates:
        if gate.name != "id":
            simulator.do_gate_matrix(np.asarray(matrix_of(gate)), list(gate.qubits))
    return simulator.wf.reshape(-1)


def density_of(channels: Sequence[mixed.Channel], n_qubits: int) -> Array:
    """The final density matrix. pyQuil's index has qubit 0 as the lowest bit: the qubits are counted from the end."""
    simulator = lib.ReferenceDensitySimulator(n_qubits)
    for qubits, (matrix,) in channels:
        simulator.do_gate_matrix(matrix, [n_qubits - 1 - qubit for qubit in qubits])
    return simulator.density


def maker(readout: Readout, _method: str) -> VectorSampler:
    return VectorSampler(readout, lambda: _state(readout), first_highest=True)


class PyquilEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("pyquil")

    def prepare(self, program: Program, method: str) -> Plan:
        if method == MIXED.method:
            return mixed.prepare(program, ENGINE, MIXED, density_of)
        return prepare(program, method, DECLARATION.methods, ENGINE, maker)

    def observe(self, program: Program, method: str) -> StateVector | DensityMatrix:
        if method == MIXED.method:
            return mixed.observe(program, ENGINE, MIXED, density_of)
        return StateVector(_state(readout_of(program, ENGINE, DECLARATION.methods[method])), program.n_qubits)
