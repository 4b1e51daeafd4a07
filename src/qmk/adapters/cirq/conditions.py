"""Cirq's classical conditions as conditions on bits.

The value of a key is that of its latest measurement, the first qubit the highest bit.
"""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import cirq
import sympy

from qmk.circuit.operands import Condition
from qmk.sdk.adapter import cannot

Records = Mapping[str, Sequence[tuple[int, ...]]]
"""The bits of each measurement of a key, in order of time, those of its first qubit first."""

TABLE_BITS = 12
"""A condition in sympy on so many bits becomes a table of what it is for each of their values."""


def read(condition: cirq.Condition, records: Records, place: str) -> Condition:
    """The condition on bits. Raises UNSUPPORTED for a key that nothing has measured, and for what has no table."""
    if isinstance(condition, cirq.KeyCondition):
        return _differs(_bits(condition.key, condition.index, records, place), 0)
    if isinstance(condition, cirq.BitMaskKeyCondition):
        bits = _bits(condition.key, condition.index, records, place)
        mask = (1 << len(bits)) - 1 if condition.bitmask is None else condition.bitmask
        return _compare_masked(bits, mask, condition.target_value, condition.equal_target)
    if isinstance(condition, cirq.SympyCondition):
        return _table(condition, records, place)
    fix = "use a KeyCondition, a BitMaskKeyCondition or a SympyCondition"
    raise cannot("cirq", f"a condition of type {type(condition).__name__}", place, fix)


def _bits(key: Any, index: int, records: Records, place: str) -> tuple[int, ...]:
    found = records.get(str(key), ())
    if not -len(found) <= index < len(found):
        fix = "measure it before the condition"
        raise cannot("cirq", f"the condition reads key '{key}' [{index}], which nothing has measured", place, fix)
    return found[index]


def _leaf(bit: int) -> Condition:
    return Condition("bit", (bit,))


def _equals(bits: Sequence[int], value: int) -> Condition:
    """Bits, the first the highest, read as ``value``."""
    if len(bits) == 1:
        return _leaf(bits[0]) if value else Condition("not", (_leaf(bits[0]),))
    return Condition("equal", (value, *map(_leaf, reversed(bits))))


def _differs(bits: Sequence[int], value: int) -> Condition:
    return _leaf(bits[0]) if len(bits) == 1 and value == 0 else Condition("not", (_equals(bits, value),))


def _compare_masked(bits: Sequence[int], mask: int, target: int, equal: bool) -> Condition:
    shifts = range(len(bits) - 1, -1, -1)
    chosen = [bit for bit, shift in zip(bits, shifts, strict=True) if mask >> shift & 1]
    wanted = [target >> shift & 1 for shift in shifts if mask >> shift & 1]
    seen = sum(1 << shift for shift in shifts if mask >> shift & 1)
    if target & ~seen or not chosen:
        holds = target == 0 and not chosen
        return Condition("table", (int(holds == equal),))
    value = int("".join(map(str, wanted)), 2)
    return _equals(chosen, value) if equal else _differs(chosen, value)


def _table(condition: cirq.SympyCondition, records: Records, place: str) -> Condition:
    expression: Any = condition.expr
    keys = {str(key): _bits(key, -1, records, place) for key in condition.keys}
    bits = list(dict.fromkeys(itertools.chain.from_iterable(keys.values())))
    if len(bits) > TABLE_BITS:
        fix = f"write it as several conditions, or as a BitMaskKeyCondition; a table has at most {TABLE_BITS} bits"
        raise cannot("cirq", f"the condition '{expression}' reads {len(bits)} bits", place, fix)
    indexed = {str(each.base.name) for each in expression.free_symbols if isinstance(each, sympy.Indexed)}
    table = 0
    for row in range(1 << len(bits)):
        held = {bit: row >> k & 1 for k, bit in enumerate(bits)}
        values: dict[str, Any] = {}
        for key, own in keys.items():
            digits = tuple(held[bit] for bit in own)
            values[key] = digits if key in indexed else int("".join(map(str, digits)), 2)
        table |= _truth(expression, values, place) << row
    return Condition("table", (table, *map(_leaf, bits)))


def _truth(expression: Any, values: dict[str, Any], place: str) -> int:
    try:
        return int(bool(expression.subs(values)))
    except TypeError:
        fix = "give a condition that is true or false for all values of its keys"
        raise cannot("cirq", f"the condition '{expression}' has no truth value", place, fix) from None
