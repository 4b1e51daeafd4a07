"""Boolean functions of measured bits: what a classical bit of an OpenQASM program holds while it is lowered.

A ``Bit`` is a truth table over at most six events, or a conjunction of more than six literals (or the negation of
one). Tables are canonical (inputs sorted, none without effect), so equal functions of up to six events are equal
objects. Larger functions are made by writing a part into an event of its own (``core.lut``) through ``Logic.event``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

WIDTH = 6
"""Inputs of one table: the arity of ``core.lut``"""


class Table(msgspec.Struct, frozen=True):
    """Bit k of ``table`` is the value where ``inputs[i]`` (an event's number) is bit i of k."""

    inputs: tuple[int, ...]
    table: int


class Cube(msgspec.Struct, frozen=True):
    """All of ``literals`` (event, value) hold; ``negated``: not all of them do. More than six literals."""

    literals: frozenset[tuple[int, int]]
    negated: bool = False


Bit = Table | Cube

FALSE, TRUE = Table((), 0), Table((), 1)


def constant(value: object) -> Table:
    return TRUE if value else FALSE


def event_bit(event: int) -> Table:
    return Table((event,), 0b10)


def constant_of(bit: Bit) -> bool | None:
    """The value of a constant bit, else None."""
    if isinstance(bit, Table) and not bit.inputs:
        return bool(bit.table)
    return None


def negate(bit: Bit) -> Bit:
    if isinstance(bit, Cube):
        return Cube(bit.literals, not bit.negated)
    return Table(bit.inputs, bit.table ^ ((1 << (1 << len(bit.inputs))) - 1))


@lru_cache(maxsize=4096)
def _widen(table: int, places: tuple[int, ...], width: int) -> int:
    """``table`` over ``width`` inputs, its own inputs standing at ``places``."""
    out = 0
    for k in range(1 << width):
        row = 0
        for own, place in enumerate(places):
            row |= (k >> place & 1) << own
        out |= (table >> row & 1) << k
    return out


def canonical(inputs: tuple[int, ...], table: int) -> Table:
    """Drop the inputs that have no effect."""
    place = 0
    while place < len(inputs):
        low, high = _cofactors(table, place, len(inputs))
        if low == high:
            inputs, table = inputs[:place] + inputs[place + 1 :], low
        else:
            place += 1
    return Table(inputs, table)


@lru_cache(maxsize=4096)
def _cofactors(table: int, place: int, width: int) -> tuple[int, int]:
    """The tables over the other inputs where input ``place`` is 0, and where it is 1."""
    low = high = 0
    for k in range(1 << (width - 1)):
        row = (k >> place << (place + 1)) | (k & ((1 << place) - 1))
        low |= (table >> row & 1) << k
        high |= (table >> (row | 1 << place) & 1) << k
    return low, high


@lru_cache(maxsize=4096)
def literals_of(bit: Table) -> frozenset[tuple[int, int]] | None:
    """The literals when the table is a conjunction of literals (one row is 1), else None."""
    if bit.table == 0 or bit.table & (bit.table - 1):
        return None
    row = bit.table.bit_length() - 1
    return frozenset((event, row >> place & 1) for place, event in enumerate(bit.inputs))


def conjunction(bit: Bit) -> frozenset[tuple[int, int]] | None:
    """The literals when ``bit`` is a conjunction of literals (TRUE: none of them), else None."""
    if isinstance(bit, Cube):
        return None if bit.negated else bit.literals
    return literals_of(bit)


def from_literals(literals: Iterable[tuple[int, int]]) -> Bit:
    """The conjunction of ``literals``; contradictory ones give FALSE."""
    known_values: dict[int, int] = {}
    for event, value in literals:
        if known_values.setdefault(event, value) != value:
            return FALSE
    if len(known_values) > WIDTH:
        return Cube(frozenset(known_values.items()))
    inputs = tuple(sorted(known_values))
    return Table(inputs, 1 << sum(known_values[event] << place for place, event in enumerate(inputs)))


def restrict(bit: Bit, facts: dict[int, int]) -> Bit:
    """``bit`` where the events in ``facts`` are known."""
    if isinstance(bit, Cube):
        if any(facts.get(event, value) != value for event, value in bit.literals):
            return constant(bit.negated)
        rest = from_literals(lit for lit in bit.literals if lit[0] not in facts)
        return negate(rest) if bit.negated else rest
    for event in bit.inputs:
        if event in facts and event in bit.inputs:  # an earlier fact may have settled it
            place = bit.inputs.index(event)
            half = _cofactors(bit.table, place, len(bit.inputs))[facts[event]]
            bit = canonical(bit.inputs[:place] + bit.inputs[place + 1 :], half)
    return bit


class Logic:
    """Combines bits. ``event(table)`` makes (once) an event that holds the table's value and gives its number."""

    def __init__(self, event: Callable[[Table], int]) -> None:
        self._event = event

    def small(self, bit: Bit) -> Table:
        """``bit`` as a table: a wide conjunction is folded six literals at a time."""
        if isinstance(bit, Table):
            return bit
        literals = sorted(bit.literals)
        while len(literals) > WIDTH:
            folded = from_literals(literals[:WIDTH])
            assert isinstance(folded, Table)
            literals = [*literals[WIDTH:], (self._event(folded), 1)]
        folded = from_literals(literals)
        return self.small(negate(folded) if bit.negated else folded)

    def single(self, bit: Bit) -> int:
        """The number of an event that holds ``bit``."""
        table = self.small(bit)
        if table.table == 0b10 and len(table.inputs) == 1:
            return table.inputs[0]
        return self._event(table)

    def together(self, *bits: Bit) -> tuple[tuple[int, ...], list[int]]:
        """The bits as tables over one list of at most six inputs, the largest written to events where needed."""
        tables = [self.small(bit) for bit in bits]
        while len(union := frozenset[int]().union(*(t.inputs for t in tables))) > WIDTH:
            widest = max(range(len(tables)), key=lambda k: len(tables[k].inputs))
            tables[widest] = event_bit(self._event(tables[widest]))
        inputs = tuple(sorted(union))
        places = {event: place for place, event in enumerate(inputs)}
        return inputs, [_widen(t.table, tuple(places[e] for e in t.inputs), len(inputs)) for t in tables]

    def both(self, a: Bit, b: Bit) -> Bit:
        """``a`` and ``b``."""
        if (value := constant_of(a)) is not None:
            return b if value else FALSE
        if (value := constant_of(b)) is not None:
            return a if value else FALSE
        left, right = conjunction(a), conjunction(b)
        if left is not None and right is not None:
            return from_literals((*left, *right))
        inputs, (x, y) = self.together(a, b)
        return canonical(inputs, x & y)

    def either(self, a: Bit, b: Bit) -> Bit:
        """``a`` or ``b``."""
        return negate(self.both(negate(a), negate(b)))

    def differ(self, a: Bit, b: Bit) -> Bit:
        """``a`` xor ``b``."""
        if (value := constant_of(a)) is not None:
            return negate(b) if value else b
        if (value := constant_of(b)) is not None:
            return negate(a) if value else a
        inputs, (x, y) = self.together(a, b)
        return canonical(inputs, x ^ y)

    def all(self, bits: Iterable[Bit]) -> Bit:
        found: Bit = TRUE
        for bit in bits:
            found = self.both(found, bit)
        return found

    def select(self, chooser: Bit, when_true: Bit, when_false: Bit) -> Bit:
        """``when_true`` where ``chooser`` holds, else ``when_false``."""
        if (value := constant_of(chooser)) is not None:
            return when_true if value else when_false
        if when_true == when_false:
            return when_true
        if constant_of(when_false) is False:
            return self.both(chooser, when_true)
        if constant_of(when_true) is False:
            return self.both(negate(chooser), when_false)
        inputs, (c, t, f) = self.together(chooser, when_true, when_false)
        return canonical(inputs, c & t | ~c & f & ((1 << (1 << len(inputs))) - 1))

    # -- numbers as lists of bits, least significant first ------------------------------------------------------------

    def equal(self, a: tuple[Bit, ...], b: tuple[Bit, ...]) -> Bit:
        return self.all(negate(self.differ(x, y)) for x, y in zip(a, b, strict=True))

    def less(self, a: tuple[Bit, ...], b: tuple[Bit, ...], signed: bool) -> Bit:
        """``a < b``, both of one width."""
        if signed and a:
            a, b = (*a[:-1], negate(a[-1])), (*b[:-1], negate(b[-1]))
        found: Bit = FALSE
        for x, y in zip(a, b, strict=True):
            found = self.select(self.differ(x, y), y, found)
        return found

    def add(self, a: tuple[Bit, ...], b: tuple[Bit, ...], carry: Bit = FALSE) -> tuple[Bit, ...]:
        """``a + b + carry``, modulo two to the width."""
        out: list[Bit] = []
        for x, y in zip(a, b, strict=True):
            half = self.differ(x, y)
            out.append(self.differ(half, carry))
            carry = self.select(half, carry, x)
        return tuple(out)
