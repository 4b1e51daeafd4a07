"""Values while a HUGR is followed.

A whole number is an ``int`` without its sign, or the bits of one that a measurement decides, a float or a rotation in
half turns is a ``float``, or ``Cases`` of a few, as ``qir.values`` has them. None is a value that nothing defines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from qmk.frontends.openqasm import logic as lg
from qmk.sdk.frontend import Refused


class Qubit(msgspec.Struct, frozen=True):
    handle: str


class Sum(msgspec.Struct, frozen=True):
    """One of several rows of values; exactly one of ``conditions`` holds in each shot that is here. None: a row that
    no shot has."""

    conditions: tuple[lg.Bit, ...]
    rows: tuple[tuple[Any, ...] | None, ...]


class Array(msgspec.Struct, frozen=True):
    """None: an element that is borrowed."""

    items: tuple[Any, ...]


class Function(msgspec.Struct, frozen=True):
    """A function as a value, by its node, with its arguments where it is generic."""

    node: int
    args: tuple[Any, ...] = ()


def boolean(bit: lg.Bit) -> Sum:
    return Sum((lg.negate(bit), bit), ((), ()))


def variant(tag: int, count: int, *values: Any) -> Sum:
    """The row ``tag`` of ``count``."""
    if not 0 <= tag < count:
        raise Refused("HUGR-04", f"row {tag} of a sum of {count}")
    conditions = tuple([lg.TRUE if k == tag else lg.FALSE for k in range(count)])
    return Sum(conditions, tuple([values if k == tag else None for k in range(count)]))


def truth(value: Any) -> lg.Bit:
    """A bit. Raises Refused for what is none."""
    if not isinstance(value, Sum) or len(value.rows) != 2 or any(value.rows):
        raise wrong("a bit", value)
    return value.conditions[1]


def wrong(wanted: str, value: Any) -> Refused:
    if value is None:
        return Refused("HUGR-04", f"{wanted} is taken that nothing defines, or a qubit that was used before")
    return Refused("HUGR-04", f"{wanted} is taken, and this is none: {type(value).__name__}")


def qubits_in(value: Any) -> Iterator[str]:
    """The handles of the qubits in a value."""
    if isinstance(value, Qubit):
        yield value.handle
    elif isinstance(value, Sum):
        for row in value.rows:
            for each in row or ():
                yield from qubits_in(each)
    elif isinstance(value, Array):
        for each in value.items:
            yield from qubits_in(each)


def rename(value: Any, names: dict[str, str]) -> Any:
    """A value whose qubits have other handles."""
    if isinstance(value, Qubit):
        return Qubit(names.get(value.handle, value.handle))
    if isinstance(value, Sum):
        rows = [None if row is None else tuple([rename(each, names) for each in row]) for row in value.rows]
        return Sum(value.conditions, tuple(rows))
    if isinstance(value, Array):
        return Array(tuple([rename(each, names) for each in value.items]))
    return value


def pairs(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """What stands at the same place in two values of one type, apart from the parts that only one has."""
    if isinstance(one, Sum) and isinstance(other, Sum) and len(one.rows) == len(other.rows):
        for row, row_2 in zip(one.rows, other.rows, strict=True):
            for each, each_2 in zip(row or (), row_2 or (), strict=False):
                yield from pairs(each, each_2)
    elif isinstance(one, Array) and isinstance(other, Array) and len(one.items) == len(other.items):
        for each, each_2 in zip(one.items, other.items, strict=True):
            yield from pairs(each, each_2)
    else:
        yield one, other


def places_of(targets: Sequence[Any], values: Sequence[Any]) -> dict[str, str]:
    """By the handle of each qubit in ``values``, that which stands at its place in ``targets``."""
    found: dict[str, str] = {}
    same = True
    for one, other in pairs(Array(tuple(targets)), Array(tuple(values))):
        if isinstance(one, Qubit) and isinstance(other, Qubit):
            found[other.handle] = found.get(other.handle, one.handle)
            same = same and found[other.handle] == one.handle
    if not same or len(set(found.values())) < len(found):
        raise Refused("HUGR-05", "a measurement decides which qubit it is, in a way that swaps cannot say")
    return found
