"""Types and values of OpenQASM 3's classical part, and conversion between them.

A value is known now, or depends on measurements. Data by type: ``bit``, ``bool`` one ``Bit``; ``bit[n]`` a tuple of n
``Bit`` (index 0 first); ``int``, ``uint`` a Python int, or a tuple of ``Bit`` (least significant first) when it depends
on measurements; ``float``, ``angle`` a float (an ``angle[n]`` is rounded to n bits of a turn, an unsized one is kept as
written), an angle that depends on measurements ``Turns``; ``complex`` a complex; ``duration`` seconds; ``array`` a
tuple of element data; ``qubit`` a tuple of handles.
"""

from __future__ import annotations

import math
from typing import Any, cast

import msgspec

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import Turns, digits, fits, of_digits, scale, unwrap
from qmk.frontends.openqasm.logic import Bit
from qmk.frontends.openqasm.sources import Refusal

DEFAULT_WIDTH = 64
"""Bits of an int or uint without a size."""
MAX_WIDTH = 4096
TURN = 2 * math.pi


class Type(msgspec.Struct, frozen=True):
    """``size`` None: no size written (an int of 64 bits, a single bit or qubit). ``literal``: an integer that has no
    type of its own yet, so that 1/2 in an angle is a half."""

    kind: str
    size: int | None = None
    dims: tuple[int, ...] = ()
    base: Type | None = None
    literal: bool = False

    def text(self) -> str:
        if self.kind == "array":
            assert self.base is not None
            return f"array[{self.base.text()}, {', '.join(map(str, self.dims))}]"
        return self.kind if self.size is None else f"{self.kind}[{self.size}]"

    @property
    def width(self) -> int:
        """Bits of an int, uint or bit register."""
        return DEFAULT_WIDTH if self.size is None else self.size


class Value(msgspec.Struct, frozen=True):
    type: Type
    data: Any


BIT, BOOL, FLOAT, ANGLE, COMPLEX = Type("bit"), Type("bool"), Type("float"), Type("angle"), Type("complex")
INT, UINT, DURATION, STRING, VOID = Type("int"), Type("uint"), Type("duration"), Type("string"), Type("void")
LITERAL = Type("int", literal=True)
QUBIT = Type("qubit")
INTEGERS = frozenset(("int", "uint"))


def elements(data: Any) -> tuple[Any, ...]:
    """The elements of a register's data; the data itself where it is one element."""
    return cast("tuple[Any, ...]", data) if isinstance(data, tuple) else (data,)


def is_dynamic(value: Value) -> bool:
    """Whether the value depends on a measurement."""
    data, kind = value.data, value.type.kind
    if kind in ("bit", "bool"):
        bits: tuple[Bit, ...] = elements(data)
        return any(lg.constant_of(bit) is None for bit in bits)
    if kind in INTEGERS:
        return isinstance(data, tuple)
    if kind == "angle":
        return isinstance(data, Turns)
    if kind == "array":
        return any(is_dynamic(Value(element_type(value.type), item)) for item in data)
    return False


def element_type(array: Type) -> Type:
    """The type of ``array[i]``."""
    assert array.base is not None
    return Type("array", None, array.dims[1:], array.base) if len(array.dims) > 1 else array.base


def wrap(number: int, kind: Type) -> int:
    """``number`` as an int or uint of its type holds it."""
    if kind.literal:
        return number
    width = kind.width
    number &= (1 << width) - 1
    if kind.kind == "int" and width and number >> (width - 1):
        number -= 1 << width
    return number


def bits_of(value: Value, width: int) -> tuple[Bit, ...]:
    """An integer, bit, bool or bit register as ``width`` bits, sign-extended for int."""
    data, kind = value.data, value.type.kind
    if isinstance(data, int):
        return tuple(lg.constant(data >> k & 1) for k in range(width))
    bits: tuple[Bit, ...] = elements(data)
    fill = bits[-1] if kind == "int" and bits else lg.FALSE
    return (*bits[:width], *(fill for _ in range(width - len(bits))))


def number_of(bits: tuple[Bit, ...], kind: Type) -> Any:
    """Bits as the data of an int or uint: a number when every bit is known."""
    found = [lg.constant_of(bit) for bit in bits]
    if None in found:
        return bits
    return wrap(sum(1 << k for k, bit in enumerate(found) if bit), kind)


def angle_steps(value: float, size: int) -> int:
    """The integer that an ``angle[size]`` of ``value`` radians holds."""
    return round(value / TURN * (1 << size)) % (1 << size)


def angle_bits(value: Value, logic: lg.Logic) -> tuple[Bit, ...]:
    """The bits of an angle with a size, least significant first."""
    size = value.type.width
    if isinstance(value.data, Turns):
        return digits(value.data, size, logic)
    steps = angle_steps(value.data, size)
    return tuple(lg.constant(steps >> k & 1) for k in range(size))


def bits_angle(bits: tuple[Bit, ...], size: int) -> Turns | float:
    """The data of an ``angle[size]`` with these bits, least significant first."""
    return angle_data(of_digits(bits, size))


def turns(value: Value) -> Turns | float:
    """An angle's data in turns."""
    return value.data if isinstance(value.data, Turns) else value.data / TURN


def angle_data(angle: Turns | float) -> Turns | float:
    """What is given in turns, as an angle's data."""
    return angle if isinstance(angle, Turns) else angle * TURN


def convert(value: Value, to: Type, pos: int, logic: lg.Logic) -> Value:
    """``value`` as type ``to``, by assignment or cast. Refuses what has no meaning or depends on a measurement."""
    if value.type is to or value.type == to:
        return value
    kind = to.kind
    if kind == "array" or value.type.kind == "array":
        return _convert_array(value, to, pos, logic)
    if isinstance(value.data, Turns):
        value = _plain_angle(value, to, pos, logic)
        if value.type is to:
            return value
    if kind in INTEGERS:
        return Value(to, _to_integer(value, to, pos))
    if kind == "bool" or (kind == "bit" and to.size is None):
        return Value(to, truth(value, pos, logic))
    if kind == "bit":
        return Value(to, _to_bits(value, to, pos))
    if kind in ("float", "angle", "complex"):
        return Value(to, _to_real(value, to, pos))
    if kind == "duration" and value.type.kind == "duration":
        return Value(to, value.data)
    raise mismatch(value.type, to, pos)


def _plain_angle(value: Value, to: Type, pos: int, logic: lg.Logic) -> Value:
    """A measured angle as an angle of type ``to``, or as the bits that the other types are made of."""
    size = value.type.size
    if to.kind == "angle":
        if to.size is not None and not fits(value.data, to.size):
            raise refuse_measured(pos, f"an angle finer than {to.text()} that", f"declare it angle[{size or 64}]")
        found = unwrap(value.data, size, logic) if to.size is None else scale(value.data, 1, to.size)
        return Value(to, angle_data(found))
    if size is None or to.kind in ("float", "complex"):
        raise refuse_measured(
            pos, f"a value of type {to.text()} made of an angle that", "use the angle in gates, or its bits"
        )
    if to.kind == "bit" and to.size is not None and to.size != size:
        raise mismatch(value.type, to, pos)
    return Value(Type("uint", size), number_of(angle_bits(value, logic), Type("uint", size)))


def mismatch(have: Type, want: Type, pos: int) -> Refusal:
    return Refusal("type", pos, f"a value of type {have.text()} does not fit {want.text()}")


def refuse_measured(pos: int, what: str, help: str = "") -> Refusal:
    return Refusal("measured", pos, f"{what} depends on a measurement", help or "use it in if conditions and bit logic")


def _convert_array(value: Value, to: Type, pos: int, logic: lg.Logic) -> Value:
    if value.type.kind != "array" or to.kind != "array" or value.type.dims != to.dims:
        raise mismatch(value.type, to, pos)
    inner, have = element_type(to), element_type(value.type)
    return Value(to, tuple(convert(Value(have, item), inner, pos, logic).data for item in value.data))


def _to_integer(value: Value, to: Type, pos: int) -> Any:
    data, kind = value.data, value.type.kind
    if kind in ("float", "angle"):
        if kind == "angle" and value.type.size is not None:
            return wrap(angle_steps(data, value.type.size), to)
        if not math.isfinite(data):
            raise Refusal("value", pos, f"{data} has no integer value")
        return wrap(int(data), to)
    if kind in INTEGERS and not isinstance(data, tuple):
        return wrap(data, to)
    if kind not in ("bit", "bool", "int", "uint"):
        raise mismatch(value.type, to, pos)
    if kind == "bit" and value.type.size is not None and to.size is not None and value.type.size > to.size:
        raise Refusal(
            "size", pos, f"{value.type.text()} does not fit {to.text()}", "take a slice of the register first"
        )
    if to.literal:
        return number_of(bits_of(value, len(elements(data))), to)
    return number_of(bits_of(value, to.width), to)


def truth(value: Value, pos: int, logic: lg.Logic) -> Bit:
    """Whether ``value`` is not zero, as a condition reads it."""
    data, kind = value.data, value.type.kind
    if kind in ("bit", "bool", "int", "uint"):
        if isinstance(data, tuple):
            return lg.negate(logic.all(lg.negate(bit) for bit in elements(data)))
        return lg.constant(data) if isinstance(data, int) else data
    if isinstance(data, Turns):
        return truth(_plain_angle(value, BOOL, pos, logic), pos, logic)
    if kind in ("float", "complex", "angle"):
        return lg.constant(data != 0)
    raise mismatch(value.type, BOOL, pos)


def _to_bits(value: Value, to: Type, pos: int) -> tuple[Bit, ...]:
    data, kind = value.data, value.type.kind
    size = to.width
    if kind == "angle":
        if value.type.size != size:
            raise mismatch(value.type, to, pos)
        data, kind = angle_steps(data, size), "uint"
    if kind == "bit":
        have = 1 if value.type.size is None else value.type.size
        if have != size:
            raise Refusal(
                "size",
                pos,
                f"{value.type.text()} has {have} bits, {to.text()} has {size}",
                "give both one size, or take a slice",
            )
        return elements(data)
    if kind not in ("bool", "int", "uint"):
        raise mismatch(value.type, to, pos)
    if kind in INTEGERS and not isinstance(data, tuple) and not -(1 << size) < data < 1 << size:
        raise Refusal("size", pos, f"{data} does not fit {to.text()}")
    return bits_of(Value(Type(kind, value.type.size), data), size)


def _measured_angle(value: Value, bits: tuple[Bit, ...], to: Type, pos: int) -> Turns | float:
    """Bits as the digits of an angle, which has as many of them: 0b100 is half a turn."""
    if to.size is not None and to.size != len(bits):
        raise Refusal("size", pos, f"{value.type.text()} has {len(bits)} bits, {to.text()} has {to.size}")
    return bits_angle(bits, len(bits))


def _to_real(value: Value, to: Type, pos: int) -> Turns | float | complex:
    data, kind = value.data, value.type.kind
    if kind in ("bit", "bool"):
        bits: tuple[Bit, ...] = elements(data)
        if any(lg.constant_of(bit) is None for bit in bits):
            if to.kind == "angle" and kind == "bit":
                return _measured_angle(value, bits, to, pos)
            raise refuse_measured(pos, f"a {to.kind}", "cast the bits to angle[n] where they are to turn a gate")
        data = sum(1 << k for k, bit in enumerate(bits) if lg.constant_of(bit))
        if to.kind == "angle" and kind == "bit":
            return data * TURN / (1 << len(bits))
    if isinstance(data, tuple):
        raise refuse_measured(
            pos, f"a {to.kind}", "apply one gate for each bit: if (c[0]) p(pi/2) q; if (c[1]) p(pi) q;"
        )
    if kind not in ("bit", "bool", "int", "uint", "float", "angle", "complex"):
        raise mismatch(value.type, to, pos)
    if to.kind == "complex":
        return complex(data)
    if isinstance(data, complex):
        raise mismatch(value.type, to, pos)
    try:
        real = float(data)
    except OverflowError:
        raise Refusal("value", pos, "the number is larger than any float can hold") from None
    if to.kind == "angle" and to.size is not None:
        if not math.isfinite(real):
            raise Refusal("value", pos, f"{real} is not an angle")
        return angle_steps(real, to.size) * TURN / (1 << to.size)
    return real
