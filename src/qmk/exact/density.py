"""The density matrix in which a program of gates, noise and resets ends, for few qubits.

A density matrix is a state of twice as many qubits: an operation multiplies its rows by a matrix and its columns by
the conjugate. What acts on one qubit alone is gathered there until a second qubit is involved, and goes with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from qmk.exact.channels import operators_of
from qmk.exact.simulator import probabilities
from qmk.ir.program import Barrier, Gate, KrausNoise, Noise, PauliNoise, PauliNoise2, Program, Reset, Unsupported
from qmk.ir.unitary import Array, matrix_of

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
    import qmk_native

    steps = list(_steps(program, n))
    amplitudes = np.frombuffer(qmk_native.apply_matrices(2 * n, steps), dtype=np.complex128)
    return amplitudes.reshape(1 << n, 1 << n)


Step = tuple[list[tuple[float, float]], tuple[int, ...], tuple[int, ...]]
"""A matrix, its qubits and its controls, as ``qmk_native.apply_matrices`` takes them."""


def _steps(program: Program, n: int) -> Iterator[Step]:
    """The matrices on rows (qubits 0 to n - 1) and columns (n to 2 n - 1) of the density matrix."""
    waiting: dict[int, Array] = {}
    for item in program.instructions:
        if isinstance(item, Barrier):
            continue
        qubits, operators = kraus_operators(item)
        if not qubits:  # a phase of the whole state
            continue
        if len(qubits) == 1:
            (qubit,) = qubits
            waiting[qubit] = _superoperator(operators) @ waiting.get(qubit, _NOTHING)
            continue
        for qubit in qubits:
            if qubit in waiting:
                yield _step(waiting.pop(qubit), (qubit, n + qubit))
        columns = tuple(n + qubit for qubit in qubits)
        match operators:
            case (matrix,):
                yield _gate_step(matrix, qubits)
                yield _gate_step(matrix.conj(), columns)
            case _:
                yield _step(_superoperator(operators), (*qubits, *columns))
    for qubit, step in waiting.items():
        yield _step(step, (qubit, n + qubit))


def _step(matrix: Array, qubits: tuple[int, ...], controls: tuple[int, ...] = ()) -> Step:
    parts = np.ascontiguousarray(matrix, dtype=np.complex128).view(np.float64).reshape(-1, 2)
    return [(re, im) for re, im in parts.tolist()], qubits, controls


def _gate_step(matrix: Array, qubits: tuple[int, ...]) -> Step:
    """A gate, with those of its first operands as controls that only switch it on."""
    controls: list[int] = []
    while len(qubits) > 1:
        half = len(matrix) // 2
        if not np.array_equal(matrix[:half], np.eye(half, 2 * half)) or matrix[half:, :half].any():
            break
        controls.append(qubits[0])
        matrix, qubits = matrix[half:, half:], qubits[1:]
    return _step(matrix, qubits, tuple(controls))


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
