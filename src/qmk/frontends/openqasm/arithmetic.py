"""Operators and functions on values: known numbers are computed now, measured bits become logic."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from qmk.frontends.openqasm import angle_arithmetic
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import Turns, scale
from qmk.frontends.openqasm.logic import Bit, Logic
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.values import (
    ANGLE,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    INTEGERS,
    LITERAL,
    MAX_WIDTH,
    UINT,
    Type,
    Value,
    angle_bits,
    angle_data,
    bits_angle,
    bits_of,
    convert,
    elements,
    is_dynamic,
    number_of,
    refuse_measured,
    truth,
    wrap,
)  # fmt: skip

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_RANK = {"bit": 0, "bool": 0, "uint": 1, "int": 2, "angle": 3, "float": 4, "complex": 5}


def binary(op: str, a: Value, b: Value, pos: int, logic: Logic) -> Value:
    """``a op b``. Raises Refusal for types and values without meaning."""
    if op in ("&&", "||"):
        left, right = truth(a, pos, logic), truth(b, pos, logic)
        return Value(BOOL, logic.both(left, right) if op == "&&" else logic.either(left, right))
    if a.type.kind not in _RANK or b.type.kind not in _RANK:
        if op in ("+", "-", "*", "/") and "duration" in (a.type.kind, b.type.kind):
            return _durations(op, a, b, pos)
        raise Refusal("type", pos, f"'{op}' does not take {a.type.text()} and {b.type.text()}")
    if op in COMPARISONS:
        return Value(BOOL, compare(op, a, b, pos, logic))
    if op in ("&", "|", "^"):
        return _bitwise(op, a, b, pos, logic)
    if op in ("<<", ">>"):
        return _shift(op, a, b, pos, logic)
    kind = _common(a.type, b.type)
    if kind.kind in INTEGERS:
        return _integers(op, a, b, kind, pos, logic)
    if kind.kind in ("angle", "float") and (isinstance(a.data, Turns) or isinstance(b.data, Turns)):
        return angle_arithmetic.arithmetic(op, a, b, kind, pos, logic)
    return _reals(op, a, b, kind, pos, logic)


def _durations(op: str, a: Value, b: Value, pos: int) -> Value:
    x, y = a.data, b.data
    both = a.type.kind == b.type.kind
    plain = all(isinstance(data, (int, float)) for data in (x, y))
    if plain and ((op in ("+", "-") and both) or (op == "*" and not both) or (op == "/" and a.type.kind == "duration")):
        if op == "/" and y == 0:
            raise Refusal("value", pos, "division by zero")
        result = {"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y, "/": lambda: x / y}[op]()
        return Value(FLOAT if both and op == "/" else a.type if a.type.kind == "duration" else b.type, result)
    raise Refusal("type", pos, f"'{op}' does not take {a.type.text()} and {b.type.text()}")


def _common(a: Type, b: Type) -> Type:
    """The type that both operands of an arithmetic operator are taken to."""
    high, low = (a, b) if _RANK[a.kind] >= _RANK[b.kind] else (b, a)
    if high.kind == "angle":
        return high if low.kind != "angle" or high.size == low.size else ANGLE
    if high.kind in ("float", "complex"):
        return Type(high.kind)
    if high.kind in INTEGERS:
        if high.literal or low.literal:
            typed = low if high.literal else high
            return typed if typed.kind in INTEGERS else LITERAL if typed.literal else INT
        widest = max(high.width, low.width if low.kind in INTEGERS else 1)
        return Type(high.kind, None if None in (high.size, low.size) and low.kind in INTEGERS else widest)
    return UINT


def _integers(op: str, a: Value, b: Value, kind: Type, pos: int, logic: Logic) -> Value:
    if is_dynamic(a) or is_dynamic(b):
        return _measured_sum(op, a, b, kind, pos, logic)
    x, y = convert(a, kind, pos, logic).data, convert(b, kind, pos, logic).data
    if op in ("/", "%") and y == 0:
        raise Refusal("value", pos, "division by zero")
    if op == "/":
        if kind.literal and x % y:
            return Value(FLOAT, x / y)
        number = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    elif op == "%":
        number = int(math.copysign(1, x)) * (abs(x) % abs(y))
    elif op == "**":
        if y < 0:
            return _reals(op, a, b, FLOAT, pos, logic)
        number = power(x, y, kind, pos)
    else:
        number = {"+": x + y, "-": x - y, "*": x * y}[op]
    if kind.literal and number.bit_length() > MAX_WIDTH:
        raise Refusal("value", pos, f"an integer of more than {MAX_WIDTH} bits")
    return Value(kind, wrap(number, kind))


def power(x: int, y: int, kind: Type, pos: int) -> int:
    """``x ** y`` for y >= 0 without building a number larger than its type holds."""
    if not kind.literal:
        return pow(x, y, 1 << kind.width)
    if abs(x) > 1 and y * abs(x).bit_length() > MAX_WIDTH:
        raise Refusal("value", pos, f"an integer of more than {MAX_WIDTH} bits")
    return x**y


def _measured_sum(op: str, a: Value, b: Value, kind: Type, pos: int, logic: Logic) -> Value:
    """Sums of measured integers by ripple carry, and known multiples; other arithmetic on them is refused."""
    if op == "*" and not (is_dynamic(a) and is_dynamic(b)):
        number, factor = (a, b) if is_dynamic(a) else (b, a)
        return _multiple(number, convert(factor, kind, pos, logic).data, kind, logic)
    if op not in ("+", "-"):
        raise refuse_measured(
            pos,
            f"an operand of '{op}'",
            "measured integers take +, -, known factors, shifts, bit logic, comparisons",
        )
    x, y = bits_of(a, kind.width), bits_of(b, kind.width)
    total = logic.add(x, y) if op == "+" else logic.add(x, tuple(lg.negate(bit) for bit in y), lg.TRUE)
    return Value(kind, number_of(total, kind))


def _multiple(a: Value, factor: int, kind: Type, logic: Logic) -> Value:
    """A measured integer times a known one: a sum of its shifts, modulo two to the width."""
    bits = bits_of(a, kind.width)
    total: tuple[Bit, ...] = (lg.FALSE,) * kind.width
    for place in range(kind.width):
        if factor >> place & 1:
            total = logic.add(total, (*(lg.FALSE,) * place, *bits[: kind.width - place]))
    return Value(kind, number_of(total, kind))


def _reals(op: str, a: Value, b: Value, kind: Type, pos: int, logic: Logic) -> Value:
    numeric = COMPLEX if kind.kind == "complex" else FLOAT
    if kind.kind == "angle" and kind.size is not None and op in ("*", "/") and a.type.kind == b.type.kind == "angle":
        kind = FLOAT
    x: Any = convert(a, numeric, pos, logic).data
    y: Any = convert(b, numeric, pos, logic).data
    try:
        if op == "%":
            if kind.kind == "complex":
                raise Refusal("type", pos, "'%' does not take complex numbers")
            result = math.fmod(x, y)
        else:
            result = _REAL_OPS[op](x, y)
    except ZeroDivisionError:
        raise Refusal("value", pos, "division by zero") from None
    except (OverflowError, ValueError):
        raise Refusal("value", pos, f"'{op}' of {x} and {y} has no value") from None
    if isinstance(result, complex) and numeric is FLOAT:
        raise Refusal("value", pos, f"{x} to the power {y} is not real")
    return convert(Value(numeric, finite(result, pos)), kind, pos, logic)


_REAL_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
}


def finite(number: Any, pos: int) -> Any:
    if not cmath.isfinite(number):
        raise Refusal("value", pos, "the result is not a finite number")
    return number


def _bitwise(op: str, a: Value, b: Value, pos: int, logic: Logic) -> Value:
    if "angle" in (a.type.kind, b.type.kind) and (kind := angle_arithmetic.common(a.type, b.type)) is not None:
        combine = {"&": logic.both, "|": logic.either, "^": logic.differ}[op]
        pair = (angle_bits(convert(value, kind, pos, logic), logic) for value in (a, b))
        return Value(kind, bits_angle(tuple(map(combine, *pair)), kind.width))
    if a.type.kind in ("float", "angle", "complex") or b.type.kind in ("float", "angle", "complex"):
        raise Refusal("type", pos, f"'{op}' does not take {a.type.text()} and {b.type.text()}")
    kind = _bit_type(a.type, b.type, pos)
    if kind.kind in INTEGERS and not is_dynamic(a) and not is_dynamic(b):
        x, y = convert(a, kind, pos, logic).data, convert(b, kind, pos, logic).data
        return Value(kind, wrap({"&": x & y, "|": x | y, "^": x ^ y}[op], kind))
    width = 1 if kind.size is None and kind.kind in ("bit", "bool") else kind.width
    combine = {"&": logic.both, "|": logic.either, "^": logic.differ}[op]
    bits = tuple(combine(x, y) for x, y in zip(bits_of(a, width), bits_of(b, width), strict=True))
    if kind.kind in INTEGERS:
        return Value(kind, number_of(bits, kind))
    return Value(kind, bits[0] if kind.size is None else bits)


def _bit_type(a: Type, b: Type, pos: int) -> Type:
    """The result type of bitwise logic: registers of one size, integers by the arithmetic rule."""
    if a.kind in ("bit", "bool") and b.kind in ("bit", "bool"):
        if a.size != b.size:
            raise Refusal("size", pos, f"{a.text()} and {b.text()} differ in size")
        return a if a.kind == "bit" else b
    for register, other in ((a, b), (b, a)):
        if register.kind == "bit" and register.size is not None and other.literal:
            return register
    return _common(a, b)


def _shift(op: str, a: Value, b: Value, pos: int, logic: Logic) -> Value:
    if is_dynamic(b):
        raise refuse_measured(pos, "the distance of a shift")
    distance = (
        b.data if isinstance(b.data, int) else number_of(bits_of(b, 1 if b.type.size is None else b.type.width), UINT)
    )
    if not isinstance(distance, int) or distance < 0:
        raise Refusal("value", pos, "a shift needs a whole distance of zero or more")
    kind = a.type
    if kind.kind == "angle" and kind.size is not None:
        return angle_arithmetic.shift(a, distance if op == "<<" else -distance, logic)
    if kind.kind in INTEGERS and isinstance(a.data, int):
        if op == ">>":
            return Value(kind, a.data >> min(distance, MAX_WIDTH))
        if distance + a.data.bit_length() > MAX_WIDTH:
            if kind.literal:
                raise Refusal("value", pos, f"an integer of more than {MAX_WIDTH} bits")
            return Value(kind, 0)
        return Value(kind, wrap(a.data << distance, kind))
    if kind.kind not in ("bit", "int", "uint") or (kind.kind == "bit" and kind.size is None):
        raise Refusal("type", pos, f"'{op}' does not take {kind.text()}")
    bits: tuple[Bit, ...] = a.data
    distance = min(distance, len(bits))
    fill = bits[-1] if op == ">>" and kind.kind == "int" and bits else lg.FALSE
    padding = (fill,) * distance
    moved = (*padding, *bits[: len(bits) - distance]) if op == "<<" else (*bits[distance:], *padding)
    return Value(kind, number_of(moved, kind) if kind.kind in INTEGERS else moved)


# -- comparison ------------------------------------------------------------------------------------------------------


def compare(op: str, a: Value, b: Value, pos: int, logic: Logic) -> Bit:
    """``a op b`` as a bit."""
    kinds = {a.type.kind, b.type.kind}
    if isinstance(a.data, Turns) or isinstance(b.data, Turns):
        return _bit_comparison(op, *angle_arithmetic.to_compare(op, a, b, pos, logic), logic)
    if kinds & {"float", "angle", "complex"}:
        if is_dynamic(a) or is_dynamic(b):
            raise refuse_measured(pos, f"an operand of '{op}'", "compare it with an integer")
        kind = COMPLEX if "complex" in kinds else FLOAT
        return _known_comparison(op, convert(a, kind, pos, logic).data, convert(b, kind, pos, logic).data, pos)
    x, y = _plain(a), _plain(b)
    if x is not None and y is not None and not pattern_comparison(a, b):
        return _known_comparison(op, x, y, pos)
    return _bit_comparison(op, a, b, logic)


def _plain(value: Value) -> int | None:
    """The number that a value without measurements compares as."""
    if isinstance(value.data, int):
        return value.data
    bits = elements(value.data)
    found = number_of(bits, Type("uint", len(bits)))
    return found if isinstance(found, int) else None


def _known_comparison(op: str, x: Any, y: Any, pos: int) -> Bit:
    if isinstance(x, complex) and op not in ("==", "!="):
        raise Refusal("type", pos, f"'{op}' does not take complex numbers")
    table: dict[str, Callable[[], bool]] = {
        "==": lambda: x == y, "!=": lambda: x != y, "<": lambda: x < y, "<=": lambda: x <= y, ">": lambda: x > y,
        ">=": lambda: x >= y,
    }  # fmt: skip
    return lg.constant(table[op]())


def pattern_comparison(a: Value, b: Value) -> bool:
    """Whether a sized int meets a literal that only its bit pattern can equal, as in ``int[2](c) == 3``."""
    for value, other in ((a, b), (b, a)):
        if value.type.kind == "int" and value.type.size and other.type.literal and isinstance(other.data, int):
            return 1 << (value.type.size - 1) <= other.data < 1 << value.type.size
    return False


def _bit_comparison(op: str, a: Value, b: Value, logic: Logic) -> Bit:
    """Two integers, at least one of them measured, bit by bit."""
    pattern = op in ("==", "!=") and pattern_comparison(a, b)
    signed = not pattern and any(
        v.type.kind == "int" and (isinstance(v.data, tuple) or v.data < 0) for v in (a, b)
    )  # fmt: skip
    width = max(_bits_needed(a), _bits_needed(b)) + signed
    if pattern:
        width = max(v.type.size or 0 for v in (a, b))
    x, y = bits_of(a, width), bits_of(b, width)
    if op in ("==", "!="):
        same = logic.equal(x, y)
        return same if op == "==" else lg.negate(same)
    swap, flip = op in (">", "<="), op in ("<=", ">=")
    found = logic.less(y, x, signed) if swap else logic.less(x, y, signed)
    return lg.negate(found) if flip else found


def _bits_needed(value: Value) -> int:
    if isinstance(value.data, int):
        return max(1, value.data.bit_length())
    return len(elements(value.data))


# -- one operand -----------------------------------------------------------------------------------------------------


def unary(op: str, a: Value, pos: int, logic: Logic) -> Value:
    if op == "!":
        return Value(BOOL, lg.negate(truth(a, pos, logic)))
    kind = a.type
    if op == "~":
        return Value(kind, _complement(a, pos, logic))
    if isinstance(a.data, Turns):
        return Value(kind, angle_data(scale(a.data, -1, kind.size)))
    if kind.kind in ("float", "complex", "angle", "duration"):
        return convert(Value(FLOAT if kind.kind == "angle" else kind, -a.data), kind, pos, logic)
    if kind.kind in INTEGERS:
        if isinstance(a.data, tuple):
            zero = Value(kind, 0)
            return _measured_sum("-", zero, a, kind, pos, logic)
        return Value(kind, wrap(-a.data, kind))
    raise Refusal("type", pos, f"'-' does not take {kind.text()}")


def _complement(a: Value, pos: int, logic: Logic) -> Any:
    if a.type.kind in INTEGERS and isinstance(a.data, int):
        return wrap(~a.data, a.type)
    if a.type.kind == "angle" and a.type.size is not None:
        return bits_angle(tuple(lg.negate(bit) for bit in angle_bits(a, logic)), a.type.size)
    if a.type.kind not in ("bit", "bool", "int", "uint"):
        raise Refusal("type", pos, f"'~' does not take {a.type.text()}")
    turned = tuple(lg.negate(bit) for bit in elements(a.data))
    return turned if isinstance(a.data, tuple) else turned[0]
