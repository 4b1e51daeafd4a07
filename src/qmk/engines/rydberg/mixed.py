"""Gates, measurements and conditions between evolutions, on one state vector: the SDK's walk of branches, which stops
at fences, with circuits that evolve."""

from __future__ import annotations

import numpy as np
import qmk_native

from qmk.engines.rydberg.evolution import MEMORY_BYTES, evolution, solve
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, apply_gate


class MixedCircuit:
    """Gates by ``ir.unitary``, evolutions by the native core; qubit 0 is the most significant bit."""

    def __init__(self, n_qubits: int, gates: tuple[Gate, ...]) -> None:
        self.n_qubits = n_qubits
        self.gates = gates

    def __call__(self, amplitudes: Array) -> Array:
        state = amplitudes.reshape((2,) * self.n_qubits)
        for gate in self.gates:
            state = self._evolve(state, gate) if gate.name == "analog.rydberg" else apply_gate(state, gate)
        return np.ascontiguousarray(state).reshape(-1)

    def _evolve(self, state: Array, gate: Gate) -> Array:
        register = qmk_native.AtomRegister(self.n_qubits, MEMORY_BYTES)
        register.load(np.ascontiguousarray(state).tobytes())
        solve(register, evolution(gate, self.n_qubits))
        return np.frombuffer(bytearray(register.state()), dtype=np.complex128).reshape((2,) * self.n_qubits)
