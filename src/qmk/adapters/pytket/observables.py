"""Observables of pytket as sums of Pauli strings."""

from __future__ import annotations

from typing import Any

from pytket.pauli import QubitPauliString
from pytket.utils.operators import QubitPauliOperator

from qmk.sdk.adapter import PauliSum, Place, pauli_sum


def read(given: Any) -> PauliSum | None:
    """A ``QubitPauliString`` or a ``QubitPauliOperator``, whose factors are numbers."""
    if not isinstance(given, QubitPauliString | QubitPauliOperator):
        return None
    found: Any = given
    rows: list[tuple[Any, Any]] = list(found._dict.items()) if isinstance(given, QubitPauliOperator) else [(found, 1.0)]
    terms = [({q: letter.name for q, letter in string.map.items()}, complex(factor)) for string, factor in rows]
    return pauli_sum(terms, _place)


def _place(qubit: Any) -> Place:
    """``q[2]`` and ``a[1]``."""
    index = list(qubit.index)
    number = index[0] if qubit.reg_name == "q" and len(index) == 1 else None
    return Place(number, ("_".join([qubit.reg_name, *map(str, index)]),))
