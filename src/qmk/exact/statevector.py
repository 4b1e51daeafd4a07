"""A state vector in numpy as an ``Observer``: for engines whose library gives amplitudes and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qmk.exact import paulis
from qmk.exact.dense import NumpyCircuit
from qmk.exact.simulator import probabilities
from qmk.ir.program import Gate, Program


def highest_first(amplitudes: npt.ArrayLike, n_qubits: int) -> paulis.Array:
    """Amplitudes indexed with qubit 0 as the lowest bit, indexed with it as the highest."""
    state = np.asarray(amplitudes, dtype=np.complex128)[: 1 << n_qubits].reshape((2,) * n_qubits)
    return np.ascontiguousarray(state.transpose(range(n_qubits - 1, -1, -1))).reshape(-1)


class StateVector:
    """``amplitudes``: shape (2^n,), qubit 0 the highest bit of an index."""

    def __init__(self, amplitudes: paulis.Array, n_qubits: int) -> None:
        state = np.ascontiguousarray(amplitudes, dtype=np.complex128).reshape(-1)
        self._state = state / np.linalg.norm(state)
        self._n = n_qubits

    @classmethod
    def of(cls, program: Program) -> StateVector:
        """The state that the gates of a program make of zeros."""
        gates = tuple(item for item in program.instructions if isinstance(item, Gate))
        zeros = np.eye(1, 1 << program.n_qubits, dtype=np.complex128)[0]
        return cls(NumpyCircuit(program.n_qubits, gates)(zeros), program.n_qubits)

    def expectation(self, strings: Sequence[str], /) -> list[float]:
        return [paulis.expectation(self._state, text) for text in strings]

    def state(self) -> paulis.Array:
        return self._state

    def density(self) -> paulis.Array:
        return np.outer(self._state, self._state.conj())

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        return [complex(self._state[int(text, 2) if text else 0]) for text in bitstrings]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        if not self._n:
            return [1.0]
        return [float(p) for p in probabilities(self._state.reshape((2,) * self._n), list(qubits))]
