"""The density matrix in which a program of gates, noise and resets ends, for few qubits.

A density matrix is a state of twice as many qubits: an operation multiplies its rows by a matrix and its columns by
the conjugate. What acts on one qubit alone is gathered there until a second qubit is involved, and goes with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.exact.channels import operators_of
from qmk.exact.simulator import probabilities
from qmk.ir.program import Barrier, Gate, KrausNoise, Noise, PauliNoise, PauliNoise2, Program, Reset, Unsupported
from qmk.ir.unitary import Array, apply, matrix_of

MOST_QUBITS = 12
"""A matrix of 256 MiB."""

_RESET = (np.array([[1, 0], [0, 0]], dtype=complex), np.array([[0, 1], [0, 0]], dtype=complex))
_NOTHING = np.eye(4, dtype=np.complex128)


def density_matrix(program: Program) -> Array:
    """Shape (2^n, 2^n), qubit 0 the highest bit of an index. Raises Unsupported for what is neither a gate, noise of
    gates nor a reset, or for more than ``MOST_QUBITS``."""
    n = program.n_qubits
    if n > MOST_QUBITS:
        raise Unsupported(f"a density matrix of {n} qubits; at most {MOST_QUBITS}")
    rho = np.zeros((2,) * (2 * n), dtype=np.complex128)
    rho[(0,) * (2 * n)] = 1
    waiting: dict[int, Array] = {}
    for item in program.instructions:
        if isinstance(item, Barrier):
            continue
        qubits, operators = kraus_operators(item)
        if len(qubits) == 1:
            step = _superoperator(operators)
            waiting[qubits[0]] = step @ waiting.get(qubits[0], _NOTHING)
            continue
        columns = tuple(n + qubit for qubit in qubits)
        if len(qubits) == 2:
            first, second = (waiting.pop(qubit, _NOTHING).reshape((2,) * 4) for qubit in qubits)
            step = _superoperator(operators).reshape(16, 2, 2, 2, 2)
            step = np.einsum("xabAB,aAcC,bBdD->xcdCD", step, first, second, optimize=True).reshape(16, 16)
            rho = apply(rho, step, (*qubits, *columns))
            continue
        for qubit in qubits:
            if qubit in waiting:
                rho = apply(rho, waiting.pop(qubit), (qubit, n + qubit))
        for each in operators:  # a gate: channels act on two qubits at most
            rho = apply(apply(rho, each, qubits), each.conj(), columns)
    for qubit, step in waiting.items():
        rho = apply(rho, step, (qubit, n + qubit))
    return np.ascontiguousarray(rho).reshape(1 << n, 1 << n)


def _superoperator(operators: tuple[Array, ...]) -> Array:
    products: Any = [np.kron(k, k.conj()) for k in operators]
    return np.sum(products, axis=0)


def kraus_operators(item: object) -> tuple[tuple[int, ...], tuple[Array, ...]]:
    """The qubits that an instruction acts on, and its Kraus operators."""
    if isinstance(item, Gate) and item.cond is None:
        return item.qubits, (matrix_of(item),)
    if isinstance(item, Reset) and item.cond is None:
        return (item.qubit,), _RESET
    if isinstance(item, PauliNoise | PauliNoise2 | KrausNoise):
        return item.qubits, tuple(operators_of(item))
    what = "noise of another kind" if isinstance(item, Noise) else f"a {type(item).__name__.lower()}, or a condition"
    raise Unsupported(f"the program has {what}, so it ends in no state that has a density matrix of its own")


def reduce(rho: Array, qubits: tuple[int, ...]) -> Array:
    """The density matrix of these qubits, the first the highest bit of an index."""
    n = len(rho).bit_length() - 1
    rest = tuple(k for k in range(n) if k not in qubits)
    order = (*qubits, *rest)
    parts = rho.reshape((2,) * (2 * n)).transpose((*order, *(n + k for k in order)))
    own, other = 1 << len(qubits), 1 << len(rest)
    return np.einsum("arbr->ab", parts.reshape(own, other, own, other))


class DensityMatrix:
    """A density matrix as an ``Observer``. ``matrix``: shape (2^n, 2^n), qubit 0 the highest bit of an index."""

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
