"""Values while QIR is followed: known ones, and those that a measurement decides.

A known integer is an ``int`` without its sign; one that a measurement decides is a tuple of ``logic`` bits, the lowest
first, those above it 0. A float is a ``float``, a pointer an ``int`` (a qubit or result by its number) or a ``Place``
in memory; where a measurement decides among a few of them they are ``Cases``. None is a value that nothing defines.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

import msgspec

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.sdk.frontend import Refused

MOST_CASES = 64
"""Values among which a measurement may decide, where each is handled by itself."""
WIDEST = 64
BIT_STEPS = 16
"""What a computation with a bit that a measurement decides counts."""


class Place(msgspec.Struct, frozen=True):
    """A value in memory: the number of an object, and the place in it."""

    object: int
    offset: int


class Case(NamedTuple):
    condition: lg.Bit
    value: Any


class Cases(msgspec.Struct, frozen=True):
    """One of several values; exactly one condition holds in each shot that is here."""

    rows: tuple[Case, ...]


Bits = tuple[lg.Bit, ...]


def is_bits(value: Any) -> TypeGuard[Bits]:
    """Whether a value is an integer that a measurement decides."""
    return isinstance(value, tuple)


def to_signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) & 1 else value


def bits_of(value: Any, width: int) -> Bits:
    """An integer as bits. Raises Refused for what is none."""
    if is_bits(value):
        return (*value, *[lg.FALSE] * (width - len(value)))[:width]
    if not isinstance(value, int):
        raise undefined_error(value)
    return tuple([lg.TRUE if value >> k & 1 else lg.FALSE for k in range(width)])


def number(bits: Sequence[lg.Bit]) -> Any:
    """The integer with these bits."""
    known = [lg.constant_of(bit) for bit in bits]
    if None not in known:
        return sum(1 << k for k, bit in enumerate(known) if bit)
    top = max(k for k, bit in enumerate(known) if bit is not False) + 1
    return tuple(bits[:top])


def undefined_error(value: Any) -> Refused:
    if value is None:
        return Refused("QIR-06", "a value that nothing defines is used")
    return Refused("QIR-04", "a value of another type is used")


class Arithmetic:
    """Computes with values; what a measurement decides becomes bits of ``builder``. ``step`` counts the work."""

    def __init__(self, builder: Builder, step: Callable[[int], None]) -> None:
        self.builder, self.logic, self.step = builder, builder.logic, step

    # -- choices -----------------------------------------------------------------------------------------------------

    def known_bit(self, bit: lg.Bit) -> lg.Bit:
        return lg.restrict(bit, self.builder.facts)

    def truth(self, value: Any) -> lg.Bit:
        """A condition: an integer of one bit."""
        return self.known_bit(bits_of(value, 1)[0])

    def join(self, chooser: lg.Bit, one: Any, other: Any) -> Any:
        """``one`` where the condition holds, else ``other``."""
        if one is other or (type(one) is type(other) and one == other):
            return one
        if one is None or other is None:
            return other if one is None else one
        if all(is_bits(value) or isinstance(value, int) for value in (one, other)):
            width = max(_width(one), _width(other))
            self.step(BIT_STEPS * width)
            pairs = zip(bits_of(one, width), bits_of(other, width), strict=True)
            return number([self.builder.merge(chooser, a, b) for a, b in pairs])
        rows: dict[Any, lg.Bit] = {}
        for under, value in ((chooser, one), (lg.negate(chooser), other)):
            for condition, each in self.cases(value):
                rows[each] = self.logic.either(rows.get(each, lg.FALSE), self.logic.both(under, condition))
        return self._choice(rows)

    def cases(self, value: Any) -> list[Case]:
        """Every value that this may be, and when. Raises Refused where they are too many."""
        if isinstance(value, Cases):
            rows = [Case(self.known_bit(condition), each) for condition, each in value.rows]
            return [row for row in rows if self._may_hold(row.condition)]
        if not is_bits(value):
            return [Case(lg.TRUE, value)]
        rows = [Case(lg.TRUE, 0)]
        for k, bit in enumerate(map(self.known_bit, value)):
            grown: list[Case] = []
            for condition, held in rows:
                grown.append(Case(self.logic.both(condition, lg.negate(bit)), held))
                grown.append(Case(self.logic.both(condition, bit), held | 1 << k))
            rows = [row for row in grown if self._may_hold(row.condition)]
            _check_cases(len(rows))
        return rows

    def _may_hold(self, condition: lg.Bit) -> bool:
        """Whether some shot that is here may be under this condition, as far as small tables say."""
        if lg.constant_of(condition) is False:
            return False
        for other in self.builder.path:
            if isinstance(condition, lg.Table) and isinstance(other, lg.Table):
                small = len({*condition.inputs, *other.inputs}) <= lg.WIDTH
                if small and lg.constant_of(self.logic.both(condition, other)) is False:
                    return False
        return True

    def each(self, function: Callable[..., Any], *values: Any) -> Any:
        """What a function of known values gives, in every case."""
        if not any(is_bits(value) or isinstance(value, Cases) for value in values):
            return function(*values)
        rows: dict[Any, lg.Bit] = {}
        for condition, chosen in self.combinations(values):
            self.step(BIT_STEPS)
            made = function(*chosen)
            rows[made] = self.logic.either(rows.get(made, lg.FALSE), condition)
        return self._choice(rows)

    def combinations(self, values: Sequence[Any]) -> Iterator[tuple[lg.Bit, list[Any]]]:
        """Every combination of known values, and when it is there."""
        found: list[tuple[lg.Bit, list[Any]]] = [(lg.TRUE, [])]
        for value in values:
            rows = self.cases(value)
            _check_cases(len(found) * len(rows))
            found = [
                (both, [*held, row.value])
                for condition, held in found
                for row in rows
                if lg.constant_of(both := self.logic.both(condition, row.condition)) is not False
            ]
        yield from found

    def _choice(self, rows: dict[Any, lg.Bit]) -> Any:
        """The value that is one of several."""
        if len(rows) == 1:
            return next(iter(rows))
        if any(type(value) is not int for value in rows):
            _check_cases(len(rows))
            return Cases(tuple(Case(condition, value) for value, condition in rows.items()))
        bits: list[lg.Bit] = []
        for k in range(max(value.bit_length() for value in rows)):
            bit: lg.Bit = lg.FALSE
            for value, condition in rows.items():
                bit = self.logic.either(bit, condition) if value >> k & 1 else bit
            bits.append(bit)
        return number(bits)

    # -- integers ----------------------------------------------------------------------------------------------------

    def integer(self, op: str, width: int, a: Any, b: Any) -> Any:
        """A binary instruction on integers."""
        if isinstance(a, int) and isinstance(b, int):
            return compute_known(op, width, a, b)
        x, y, logic = bits_of(a, width), bits_of(b, width), self.logic
        open_x, open_y = _open_bits(x), _open_bits(y)
        self.step(BIT_STEPS * (width * open_x * open_y if op == "mul" else open_x + open_y))
        if op in ("and", "or", "xor"):
            join = {"and": logic.both, "or": logic.either, "xor": logic.differ}[op]
            return number([join(one, other) for one, other in zip(x, y, strict=True)])
        if op == "add":
            return number(logic.add(x, y))
        if op == "sub":
            return number(logic.add(x, tuple(map(lg.negate, y)), lg.TRUE))
        if op == "mul":
            total: tuple[lg.Bit, ...] = bits_of(0, width)
            for k, bit in enumerate(y):
                if lg.constant_of(bit) is not False:
                    row = (*[lg.FALSE] * k, *[logic.both(bit, each) for each in x])[:width]
                    total = logic.add(total, row)
            return number(total)
        if op in ("shl", "lshr", "ashr") and isinstance(b, int):
            return self._shift(op, x, min(b, width))

        def compute(one: int, other: int) -> int:
            return compute_known(op, width, one, other)

        return self.each(compute, a, b)

    def _shift(self, op: str, bits: tuple[lg.Bit, ...], by: int) -> Any:
        if op == "shl":
            return number((*[lg.FALSE] * by, *bits)[: len(bits)])
        return number((*bits[by:], *[bits[-1] if op == "ashr" else lg.FALSE] * by))

    def compare(self, predicate: str, width: int, a: Any, b: Any) -> Any:
        """``icmp``: an integer of one bit."""
        if isinstance(a, (Place, Cases)) or isinstance(b, (Place, Cases)):
            if predicate not in ("eq", "ne"):
                raise Refused("QIR-04", "two pointers are compared by their order")

            def same(one: Any, other: Any) -> int:
                return int((one == other) == (predicate == "eq"))

            return self.each(same, a, b)
        width = WIDEST if width < 0 else width
        is_signed = predicate[0] == "s"
        if isinstance(a, int) and isinstance(b, int):
            pair = (to_signed(a, width), to_signed(b, width)) if is_signed else (a, b)
            return int(_ORDER[predicate.lstrip("su")](*pair))
        x, y, logic = bits_of(a, width), bits_of(b, width), self.logic
        self.step(BIT_STEPS * (_open_bits(x) + _open_bits(y)))
        match predicate.lstrip("su"):
            case "eq":
                found = logic.equal(x, y)
            case "ne":
                found = lg.negate(logic.equal(x, y))
            case "lt":
                found = logic.less(x, y, is_signed)
            case "gt":
                found = logic.less(y, x, is_signed)
            case "le":
                found = lg.negate(logic.less(y, x, is_signed))
            case _:
                found = lg.negate(logic.less(x, y, is_signed))
        return number([self.known_bit(found)])

    def convert(self, op: str, width: int, before: int, value: Any) -> Any:
        """A cast from a type to another."""
        if value is None:
            raise undefined_error(value)
        if op in ("bit_cast", "freeze") or (op in ("ptr_to_int", "int_to_ptr") and not isinstance(value, Place)):
            return value
        if op == "zext":
            return value
        if op == "trunc":
            return number(bits_of(value, width))
        if op == "sext":
            bits = bits_of(value, before)
            return number((*bits, *[bits[-1]] * (width - before)))
        if op in ("si_to_fp", "ui_to_fp"):

            def to_float(one: int) -> float:
                return float(to_signed(one, before) if op == "si_to_fp" else one)

            return self.each(to_float, value)
        if op in ("fp_to_si", "fp_to_ui"):

            def to_integer(one: float) -> int:
                if one - one != 0:
                    raise Refused("QIR-04", "a float that is not finite is made an integer")
                return int(one) & (1 << width) - 1

            return self.each(to_integer, value)
        raise Refused("QIR-04", f"{op.replace('_', '')} of a place in memory")

    # -- floats ------------------------------------------------------------------------------------------------------

    def floating(self, op: str, *values: Any) -> Any:
        """An instruction on floats."""
        return self.each(_FLOATS[op], *values)

    def compare_floats(self, predicate: str, a: Any, b: Any) -> Any:
        """``fcmp``."""

        def compare(one: float, other: float) -> int:
            unordered = one != one or other != other
            if predicate in ("ord", "uno", "true", "false"):
                return int({"ord": not unordered, "uno": unordered, "true": True, "false": False}[predicate])
            return int(predicate[0] == "u" if unordered else _ORDER[predicate[1:]](one, other))

        return self.each(compare, a, b)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


INTEGER_OPS = frozenset(
    ("add", "sub", "mul", "and", "or", "xor", "shl", "lshr", "ashr", "sdiv", "udiv", "srem", "urem")
)


def _divide(a: float, b: float) -> float:
    if b == 0:
        raise Refused("QIR-04", "a float is divided by 0")
    return a / b


_FLOATS: dict[str, Callable[..., Any]] = {
    "fadd": operator.add,
    "fsub": operator.sub,
    "fmul": operator.mul,
    "fdiv": _divide,
    "fneg": operator.neg,
}


FLOAT_OPS = frozenset(_FLOATS)


def compute_known(op: str, width: int, a: int, b: int) -> int:
    mask = (1 << width) - 1
    match op:
        case "add":
            found = a + b
        case "sub":
            found = a - b
        case "mul":
            found = a * b
        case "and":
            found = a & b
        case "or":
            found = a | b
        case "xor":
            found = a ^ b
        case "shl":
            found = a << b if b < width else 0
        case "lshr":
            found = a >> b if b < width else 0
        case "ashr":
            found = to_signed(a, width) >> min(b, width)
        case _:
            return _quotient(op, width, a, b) & mask
    return found & mask


def _quotient(op: str, width: int, a: int, b: int) -> int:
    if op[0] == "s":
        a, b = to_signed(a, width), to_signed(b, width)
    if b == 0:
        raise Refused("QIR-04", "a whole number is divided by 0")
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient if op.endswith("div") else a - quotient * b


def _open_bits(bits: Bits) -> int:
    """How many bits a measurement decides, and one more."""
    return 1 + sum(lg.constant_of(bit) is None for bit in bits)


def _width(value: Any) -> int:
    return len(value) if is_bits(value) else int(value).bit_length()


def _check_cases(count: int) -> None:
    if count > MOST_CASES:
        raise Refused("QIR-05", f"measurements decide among more than {MOST_CASES} values")
