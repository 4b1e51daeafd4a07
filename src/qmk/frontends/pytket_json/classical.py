"""The ops of pytket on classical bits, as its JSON has them: what each bit that they write becomes.

The bits of a ``Value`` are those of the op, by place. Registers are unsigned, their first bit the lowest.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from qmk.frontends.openqasm.branching import Value
from qmk.sdk.frontend import Refused

MAX_INPUTS = 10
"""Bits that arithmetic of registers may depend on: their truth table is written out."""

_WORD = (1 << 64) - 1
ZERO, ONE = Value("table", (0,)), Value("table", (1,))

OPS = frozenset(
    {"SetBits", "CopyBits", "RangePredicate", "ExplicitPredicate", "ExplicitModifier", "MultiBit", "ClassicalTransform",
     "ClExpr"}
)  # fmt: skip


def assignments(op: Mapping[str, Any], n_bits: int) -> list[tuple[int, Value]]:
    """The bits that an op writes, all at once, and what each becomes. Raises Refused PYTKET-05 for division, or for
    arithmetic of more than ``MAX_INPUTS`` bits."""
    if op["type"] == "ClExpr":
        return _expression(op["expr"])
    given = op["classical"]
    bits = [Value("bit", (k,)) for k in range(n_bits)]
    match op["type"]:
        case "SetBits":
            return [(k, ONE if value else ZERO) for k, value in enumerate(given["values"])]
        case "CopyBits":
            return list(enumerate(bits[: n_bits // 2], n_bits // 2))
        case "RangePredicate":
            return [(n_bits - 1, in_range(bits[:-1], given["lower"], given["upper"]))]
        case "ExplicitPredicate":
            return [(n_bits - 1, _table(given["values"], bits[:-1]))]
        case "ExplicitModifier":
            return [(n_bits - 1, _table(given["values"], bits))]
        case "ClassicalTransform":
            return [(k, _table([row >> k & 1 for row in given["values"]], bits)) for k in range(n_bits)]
        case _:  # MultiBit
            size = n_bits // given["n"]
            one = assignments(given["op"], size)
            return [(at + k, value.on(range(at, at + size))) for at in range(0, n_bits, size) for k, value in one]


def _not(value: Value) -> Value:
    return Value("not", (value,))


def _and(left: Value, right: Value) -> Value:
    return Value("and", (left, right))


def in_range(bits: Sequence[Value], lower: int, upper: int) -> Value:
    """Whether bits, the first the lowest, read as a number from ``lower`` to ``upper``."""
    top = (1 << len(bits)) - 1
    if lower == upper:
        return equal(bits, lower)
    above = ONE if lower <= 0 else at_least(bits, lower)
    below = ONE if upper >= top else _not(at_least(bits, upper + 1))
    return above if below == ONE else below if above == ONE else _and(above, below)


def equal(bits: Sequence[Value], number: int) -> Value:
    """Whether bits read as ``number``."""
    if number >> len(bits):
        return ZERO
    literals = [bit if number >> k & 1 else _not(bit) for k, bit in enumerate(bits)]
    return reduce(_and, literals) if literals else ONE


def at_least(bits: Sequence[Value], number: int) -> Value:
    """Whether bits read as ``number`` or more: compared from the lowest bit on."""
    if number >> len(bits):
        return ZERO
    found: Value = ONE
    for k, bit in enumerate(bits):
        if number >> k & 1:
            found = bit if found == ONE else _and(bit, found)
        elif found != ONE:
            found = Value("or", (bit, found))
    return found


def _table(values: Sequence[Any], inputs: Sequence[Value]) -> Value:
    return Value("table", (sum(1 << k for k, value in enumerate(values) if value), *inputs))


# -- expressions -----------------------------------------------------------------------------------------------------

_BITWISE = {"And": "and", "Or": "or", "Xor": "xor"}


def _power(a: int, b: int) -> int:
    return pow(a, b, _WORD + 1)


def _shift_left(a: int, b: int) -> int:
    return a << b if b < 64 else 0


def _shift_right(a: int, b: int) -> int:
    return a >> b if b < 64 else 0


_ARITHMETIC: dict[str, Any] = {
    "RegLt": operator.lt,
    "RegGt": operator.gt,
    "RegLeq": operator.le,
    "RegGeq": operator.ge,
    "RegAdd": operator.add,
    "RegSub": operator.sub,
    "RegMul": operator.mul,
    "RegPow": _power,
    "RegLsh": _shift_left,
    "RegRsh": _shift_right,
    "RegNeg": operator.neg,
}


def _expression(wired: Mapping[str, Any]) -> list[tuple[int, Value]]:
    registers = dict(wired["reg_posn"])
    bits = dict(wired["bit_posn"])
    outputs: list[int] = wired["output_posn"]
    found = _Expression(bits, registers, len(outputs)).bits(wired["expr"])
    return [(position, _bit(found, k)) for k, position in enumerate(outputs)]


def _bit(bits: Sequence[Value], k: int) -> Value:
    return bits[k] if k < len(bits) else ZERO


class _Expression:
    """Registers as lists of bits, the lowest first; ``width`` is that of the result."""

    def __init__(self, bits: dict[int, int], registers: dict[int, list[int]], width: int) -> None:
        self.of_bit, self.of_register = bits, registers
        self.width = max([width, *map(len, registers.values())])

    def bits(self, expr: Mapping[str, Any]) -> list[Value]:
        name = expr["op"]
        if name in ("RegDiv", "INVALID"):
            raise Refused("PYTKET-05", f"{name} has no meaning where its divisor is 0", "compute it after the run")
        kind, what = name[:3], name[3:]
        if what in ("Zero", "One"):
            return [ONE if what == "One" else ZERO] * (1 if kind == "Bit" or what == "Zero" else self.width)
        args = [self._term(each) for each in expr["args"]]
        if name in _ARITHMETIC:
            return self._arithmetic(_ARITHMETIC[name], args)
        size = max(map(len, args))
        if what == "Not":
            return [_not(_bit(args[0], k)) for k in range(1 if kind == "Bit" else self.width)]
        if what in ("Eq", "Neq"):
            same = [_not(Value("xor", (_bit(args[0], k), _bit(args[1], k)))) for k in range(size)]
            whole: Value = reduce(_and, same)
            return [whole if what == "Eq" else _not(whole)]
        return [
            reduce(lambda a, b: Value(_BITWISE[what], (a, b)), [_bit(each, k) for each in args]) for k in range(size)
        ]  # fmt: skip

    def _term(self, arg: Mapping[str, Any]) -> list[Value]:
        given = arg["input"]
        if arg["type"] == "expr":
            return self.bits(given)
        if given["type"] == "int":
            return [ONE if given["term"] >> k & 1 else ZERO for k in range(max(1, given["term"].bit_length()))]
        index = given["term"]["var"]["index"]
        if given["term"]["type"] == "bit":
            return [Value("bit", (self.of_bit[index],))]
        return [Value("bit", (k,)) for k in self.of_register[index]]

    def _arithmetic(self, compute: Callable[..., int], args: Sequence[Sequence[Value]]) -> list[Value]:
        """The bits of what numbers give, as truth tables over all bits that these depend on."""
        inputs = sorted({k for arg in args for value in arg for k in value.leaves()})
        if len(inputs) > MAX_INPUTS:
            text = f"arithmetic of {len(inputs)} bits; up to {MAX_INPUTS} are computed during a run"
            raise Refused("PYTKET-05", text, "compute it after the run, or from fewer bits")
        tables = [0] * self.width
        for row in range(1 << len(inputs)):
            held = {bit: row >> k & 1 for k, bit in enumerate(inputs)}
            numbers = [sum(value.at(held) << k for k, value in enumerate(arg)) for arg in args]
            result = int(compute(*numbers))
            for k in range(self.width):
                tables[k] |= (result >> k & 1) << row
        return [Value("table", (table, *(Value("bit", (bit,)) for bit in inputs))) for table in tables]
