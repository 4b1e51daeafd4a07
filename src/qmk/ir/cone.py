"""Causal cones: the part of a deterministic program that an observable of few qubits depends on.

A gate on qubits where the observable, taken back to it, acts by one Pauli letter each is left out when it commutes with
those letters: a diagonal gate does not matter to Z, nor a CNOT to Z on its control or X on its target.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qmk.qvm.families import OPS
from qmk.qvm.op import Matrix

LETTERS = "XYZ"
ANY = "*"
"""What an observable does to a qubit when it is not a single letter."""

WORK = 1_000_000
"""Gates looked at for all observables of a program before it is taken whole."""

LOOK = 1000
"""Looking at a gate for one observable costs as much as the gate on so many amplitudes."""

MATRIX_QUBITS = 3
"""Gates on more are supposed to commute with nothing."""


class Placed(NamedTuple):
    """A gate: its op and its qubits."""

    op: str
    qubits: tuple[int, ...]


Support = Mapping[int, str]
"""An observable: a letter for each qubit on which it is not the identity."""


class Cone(NamedTuple):
    """``qubits`` in ascending order and ``gates`` by number; ``members``: which of the supports it was made for."""

    qubits: tuple[int, ...]
    gates: tuple[int, ...]
    members: tuple[int, ...]


def cone_of(gates: Sequence[Placed], support: Support) -> tuple[set[int], list[int]]:
    """Qubits and gates that an observable depends on, the gates in order."""
    live = dict(support)
    kept: list[int] = []
    for at in range(len(gates) - 1, -1, -1):
        op, qubits = gates[at]
        touched = [(place, live[qubit]) for place, qubit in enumerate(qubits) if qubit in live]
        if not touched:
            continue
        if all(letter != ANY for _, letter in touched):
            keeps = kept_letters(op, len(qubits))
            if all(letter in keeps[place] for place, letter in touched):
                continue
        for qubit in qubits:
            live[qubit] = ANY
        kept.append(at)
    kept.reverse()
    return set(live), kept


def cones(gates: Sequence[Placed], supports: Sequence[Support], n_qubits: int) -> list[Cone]:
    """Cones that together hold every support. One of all qubits where that costs less, counted in amplitudes touched,
    or where looking costs too much, or more than all gates on all qubits."""
    everything = Cone(tuple(range(n_qubits)), tuple(range(len(gates))), tuple(range(len(supports))))
    keys = [frozenset(support.items()) for support in supports]
    distinct = dict(zip(keys, supports, strict=True))
    if len(distinct) * len(gates) > WORK or len(distinct) * LOOK >= 2.0 ** min(n_qubits, 1000):
        return [everything]
    found = [(cone_of(gates, support), key) for key, support in distinct.items()]
    found.sort(key=lambda row: -len(row[0][0]))
    groups: list[tuple[set[int], set[int], set[frozenset[tuple[int, str]]]]] = []
    for (qubits, numbers), key in found:
        home = next((group for group in groups if qubits <= group[0]), None)
        if home is None:
            groups.append((qubits, set(numbers), {key}))
        else:
            home[1].update(numbers)
            home[2].add(key)
    parts = [
        Cone(
            tuple(sorted(qubits)),
            tuple(sorted(numbers)),
            tuple(at for at, key in enumerate(keys) if key in members),
        )
        for qubits, numbers, members in groups
    ]
    return parts if len(parts) == 1 or work(parts) < work([everything]) else [everything]


def work(parts: Iterable[Cone]) -> float:
    """Amplitudes that gates touch."""
    return sum((len(part.gates) + 8) * 2.0 ** min(len(part.qubits), 1000) for part in parts)


def supports_of(paulis: Iterable[str]) -> list[Support]:
    """The letters of each Pauli string but the identity."""
    return [{at: letter for at, letter in enumerate(text) if letter != "I"} for text in paulis]


@functools.cache
def kept_letters(op: str, n_qubits: int) -> tuple[str, ...]:
    """For each operand of a gate the letters that commute with it, whatever its angles."""
    declared = OPS[op]
    nothing = ("",) * n_qubits
    plain = all(param.kind == "angle" for param in declared.params)
    if n_qubits > MATRIX_QUBITS or not plain or declared.matrix is None:
        return nothing
    out = [LETTERS] * n_qubits
    for angle in (0.7, 2.3):  # an accident of one angle is none of the other
        matrix = declared.matrix({param.name: angle * (at + 1) for at, param in enumerate(declared.params)})
        for place in range(n_qubits):
            bit = n_qubits - 1 - place
            out[place] = "".join(letter for letter in out[place] if _commutes(matrix, letter, bit))
    return tuple(out)


def _commutes(matrix: Matrix, letter: str, bit: int) -> bool:
    """Whether a Pauli letter on one bit of the index commutes with the matrix."""
    size = len(matrix)

    def image(index: int) -> tuple[int, complex]:
        """The basis state that the letter makes of one, and its factor."""
        one = index >> bit & 1
        if letter == "Z":
            return index, -1.0 if one else 1.0
        return index ^ 1 << bit, 1.0 if letter == "X" else (-1j if one else 1j)

    for row in range(size):
        for column in range(size):
            to, factor = image(column)
            back, _ = image(row)  # where the letter takes to ``row`` from
            if abs(matrix[row][to] * factor - image(back)[1] * matrix[back][column]) > 1e-9:
                return False
    return True
