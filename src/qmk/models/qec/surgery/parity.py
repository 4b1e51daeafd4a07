"""Linear algebra over GF(2) on sets: few unknowns, each a set of rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def solve(columns: Mapping[K, Iterable[Hashable]], target: Iterable[Hashable]) -> set[K] | None:
    """Columns whose symmetric difference is ``target``; None if there are none. The same for the same order."""
    rows: dict[Hashable, int] = {}
    names = list(columns)
    reduced: dict[int, tuple[int, int]] = {}  # by highest row: rows, and which columns make them
    for at, name in enumerate(names):
        value, parts = reduce(_bits(columns[name], rows), 1 << at, reduced)
        if value:
            reduced[value.bit_length()] = (value, parts)
    value, parts = reduce(_bits(target, rows), 0, reduced)
    return None if value else {name for at, name in enumerate(names) if parts >> at & 1}


def reduce(value: int, parts: int, reduced: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    while value and (pivot := reduced.get(value.bit_length())):
        value, parts = value ^ pivot[0], parts ^ pivot[1]
    return value, parts


def _bits(members: Iterable[Hashable], rows: dict[Hashable, int]) -> int:
    value = 0
    for member in members:
        value ^= 1 << rows.setdefault(member, len(rows))
    return value
