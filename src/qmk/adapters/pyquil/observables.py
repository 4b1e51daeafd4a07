"""Observables of pyQuil as sums of Pauli strings."""

from __future__ import annotations

from typing import Any

from pyquil import paulis

from qmk.sdk.adapter import PauliSum, Place, pauli_sum

lib: Any = paulis


def read(given: Any) -> PauliSum | None:
    """A ``PauliTerm`` or a ``PauliSum``."""
    terms = [given] if isinstance(given, lib.PauliTerm) else given.terms if isinstance(given, lib.PauliSum) else None
    if terms is None:
        return None
    rows = [(dict(term), complex(term.coefficient)) for term in terms]
    return pauli_sum(rows, lambda k: Place(k if type(k) is int else None, (f"q{k}", f"q_{k}")))
