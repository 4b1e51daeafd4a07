"""Conditions on bits as Cirq's, which read measurement keys.

A condition on bits of one measurement is a key or a bit mask; all else is a polynomial in sympy that is 0 or 1, which
reads the latest measurement of each key.
"""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import cirq
import sympy

from qmk.circuit.operands import Condition
from qmk.sdk.adapter import cannot


class Record(NamedTuple):
    """Where the value of a bit stands: place ``place`` of ``size`` from the left in measurement ``time`` of ``key``."""

    key: str
    time: int
    place: int
    size: int


class Values:
    """What each bit holds at the point that is being written."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.assigned: dict[int, Condition] = {}
        self.counts: dict[str, int] = {}

    def measure(self, key: str, bits: Sequence[int]) -> None:
        index = self.counts.get(key, 0)
        self.counts[key] = index + 1
        for place, bit in enumerate(bits):
            self.records[bit] = Record(key, index, place, len(bits))

    def resolve(self, condition: Condition) -> Condition:
        """The condition on measured bits alone."""
        if condition.op == "bit":
            bit = condition.args[0]
            return self.assigned.get(bit, condition if bit in self.records else Condition("table", (0,)))
        args = tuple(self.resolve(arg) if isinstance(arg, Condition) else arg for arg in condition.args)
        return Condition(condition.op, args)

    def write(self, condition: Condition, place: str) -> list[cirq.Condition]:
        """Conditions that hold together where this one does. Raises UNSUPPORTED for earlier records of a key in what
        has to be a polynomial."""
        return [self._write(part, place) for part in _conjuncts(self.resolve(condition))]

    def _write(self, condition: Condition, place: str) -> cirq.Condition:
        wanted = _comparison(condition)
        found = self._compare_masked(*wanted) if wanted is not None else None
        return found if found is not None else cirq.SympyCondition(self._polynomial(condition, place))

    def _compare_masked(self, bits: Sequence[int], value: int, equal: bool) -> cirq.Condition | None:
        """Bits, the first the lowest, compared with a number, where they stand in one measurement."""
        records = [self.records[bit] for bit in bits]
        key, index, _, size = records[0]
        if any((record.key, record.time) != (key, index) for record in records) or len(set(bits)) < len(bits):
            return None
        at = -1 if self.counts[key] == 1 else index
        weights = [1 << (size - 1 - record.place) for record in records]
        mask = sum(weights)
        target = sum(weight for k, weight in enumerate(weights) if value >> k & 1)
        whole = mask == (1 << size) - 1
        if whole and ((target == 0 and not equal) or (size == 1 and target == 1 and equal)):
            return cirq.KeyCondition(cirq.MeasurementKey.parse_serialized(key), at)
        return cirq.BitMaskKeyCondition(
            cirq.MeasurementKey.parse_serialized(key), at, target, equal, None if whole else mask
        )

    def _polynomial(self, condition: Condition, place: str) -> Any:
        match condition.op, condition.args:
            case "bit", (bit, *_):
                return self._symbol(self.records[bit], place)
            case "not", (one,):
                return 1 - self._polynomial(one, place)
            case "equal", (value, *bits):
                return _product(
                    self._polynomial(bit, place) if value >> k & 1 else 1 - self._polynomial(bit, place)
                    for k, bit in enumerate(bits)
                )
            case "table", (table, *bits):
                held = [self._polynomial(bit, place) for bit in bits]
                rows = (row for row in range(1 << len(bits)) if table >> row & 1)
                return sum(
                    (_product(x if row >> k & 1 else 1 - x for k, x in enumerate(held)) for row in rows),
                    start=sympy.Integer(0),
                )
            case op, (left, right):
                a, b = self._polynomial(left, place), self._polynomial(right, place)
                return {"and": a * b, "or": a + b - a * b, "xor": a + b - 2 * a * b}[op]
            case _:
                raise AssertionError(condition.op)

    def _symbol(self, record: Record, place: str) -> Any:
        if record.time != self.counts[record.key] - 1:
            fix = "keep it in a bit of its own"
            raise cannot("cirq", f"a condition reads an earlier measurement of key '{record.key}'", place, fix)
        return sympy.Symbol(record.key) if record.size == 1 else sympy.IndexedBase(record.key)[record.place]


def _product(factors: Iterator[Any] | Any) -> Any:
    return reduce(lambda a, b: a * b, factors, sympy.Integer(1))


def _conjuncts(condition: Condition) -> list[Condition]:
    if condition.op == "and":
        return [part for each in condition.args for part in _conjuncts(each)]
    return [condition]


def _comparison(condition: Condition) -> tuple[list[int], int, bool] | None:
    """The bits, the number that they are compared with, and whether they have to be equal to it."""
    if condition.op == "not":
        found = _comparison(condition.args[0])
        return None if found is None else (found[0], found[1], not found[2])
    if condition.op == "bit":
        return [condition.args[0]], 1, True
    if condition.op == "equal" and all(each.op == "bit" for each in condition.args[1:]):
        return [each.args[0] for each in condition.args[1:]], condition.args[0], True
    return None
