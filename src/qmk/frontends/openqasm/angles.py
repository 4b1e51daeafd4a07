"""Angles that depend on measurements: a sum of turns, each counted where its bit is 1.

The sum keeps ``-c``, ``c << 1`` and ``c + pi/4`` free of carries, so that a gate with such an angle is one guarded gate
for each bit. Where the bits of an ``angle[n]`` itself are asked for (an index, a comparison, a cast), ``digits`` adds
the turns up as binary fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.logic import Bit, Logic


class Turns(msgspec.Struct, frozen=True):
    """``constant`` and the weights of ``terms`` in turns of 2 pi; no bit twice, no weight 0, no bit known."""

    constant: float
    terms: tuple[tuple[float, Bit], ...]


def total(constant: float, terms: Iterable[tuple[float, Bit]], size: int | None) -> Turns | float:
    """The sum; a number in turns once no term is left. The weights of an ``angle[size]`` lie in [0, 1)."""
    weights: dict[Bit, float] = {}
    for weight, bit in terms:
        if (value := lg.constant_of(bit)) is None:
            weights[bit] = weights.get(bit, 0.0) + weight
        elif value:
            constant += weight
    if size is not None:
        constant -= math.floor(constant)
        weights = {bit: weight - math.floor(weight) for bit, weight in weights.items()}
    kept = tuple((weight, bit) for bit, weight in weights.items() if weight != 0)
    return Turns(constant, kept) if kept else constant


def scale(angle: Turns | float, factor: float, size: int | None) -> Turns | float:
    found = terms_of(angle)
    return total(found.constant * factor, ((weight * factor, bit) for weight, bit in found.terms), size)


def plus(a: Turns | float, b: Turns | float, size: int | None) -> Turns | float:
    x, y = terms_of(a), terms_of(b)
    return total(x.constant + y.constant, (*x.terms, *y.terms), size)


def select(when: Bit, new: Turns | float, old: Turns | float, size: int | None, logic: Logic) -> Turns | float:
    """``new`` where ``when`` holds, else ``old``; what both have in common needs no condition."""
    x, y = terms_of(new), terms_of(old)
    first, second = ({bit: weight for weight, bit in part.terms} for part in (x, y))
    terms: list[tuple[float, Bit]] = [(x.constant - y.constant, when)]
    for bit in {**first, **second}:
        taken, left = first.get(bit, 0.0), second.get(bit, 0.0)
        if taken == left:
            terms.append((taken, bit))
            continue
        terms += [(taken, logic.both(when, bit)), (left, logic.both(lg.negate(when), bit))]
    return total(y.constant, terms, size)


def terms_of(angle: Turns | float) -> Turns:
    return angle if isinstance(angle, Turns) else Turns(angle, ())


def unwrap(angle: Turns, size: int | None, logic: Logic) -> Turns | float:
    """An ``angle[size]`` whose turns never add up to a whole one, so that it is the number in [0, 2 pi) itself."""
    if size is None or angle.constant + sum(weight for weight, _ in angle.terms) < 1:
        return angle
    return of_digits(digits(angle, size, logic), size)


def fits(angle: Turns | float, size: int) -> bool:
    """Whether every turn is a multiple of the step of an ``angle[size]``."""
    found = terms_of(angle)
    numbers = (found.constant, *(weight for weight, _ in found.terms))
    return all((number * 2.0**size).is_integer() for number in numbers)


def digits(angle: Turns, size: int, logic: Logic) -> tuple[Bit, ...]:
    """The bits of the ``angle[size]``, least significant first."""
    mask = (1 << size) - 1
    start = round(angle.constant * (1 << size)) & mask
    bits = tuple(lg.constant(start >> k & 1) for k in range(size))
    for weight, bit in angle.terms:
        steps = round(weight * (1 << size)) & mask
        if all(not steps >> k & 1 or lg.constant_of(bits[k]) is False for k in range(size)):
            bits = tuple(bit if steps >> k & 1 else old for k, old in enumerate(bits))
        else:
            bits = logic.add(bits, tuple(bit if steps >> k & 1 else lg.FALSE for k in range(size)))
    return bits


def of_digits(bits: Iterable[Bit], size: int) -> Turns | float:
    """The ``angle[size]`` with these bits, least significant first."""
    return total(0.0, ((2.0 ** (k - size), bit) for k, bit in enumerate(bits)), size)
