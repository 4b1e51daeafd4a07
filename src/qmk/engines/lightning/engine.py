"""The state vector of lightning.qubit through its own compiled module, which is called gate by gate.

Gates that it knows by name have kernels of their own; the general one-qubit gate goes in as a matrix, which is as fast
as three rotations and needs no decomposition.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from qmk.engines.lightning import DECLARATION
from qmk.exact.library import LibraryEngine
from qmk.exact.readout import Amplitudes, Readout
from qmk.ir.names import names
from qmk.ir.program import Gate
from qmk.ir.unitary import matrix_of, split_controls
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk import extension

_NAMES = names("lightning")
_INVERSES = {
    op.inverse.removeprefix("core."): name
    for name, op in ((name, FIXED_SIZE[short]) for short, name in _NAMES.items())
    if not op.params and op.inverse != op.name
}

Action = Callable[[Any], None]
"""One gate on lightning's state."""


@functools.cache
def library() -> Any:
    return extension.load("pennylane_lightning.lightning_qubit_ops", extension.folder_of("pennylane_lightning"))


def actions_of(readout: Readout, dtype: Any) -> list[Action]:
    """The gates as calls; qubit 0 is the most significant bit of an index."""
    return [_action(gate, dtype) for gate in readout.gates if gate.name != "id"]


def _action(gate: Gate, dtype: Any) -> Action:
    qubits, params = list(gate.qubits), list(gate.params)
    if gate.name == "mod":
        return _make_controlled(gate, dtype)
    name = _INVERSES.get(gate.name)
    if name is not None or (name := _NAMES.get(gate.name)) is not None:
        inverse = gate.name in _INVERSES
        return lambda state: getattr(state, name)(qubits, inverse, params)
    matrix = np.array(matrix_of(gate), dtype=dtype)
    return lambda state: state.applyMatrix(matrix, qubits, False)


def _make_controlled(gate: Gate, dtype: Any) -> Action:
    base, targets, controls, values = split_controls(gate)
    wires, wanted = list(targets), [value == 1 for value in values]
    matrix = np.array(base, dtype=dtype)
    if not controls:
        return lambda state: state.applyMatrix(matrix, wires, False)
    return lambda state: state.applyControlledMatrix(matrix, list(controls), wanted, wires, False)


def simulator(readout: Readout, method: str) -> Callable[[], Amplitudes]:
    dtype: Any = np.complex64 if method == "f32" else np.complex128
    actions = actions_of(readout, dtype)
    qubits = max(readout.n_qubits, 1)
    make = library().StateVectorC64 if method == "f32" else library().StateVectorC128

    def simulate() -> Amplitudes:
        state = make(qubits)
        for act in actions:
            act(state)
        amplitudes: Any = np.empty(1 << qubits, dtype=dtype)
        state.getState(amplitudes)
        return amplitudes

    return simulate


class LightningEngine(LibraryEngine):
    def __init__(self) -> None:
        library()
        super().__init__(DECLARATION, "pennylane-lightning", simulator)
