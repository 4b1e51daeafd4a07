"""The adapter protocol: a program that is an object of another framework, read and, where possible, written.

Entry-point group ``qmk.adapters``. An adapter is found by the module that the type of the object comes from; nothing of
a framework is imported before a program of it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from qmk.base.errors import QmkError


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """``modules``: the top-level modules of the framework's types. ``reader``, ``writer`` and ``observable`` are
    "module:function", imported on first use.

    ``reader(program, params)`` gives a ``qmk.Circuit``, a ``qmk.Program``, a ``Graph``, or the text of a format that
    QMK recognises, as ``bytes``. Open parameters stay open under the names that they have. ``takes_params``: the reader
    itself uses the values of ``params``, all of them, as those of a function's arguments; else it ignores them. Where
    only some programs are functions: the names of their types.

    ``observable(given)`` gives the ``PauliSum`` that an object of the framework is, None for what is none.

    ``writer(circuit)`` gives the framework's object for a ``qmk.Circuit``; "": there is none. Both raise what
    ``cannot`` makes for what one side cannot say; nothing is left out.
    """

    name: str
    doc: str
    modules: tuple[str, ...]
    reader: str
    writer: str = ""
    observable: str = ""
    takes_params: bool | tuple[str, ...] = False
    format: str = ""
    """That of the text which ``reader`` gives."""
    library: str = ""
    """The distribution that brings the framework."""
    extra: str = ""
    """QMK's pip extra with it."""

    def uses_params(self, program: object) -> bool:
        """Whether the reader uses ``params`` for this program."""
        if isinstance(self.takes_params, bool):
            return self.takes_params
        return any(kind.__name__ in self.takes_params for kind in type(program).__mro__)


class Place(NamedTuple):
    """Where a letter of an observable stands. ``names``: what the reader of programs calls the qubit, as a graph has
    it. ``number``: its number where a program's qubits are only numbered, None if it has none. Without names the number
    is that among the qubits of any program."""

    number: int | None
    names: tuple[str, ...] = ()


class PauliSum(NamedTuple):
    """An observable of another framework: labels with one letter of I, X, Y, Z for each place, and a factor each."""

    places: tuple[Place, ...]
    labels: list[str]
    factors: list[complex]


def pauli_sum(terms: Iterable[tuple[Mapping[Any, str], complex]], place_of: Callable[[Any], Place]) -> PauliSum:
    """The sum of products of letters, each by its qubit in the framework."""
    rows = list(terms)
    qubits = list(dict.fromkeys(qubit for letters, _ in rows for qubit in letters))
    labels = ["".join([letters.get(qubit, "I") for qubit in qubits]) for letters, _ in rows]
    return PauliSum(tuple(map(place_of, qubits)), labels, [factor for _, factor in rows])


def cannot(framework: str, what: str, place: str, fix: str, **fields: Any) -> QmkError:
    """The refusal of something that cannot be carried over: what it is, and where in the program it stands."""
    return QmkError("UNSUPPORTED", f"{framework}: {place}: {what}", field="program", help=fix, **fields)


def name_element(vector: str, at: int) -> str:
    """The name of one element of a vector of parameters where a framework has single parameters only: w_2."""
    return f"{vector}_{at}"


def require_other_names(framework: str, parameters: Mapping[str, int | None]) -> None:
    """Raises UNSUPPORTED where an element of a vector would get the name of another parameter. ``parameters``: the
    number of values of each; None: it is a single number."""
    taken = {name for name, size in parameters.items() if size is None}
    for vector, size in parameters.items():
        for at in range(size or 0):
            name = name_element(vector, at)
            if name in taken:
                what = f"element {at} of parameter '{vector}' would have the name of another, '{name}'"
                raise cannot(framework, what, "the parameters", f"rename '{vector}' or '{name}'")
            taken.add(name)
