"""The reference engine: the branching walk on numpy's state vectors."""

from __future__ import annotations

import numpy as np

from qmk.engines.reference import MAX_QUBITS
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend, NumpyCircuit
from qmk.exact.statevector import StateVector
from qmk.ir.loss import refuse_loss_events
from qmk.ir.program import Gate, Program
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Plan, Unsupported


class ReferenceEngine:
    def __init__(self) -> None:
        self.version = np.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        refuse_loss_events(program, "reference")
        if method:
            raise Unsupported(f"engine reference has no method '{method}'")
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} qubits: engine reference holds at most {MAX_QUBITS}")
        for item in program.instructions:
            if isinstance(item, Gate) and item.name not in ALL_GATES:
                raise Unsupported(f"engine reference has no gate '{item.name}'")
        return BranchingPlan(program, DenseBackend(program.n_qubits, NumpyCircuit), "reference", version=self.version)

    def observe(self, program: Program, method: str) -> StateVector:
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} qubits: engine reference holds at most {MAX_QUBITS}")
        return StateVector.of(program)
