"""Programs of gates, error channels and resets, then one final measurement a qubit, on default.mixed.

Every gate goes in as its matrix, every channel as its Kraus operators.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.engines.pennylane import DECLARATION
from qmk.exact.library import Channel, LibraryEngine
from qmk.ir.unitary import Array


def density_of(channels: Sequence[Channel], n_qubits: int) -> Array:
    """The final density matrix, qubit 0 the highest bit of an index."""
    qml: Any = importlib.import_module("pennylane")
    devices: Any = importlib.import_module("pennylane.devices.qubit_mixed")
    wires = range(n_qubits)
    operators = [
        qml.QubitUnitary(matrices[0], wires=qubits) if len(matrices) == 1 else qml.QubitChannel(matrices, wires=qubits)
        for qubits, matrices in channels
    ]
    tape = qml.tape.QuantumScript([qml.Identity(wires), *operators], [qml.state()])
    found, _ = devices.get_final_state(tape)
    return np.asarray(found, dtype=np.complex128).reshape(1 << n_qubits, 1 << n_qubits)


class PennylaneEngine(LibraryEngine):
    def __init__(self) -> None:
        super().__init__(DECLARATION, "pennylane", density=density_of)
