"""Circuits of qoqo, and the state that its QuEST backend ends in: qubit k is bit k of an index."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import msgspec
import numpy as np
import qoqo  # pyright: ignore[reportMissingTypeStubs]
import qoqo_quest  # pyright: ignore[reportMissingTypeStubs]

from qmk.engines.qoqo import DECLARATION
from qmk.exact.readout import Amplitudes, Readout, VectorSampler, prepare, readout_of
from qmk.exact.statevector import StateVector, highest_first
from qmk.ir.program import Gate, Program
from qmk.ir.qoqo_gates import QOQO
from qmk.sdk.engine import Plan

lib: Any = qoqo
quest: Any = qoqo_quest
_STATE = "state"


def _operation(gate: Gate) -> dict[str, Any]:
    known = QOQO[gate.name]
    body = {**dict(zip(known.qubits, gate.qubits, strict=True)), **dict(zip(known.params, gate.params, strict=True))}
    return {known.name: body}


def _simulate(readout: Readout) -> Amplitudes:
    size = max(readout.n_qubits, 1)
    definition = {"DefinitionComplex": {"name": _STATE, "length": 1 << size, "is_output": True}}
    operations = [_operation(gate) for gate in readout.gates]
    version = {"major_version": 1, "minor_version": 0}
    whole = {"definitions": [definition], "operations": operations, "_roqoqo_version": version}
    circuit = lib.Circuit.from_json(msgspec.json.encode(whole).decode())
    circuit += lib.operations.PragmaGetStateVector(_STATE, None)
    _, _, complexes = quest.Backend(size).run_circuit(circuit)
    return np.array(complexes[_STATE][0], dtype=np.complex128)


def maker(readout: Readout, _method: str) -> VectorSampler:
    return VectorSampler(readout, lambda: _simulate(readout), first_highest=False)


class QoqoEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("qoqo_quest")

    def prepare(self, program: Program, method: str) -> Plan:
        return prepare(program, method, DECLARATION.methods, "qoqo", maker)

    def observe(self, program: Program, method: str) -> StateVector:
        state = _simulate(readout_of(program, "qoqo", DECLARATION.methods[method]))
        return StateVector(highest_first(state, program.n_qubits), program.n_qubits)
