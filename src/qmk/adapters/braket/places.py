"""Where bits are kept in the one register of a program of Amazon Braket.

Braket reports every bit that something measures into, of one register. Bits that QMK prints have its first places; one
that is only read on the way takes a place that nothing needs in that time, and one of its own only where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qmk.circuit.items import Assign, End, If, Item, Step


class Life(NamedTuple):
    """From when to when a bit needs its place: item k is at 2 k, and what is put before it at 2 k - 1. ``is_zero``: it
    has to hold 0 at first, as what writes it may not be done."""

    first: int
    last: int
    is_zero: bool


def assign_places(items: Sequence[Item], printed: Sequence[int]) -> tuple[dict[int, int], dict[int, list[int]]]:
    """The place of each bit that something writes, and the places that have to be set to 0 before an item, by its
    number."""
    end = 2 * len(items)
    lives = _lives(items)
    shown = [bit for bit in dict.fromkeys(printed) if bit in lives]
    places = {bit: place for place, bit in enumerate(sorted(shown))}
    taken: list[list[tuple[int, int]]] = [[] for _ in places]
    for bit, place in places.items():
        life = lives[bit]
        taken[place].append((-1 if life.is_zero else life.first, end))
    zeroed: dict[int, list[int]] = {}
    for bit in sorted(lives.keys() - places.keys(), key=lambda each: lives[each].first):
        life = lives[bit]
        place = _find_free(taken, life)
        if place == len(taken):
            taken.append([])
        if life.is_zero and taken[place]:
            zeroed.setdefault((life.first + 1) // 2, []).append(place)
        taken[place].append((life.first, life.last))
        places[bit] = place
    return places, zeroed


def _find_free(taken: list[list[tuple[int, int]]], life: Life) -> int:
    """The place that is needed again soonest after this life, of those that are free for it; a new one if none is."""
    waits = {
        place: min((first for first, _ in spans if first >= life.last), default=1 << 62)
        for place, spans in enumerate(taken)
        if all(life.last <= first or last <= life.first for first, last in spans)
    }
    return min(waits, key=lambda place: waits[place]) if waits else len(taken)


def _lives(items: Sequence[Item]) -> dict[int, Life]:
    """Of each bit that something writes. Items run in their order, as a circuit has no loops."""
    found: dict[int, Life] = {}
    outermost, depth = 0, 0
    for at, item in enumerate(items):
        if isinstance(item, If):
            outermost = at if depth == 0 else outermost
            depth += 1
        elif isinstance(item, End):
            depth -= 1
        for bit in _bits_written(item):
            if bit not in found:
                found[bit] = Life(2 * outermost - 1 if depth else 2 * at, 2 * at, depth > 0)
        for bit in (*_bits_written(item), *_bits_read(item)):
            if bit in found:
                found[bit] = found[bit]._replace(last=2 * at)
    return found


def _bits_written(item: Item) -> Iterator[int]:
    if isinstance(item, Step):
        yield from item.writes
    elif isinstance(item, Assign):
        yield item.bit


def _bits_read(item: Item) -> Iterator[int]:
    if isinstance(item, Step):
        yield from item.reads
    elif isinstance(item, Assign):
        yield from item.value.bits()
    elif isinstance(item, If):
        yield from item.condition.bits()
