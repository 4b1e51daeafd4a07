"""Observables of Braket as sums of Pauli strings, on their targets; without targets on qubits 0, 1, ..."""

from __future__ import annotations

# Braket has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from braket.circuits import observables as module

from qmk.qvm.matrices import pauli_string
from qmk.sdk.adapter import PauliSum, Place, cannot, pauli_sum

lib: Any = module
Terms = list[tuple[dict[int, str], complex]]
LARGEST_MATRIX = 6
"""Qubits of an observable that is given as a matrix."""


def read(given: Any) -> PauliSum | None:
    """Any observable but a sum of parts of which only some have targets. Targets number the qubits of the circuit in
    ascending order."""
    if not isinstance(given, lib.Observable):
        return None
    parts = given.summands if isinstance(given, lib.Sum) else [given]
    terms: Terms = [
        (letters, given.coefficient * factor if isinstance(given, lib.Sum) else factor)
        for part in parts
        for letters, factor in _terms(part, part.targets)
    ]
    return pauli_sum(terms, Place)


def _terms(given: Any, targets: Any) -> Iterator[tuple[dict[int, str], complex]]:
    qubits = [int(qubit) for qubit in targets or range(given.qubit_count)]
    factors = given.factors if isinstance(given, lib.TensorProduct) else (given,)
    rows: list[Terms] = []
    for factor in factors:
        on, qubits = qubits[: factor.qubit_count], qubits[factor.qubit_count :]
        rows.append(_letters(factor, on))
    scale = given.coefficient if isinstance(given, lib.TensorProduct) else 1.0
    for product in itertools.product(*rows):
        letters = {qubit: letter for part, _ in product for qubit, letter in part.items()}
        yield letters, scale * math.prod(factor for _, factor in product)


def _letters(factor: Any, on: list[int]) -> Terms:
    own = factor.coefficient
    if isinstance(factor, lib.H):
        return [({on[0]: letter}, own / math.sqrt(2)) for letter in "XZ"]
    if not isinstance(factor, lib.Hermitian):
        return [({} if factor.ascii_symbols[0].endswith("I") else {on[0]: type(factor).__name__}, own)]
    if len(on) > LARGEST_MATRIX:
        fix = "write it as a sum of products of X, Y and Z"
        raise cannot("braket", f"a matrix on {len(on)} qubits", "the observable", fix)
    matrix = np.array(factor.to_matrix()) / (1 << len(on))
    found = [(word, np.vdot(np.array(pauli_string("".join(word))), matrix)) for word in _words(len(on))]
    return [(dict(zip(on, word, strict=True)), own * complex(value)) for word, value in found if abs(value) > 1e-12]


def _words(n: int) -> Iterator[tuple[str, ...]]:
    return itertools.product("IXYZ", repeat=n)
