"""Observables of PennyLane as sums of Pauli strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmk.adapters.pennylane.library import qml
from qmk.models.arguments import show
from qmk.sdk.adapter import PauliSum, Place, cannot

Terms = tuple[tuple[str, float], ...]

LARGEST_MATRIX = 6
"""Wires of an observable that is given as a matrix."""

_ROUNDING = 1e-9


def terms_of(observable: Any, number: Mapping[Any, int], n_qubits: int) -> Terms:
    """Pauli strings, a letter a qubit, with their real factors. ``number``: the qubit of each wire.

    Raises UNSUPPORTED for what is not a sum of Paulis and has no matrix on at most six wires, or is not Hermitian."""
    sentence = observable.pauli_rep
    if sentence is None:
        sentence = _decompose(observable)
    found: list[tuple[str, float]] = []
    for word, factor in sentence.items():
        letters = ["I"] * n_qubits
        for label, letter in word.items():
            letters[number[label]] = letter
        found.append(("".join(letters), _real(factor, observable)))
    return tuple(found) or (("I" * n_qubits, 0.0),)


def read(given: Any) -> PauliSum | None:
    """An operator, or a Pauli word or sentence, as a sum of Paulis on its wires. Raises UNSUPPORTED as ``terms_of``."""
    if isinstance(given, (qml.pauli.PauliSentence, qml.pauli.PauliWord)):
        given = given.operation()
    if not isinstance(given, qml.operation.Operator):
        return None
    wires = given.wires.tolist()
    found = terms_of(given, {label: k for k, label in enumerate(wires)}, len(wires))
    return PauliSum(tuple(map(_place, wires)), [text for text, _ in found], [factor for _, factor in found])


def _place(label: Any) -> Place:
    """As ``reader.named_registers`` names wires."""
    return Place(label, (f"w{label}", f"q_{label}")) if type(label) is int else Place(None, (str(label),))


def _decompose(observable: Any) -> Any:
    if len(observable.wires) > LARGEST_MATRIX:
        fix = "write it as a sum of products of X, Y and Z"
        raise cannot("pennylane", "an observable that is not a sum of Paulis", show(observable, 60), fix)
    matrix = qml.math.toarray(qml.math.unwrap(qml.matrix(observable, wire_order=observable.wires)))
    return qml.pauli_decompose(matrix, wire_order=observable.wires, pauli=True, check_hermitian=False)


def _real(factor: Any, observable: Any) -> float:
    found = complex(factor)
    if abs(found.imag) > _ROUNDING * max(1.0, abs(found.real)):
        raise cannot("pennylane", "a factor that is not real", show(observable, 60), "give a Hermitian observable")
    return found.real
