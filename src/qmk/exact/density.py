"""A density matrix in numpy as an ``Observer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.exact.simulator import probabilities

Array = np.ndarray[Any, np.dtype[Any]]


class DensityMatrix:
    """``matrix``: shape (2^n, 2^n), qubit 0 the highest bit of an index."""

    def __init__(self, matrix: Array, n_qubits: int) -> None:
        self._matrix, self._n = matrix / np.trace(matrix).real, n_qubits

    def density(self) -> Array:
        return self._matrix

    def expectation(self, strings: Sequence[str], /) -> list[float]:
        """Of each Pauli string P, with P|i> = c_i |i xor x>: the sum of c_i <i|rho|i xor x>."""
        index = np.arange(1 << self._n)
        out: list[float] = []
        for text in strings:
            flip, factor = 0, np.ones(len(index), dtype=np.complex128)
            for at, letter in enumerate(text):
                bit = self._n - 1 - at
                sign = 1.0 - 2.0 * ((index >> bit) & 1)
                if letter in "XY":
                    flip |= 1 << bit
                factor *= {"I": 1.0, "X": 1.0, "Y": 1j * sign, "Z": sign}[letter]
            out.append(float((factor * self._matrix[index, index ^ flip]).sum().real))
        return out

    def state(self) -> Array:
        raise AssertionError("a density matrix has no state vector, and no method declares one")

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        raise AssertionError("a density matrix has no amplitudes, and no method declares them")

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        if not self._n:
            return [1.0]
        root = np.sqrt(np.maximum(self._matrix.diagonal().real, 0.0)).astype(np.complex128)
        return [float(p) for p in probabilities(root.reshape((2,) * self._n), list(qubits))]
