"""Causal cones: the part of a program without dice that an observable of few qubits depends on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Operands = Sequence[tuple[int, ...]]
"""The qubits of every gate, in order."""

WORK = 20_000_000
"""gates looked at for all observables of a program before it is taken whole"""


class Cone(NamedTuple):
    """``qubits`` in ascending order and ``gates`` by number; ``members``: which of the supports it was made for."""

    qubits: tuple[int, ...]
    gates: tuple[int, ...]
    members: tuple[int, ...]


def cone_of(gates: Operands, support: Iterable[int]) -> tuple[set[int], list[int]]:
    """Qubits and gates that observables on ``support`` depend on, the gates in order."""
    live = set(support)
    kept: list[int] = []
    for at in range(len(gates) - 1, -1, -1):
        if not live.isdisjoint(gates[at]):
            live.update(gates[at])
            kept.append(at)
    kept.reverse()
    return live, kept


def cones(gates: Operands, supports: Sequence[frozenset[int]], n_qubits: int) -> list[Cone]:
    """Cones that together hold every support. One of all qubits where that costs less, counted in amplitudes touched,
    or where looking costs too much."""
    everything = Cone(tuple(range(n_qubits)), tuple(range(len(gates))), tuple(range(len(supports))))
    distinct = dict.fromkeys(supports)
    if len(distinct) * len(gates) > WORK:
        return [everything]
    found = sorted(((cone_of(gates, support), support) for support in distinct), key=lambda row: -len(row[0][0]))
    groups: list[tuple[set[int], set[int], set[frozenset[int]]]] = []
    for (qubits, numbers), support in found:
        home = next((group for group in groups if qubits <= group[0]), None)
        if home is None:
            groups.append((qubits, set(numbers), {support}))
        else:
            home[1].update(numbers)
            home[2].add(support)
    parts = [
        Cone(
            tuple(sorted(qubits)),
            tuple(sorted(numbers)),
            tuple(k for k, support in enumerate(supports) if support in members),
        )
        for qubits, numbers, members in groups
    ]
    return parts if len(parts) == 1 or work(parts) < work([everything]) else [everything]


def work(parts: Iterable[Cone]) -> float:
    """Amplitudes that gates touch."""
    return sum((len(part.gates) + 8) * 2.0 ** len(part.qubits) for part in parts)


def supports_of(paulis: Iterable[str]) -> list[frozenset[int]]:
    """The qubits on which each Pauli string is not the identity."""
    return [frozenset(at for at, letter in enumerate(text) if letter != "I") for text in paulis]
