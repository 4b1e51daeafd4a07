"""Observables as callers write them: ``"0.5*ZZI + XXI"``, ``"Z0 Z1 - 2*X5"``, a mapping, or pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from qmk.base.errors import QmkError
from qmk.qvm.outputs import Observable

ObservableLike = str | Mapping[str, float] | Sequence[tuple[str, float]]
"""One observable. As text: terms joined by + and -, each a factor, ``*`` and a Pauli string, either with one letter a
qubit, qubit 0 first (``XIZ``), or with numbered letters (``X0 Z2``). A number alone is a multiple of the identity."""

_TERM = re.compile(
    r"\s*(?P<sign>[+-])?\s*(?P<factor>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?\s*(?P<times>\*)?\s*"
    r"(?P<paulis>[IXYZ]\d+(?:[\s*]*[IXYZ]\d+)*|[IXYZ]+)?\s*"
)
_LETTER = re.compile(r"([IXYZ])(\d+)")


def observables(given: ObservableLike | Sequence[ObservableLike], n_qubits: int) -> tuple[list[Observable], bool]:
    """The observables, and whether a single one was given. Raises INVALID_PARAMS naming the term that is wrong."""
    if _is_one(given):
        return [observable(cast("ObservableLike", given), n_qubits)], True
    return [observable(one, n_qubits) for one in cast("Sequence[ObservableLike]", given)], False


def _is_one(given: object) -> bool:
    if isinstance(given, (str, Mapping)):
        return True
    rows = cast("Sequence[object]", given)
    return bool(rows) and all(_is_pair(row) for row in rows)


def _is_pair(row: object) -> bool:
    if not isinstance(row, (tuple, list)):
        return False
    pair = cast("Sequence[object]", row)
    return len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], (int, float))


def observable(given: ObservableLike, n_qubits: int) -> Observable:
    """One observable over ``n_qubits`` qubits."""
    if isinstance(given, str):
        return tuple(_parsed(given, n_qubits))
    rows = given.items() if isinstance(given, Mapping) else given
    return tuple((_string(text, n_qubits, text), float(factor)) for text, factor in rows)


def _parsed(text: str, n_qubits: int) -> list[tuple[str, float]]:
    out: list[tuple[str, float]] = []
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if (
            found is None
            or found.end() == at
            or not (found["factor"] or found["paulis"])
            or (out and not found["sign"])
        ):
            raise _wrong(text, f"the term at character {at + 1} cannot be read")
        if found["times"] and not (found["factor"] and found["paulis"]):
            raise _wrong(text, f"'*' at character {at + 1} stands between a number and a Pauli string")
        factor = float(found["factor"] or 1.0) * (-1.0 if found["sign"] == "-" else 1.0)
        out.append((_string(found["paulis"] or "", n_qubits, text), factor))
        at = found.end()
    if not out:
        raise _wrong(text, "it has no terms")
    return out


def _string(paulis: str, n_qubits: int, whole: str) -> str:
    """One letter a qubit, from either form; empty: the identity."""
    if not paulis:
        return "I" * n_qubits
    if not any(letter.isdigit() for letter in paulis):
        if len(paulis) != n_qubits or not set(paulis) <= set("IXYZ"):
            raise _wrong(whole, f"'{paulis[:40]}' is no Pauli string of the program's {n_qubits} qubits")
        return paulis
    letters = ["I"] * n_qubits
    if _LETTER.sub("", paulis).strip(" *\t"):
        raise _wrong(whole, f"'{paulis[:40]}' is no Pauli string")
    for letter, number in _LETTER.findall(paulis):
        qubit = int(number)
        if qubit >= n_qubits:
            raise _wrong(whole, f"there is no qubit {qubit}: the program has {n_qubits}, numbered from 0")
        if letters[qubit] != "I":
            raise _wrong(whole, f"qubit {qubit} has two letters in one term")
        letters[qubit] = letter
    return "".join(letters)


def _wrong(text: str, what: str) -> QmkError:
    return QmkError(
        "INVALID_PARAMS",
        f"observable '{text[:80]}': {what}",
        field="observables",
        help=f"write it as {'0.5*ZZI + XXI'} (one letter a qubit, qubit 0 first) or 0.5*Z0 Z1 + X0 X1",
    )
