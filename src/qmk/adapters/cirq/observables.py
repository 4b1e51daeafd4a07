"""Observables of Cirq as sums of Pauli strings."""

from __future__ import annotations

# Cirq has types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
from collections.abc import Iterator
from typing import Any, cast

import cirq

from qmk.adapters.cirq.names import register_name
from qmk.sdk.adapter import PauliSum, Place, pauli_sum


def read(given: Any) -> PauliSum | None:
    """A ``PauliString``, such as ``cirq.X(q)``, or a ``PauliSum``."""
    if not isinstance(given, (cirq.PauliString, cirq.PauliSum)):
        return None
    return pauli_sum(terms_of(cirq.PauliSum.wrap(given)), _place)


def terms_of(observable: cirq.PauliSum) -> Iterator[tuple[dict[cirq.Qid, str], complex]]:
    """The letter of each qubit, and the factor, of each term."""
    for string in observable:
        yield {qubit: str(pauli) for qubit, pauli in string.items()}, complex(cast("Any", string.coefficient))


def _place(qubit: cirq.Qid) -> Place:
    return Place(qubit.x if isinstance(qubit, cirq.LineQubit) else None, (register_name(qubit),))
