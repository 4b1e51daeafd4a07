"""Operators of OpenFermion, whose terms are products of letters on numbered qubits."""

from __future__ import annotations

from typing import Any, NoReturn

from qmk.models.arguments import show
from qmk.sdk.adapter import PauliSum, Place, cannot, pauli_sum

_FIX = "transform it to qubits first, such as with jordan_wigner, and give the QubitOperator as an observable"


def refuse(program: object, _params: Any) -> NoReturn:
    """Raises UNSUPPORTED: there are operators in OpenFermion, and no programs."""
    raise cannot("openfermion", f"a {type(program).__name__} is not a program", show(program, 40), _FIX)


def read(given: Any) -> PauliSum | None:
    """A ``QubitOperator``, whose factors are numbers. Raises UNSUPPORTED for operators on fermions, bosons or modes."""
    kinds = {kind.__name__ for kind in type(given).__mro__}
    if "QubitOperator" not in kinds:
        if "SymbolicOperator" in kinds:
            raise cannot("openfermion", f"a {type(given).__name__} is not of qubits", show(given, 40), _FIX)
        return None
    terms = [(dict(letters), complex(factor)) for letters, factor in given.terms.items()]
    return pauli_sum(terms, lambda number: Place(number, (f"q_{number}",)))
