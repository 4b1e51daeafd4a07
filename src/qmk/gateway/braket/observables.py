"""Observables of Amazon Braket's result types as matrices and as sums of Pauli strings."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from qmk.base.errors import QmkError

STRINGS = 4096
"""Most Pauli strings that one observable may become."""

PAULIS = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0 + 0j, -1]),
}
_HADAMARD = (PAULIS["X"] + PAULIS["Z"]) / np.sqrt(2)
_TOLERANCE = 1e-8


def matrix_of(factor: Any) -> Any:
    """A factor of an observable, "x" or rows of [real, imaginary]: its matrix. Raises INVALID_PARAMS for one that is
    not Hermitian."""
    if isinstance(factor, str):
        return _HADAMARD if factor == "h" else PAULIS[factor.upper()]
    found = np.array(factor, dtype=float)
    matrix: Any = found[..., 0] + 1j * found[..., 1]
    if not np.allclose(matrix, matrix.conj().T, atol=_TOLERANCE):
        raise QmkError("INVALID_PARAMS", "the matrix of an observable is not Hermitian", field="program",
                       help="check its entries: row k, column j is the conjugate of row j, column k")  # fmt: skip
    return matrix


def size_of(factor: Any) -> int:
    """The number of qubits of a factor."""
    return 1 if isinstance(factor, str) else len(factor).bit_length() - 1


def whole(factors: list[Any]) -> Any:
    """The matrix of a product, its first factor the highest bits."""
    return functools.reduce(np.kron, map(matrix_of, factors))


def strings(factors: list[Any], targets: list[int], n: int, squared: bool = False) -> tuple[tuple[str, float], ...]:
    """A product on these of n qubits, or its square, as a sum of Pauli strings. Raises QUOTA_EXCEEDED for too many."""
    parts: list[dict[str, float]] = []
    for factor in factors:
        matrix = matrix_of(factor)
        parts.append(_decompose(matrix @ matrix if squared else matrix))
    count = np.prod([float(len(part)) for part in parts])
    if count > STRINGS:
        raise QmkError("QUOTA_EXCEEDED", f"an observable is {count:.0f} Pauli strings; at most {STRINGS}",
                       limit="STRINGS", asked=int(count), allowed=STRINGS)  # fmt: skip
    found: list[tuple[str, float]] = []
    for product in itertools.product(*(part.items() for part in parts)):
        letters = ["I"] * n
        for target, letter in zip(targets, "".join(text for text, _ in product), strict=True):
            letters[target] = letter
        found.append(("".join(letters), float(np.prod([weight for _, weight in product]))))
    return tuple(found)


def _decompose(matrix: Any) -> dict[str, float]:
    qubits = len(matrix).bit_length() - 1
    found: dict[str, float] = {}
    for letters in itertools.product("IXYZ", repeat=qubits):
        pauli: Any = functools.reduce(np.kron, (PAULIS[letter] for letter in letters))
        weight = complex(np.trace(pauli @ matrix)).real / len(matrix)
        if abs(weight) > 1e-15:
            found["".join(letters)] = weight
    return found or {"I" * qubits: 0.0}


def rotation(factor: Any) -> Any | None:
    """The matrix that turns the eigenvectors of a factor into basis states, eigenvalues ascending but for Paulis, whose
    +1 comes first; None where nothing has to turn."""
    if factor in ("z", "i"):
        return None
    if factor == "x":
        return _HADAMARD
    if factor == "y":
        return _HADAMARD @ np.diag([1, -1j])
    matrix = matrix_of(factor)
    vectors = np.linalg.eigh(matrix)[1]
    return (vectors[:, ::-1] if isinstance(factor, str) else vectors).conj().T
