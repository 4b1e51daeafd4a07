"""Circuits as pyQuil's simulators take them: a matrix and its qubits a gate, qubit 0 the highest bit of an index."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
from pyquil import simulation

from qmk.engines.pyquil import DECLARATION
from qmk.exact.readout import Amplitudes, Readout, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector
from qmk.ir.program import Program
from qmk.ir.unitary import Array, matrix_of
from qmk.sdk.engine import Plan

lib: Any = simulation


def _simulate(readout: Readout, simulator: Any) -> Any:
    made = simulator(max(readout.n_qubits, 1))
    for gate in readout.gates:
        if gate.name not in ("id", "gphase"):
            made.do_gate_matrix(np.asarray(matrix_of(gate)), list(gate.qubits))
    return made


def _state(readout: Readout) -> Array:
    return _simulate(readout, lib.NumpyWavefunctionSimulator).wf.reshape(-1)


def _weights(readout: Readout) -> Amplitudes:
    """Amplitudes with the probabilities of a density matrix, whose index has qubit 0 as the lowest bit."""
    density: Array = _simulate(readout, lib.ReferenceDensitySimulator).density
    return np.sqrt(np.clip(np.real(np.diagonal(density)), 0, None)).astype(np.complex128)


def maker(readout: Readout, method: str) -> VectorSampler:
    if method == "density":
        return VectorSampler(readout, lambda: _weights(readout), first_highest=False)
    return VectorSampler(readout, lambda: _state(readout), first_highest=True)


class PyquilEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("pyquil")

    def prepare(self, program: Program, method: str) -> Plan:
        return prepare(program, method, DECLARATION.methods, "pyquil", maker)

    def observe(self, program: Program, method: str) -> StateVector:
        state = _state(readout_of(program, "pyquil", DECLARATION.methods[method]))
        return StateVector(state, program.n_qubits)
