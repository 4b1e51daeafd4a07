"""Applies gates to amplitudes with Aer's own state class. A fenced run on method statevector uses it between two
projections.

Aer's circuits can be given a state and give one back, but every amplitude is converted on the way; the state that Aer
keeps for callers from Python works on an array of theirs in place.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from typing import Any

from qmk.base.errors import QmkError
from qmk.engines.aer.wrappers import simulator
from qmk.ir.names import base_of
from qmk.ir.program import Gate
from qmk.ir.resolver import angle_names
from qmk.ir.synthesis import mod_steps, zyz
from qmk.ir.unitary import Array, matrix_of, mod_base
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE

_CONTROLLED = ("x", "y", "z", "swap")
"""What Aer's state applies under any number of controls."""

_CONFIG = (("method", "statevector"), ("device", "CPU"), ("precision", "double"), ("max_parallel_threads", "1"))

Action = Callable[[Any], None]
"""One gate on Aer's state."""


class AerCircuit:
    """A ``exact.dense.Circuit``: qubit 0 is the least significant bit of an index. Pickles as its gates."""

    def __init__(self, n_qubits: int, gates: tuple[Gate, ...]) -> None:
        self.n_qubits = n_qubits
        self.gates = gates
        self._actions = [action for gate in gates for action in actions_of(gate)]

    def __call__(self, amplitudes: Array) -> Array:
        if not self._actions or not self.n_qubits:
            return amplitudes
        state = simulator().AerStateWrapper()
        for name, value in _CONFIG:
            state.configure(name, value)
        if not state.initialize_statevector(self.n_qubits, amplitudes, False):
            raise QmkError("JOB_FAILED", f"aer takes no state vector of {self.n_qubits} qubits", engine="aer")
        try:
            for act in self._actions:
                act(state)
            state.flush()
        finally:
            state.move_to_buffer()  # the array stays ours: without this Aer frees it
        return amplitudes

    def __reduce__(self) -> tuple[Any, ...]:
        return AerCircuit, (self.n_qubits, self.gates)


def actions_of(gate: Gate) -> list[Action]:
    """``gate``, its condition aside, as calls of Aer's state. A global phase is none."""
    if gate.name in ("gphase", "id"):
        return []
    if gate.name == "mod":
        return _mod(gate)
    return [_plain(gate)]


def _plain(gate: Gate) -> Action:
    qubits = list(gate.qubits)
    base, controls = base_of(gate.name)
    if base in _CONTROLLED:
        act = f"apply_mc{base}"
        return lambda state: getattr(state, act)(qubits)
    if gate.name == "h":
        return lambda state: state.apply_h(qubits[0])
    if base == "p":
        return _phase(qubits, gate.params[0])
    matrix = matrix_of(gate)
    if not controls and FIXED_SIZE[base].bases == "Z" and matrix[0, 0] == 1:
        return _phase(qubits, cmath.phase(matrix[1, 1]))
    return lambda state: state.apply_unitary(qubits[::-1], matrix)


def _phase(qubits: Sequence[int], angle: float) -> Action:
    return lambda state: state.apply_mcphase(qubits, angle)


def _mod(gate: Gate) -> list[Action]:
    """A controlled gate on one target natively, any other in exact steps."""
    base, values = mod_base(gate)
    if base.shape != (2, 2) or not values:
        found: list[Action] = []
        for step in mod_steps(gate.args, len(gate.qubits)):
            params = tuple(float(step.args[name]) for name in angle_names(step.op) or ())
            qubits = tuple(gate.qubits[k] for k in step.operands)
            found += actions_of(Gate(OPS[step.op].short, qubits, params))
        return found
    flips = [_plain(Gate("x", (qubit,))) for qubit, value in zip(gate.qubits, values, strict=False) if value == 0]
    alpha, beta, gamma, delta = zyz(tuple(tuple(complex(x) for x in row) for row in base))
    qubits, angles = list(gate.qubits), (gamma, beta, delta, alpha - (beta + delta) / 2)
    return [*flips, lambda state: state.apply_mcu(qubits, *angles), *flips]
