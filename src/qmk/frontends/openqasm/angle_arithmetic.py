"""Operators on angles that depend on measurements, and on the bits of an ``angle[n]``."""

from __future__ import annotations

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.angles import Turns, fits, plus, scale
from qmk.frontends.openqasm.logic import Logic
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.values import (
    ANGLE,
    INTEGERS,
    Type,
    Value,
    angle_bits,
    angle_data,
    bits_angle,
    convert,
    number_of,
    refuse_measured,
    turns,
)

_HELP = "measured angles take +, -, shifts, bit logic, comparisons, and whole factors"


def arithmetic(op: str, a: Value, b: Value, kind: Type, pos: int, logic: Logic) -> Value:
    """``a op b``, one of them a measured angle at least; next to a float the result is an angle without a size."""
    kind = kind if kind.kind == "angle" else ANGLE
    if op in ("+", "-"):
        x, y = (turns(convert(value, kind, pos, logic)) for value in (a, b))
        return Value(kind, angle_data(plus(x, y if op == "+" else scale(y, -1, kind.size), kind.size)))
    if op == "*" and a.type.kind != "angle":
        a, b = b, a
    if op not in ("*", "/") or not isinstance(a.data, Turns) or not isinstance(b.data, (int, float)):
        raise refuse_measured(pos, f"an operand of '{op}'", _HELP)
    if b.type.kind == "angle" or (op == "/" and b.data == 0):
        raise Refusal("type" if b.data else "value", pos, f"'{op}' of a measured angle takes a number other than 0")
    factor = b.data if op == "*" else 1 / b.data
    found = scale(turns(convert(a, kind, pos, logic)), factor, None)
    if kind.size is not None and not fits(found, kind.size):
        raise refuse_measured(pos, f"a fraction of {kind.text()} that", f"shift it: c >> 1; {_HELP}")
    return Value(kind, angle_data(scale(found, 1, kind.size)))


def shift(a: Value, left: int, logic: Logic) -> Value:
    """The bits of an ``angle[n]`` moved up by ``left`` places, or down where it is negative."""
    size = a.type.width
    if left >= 0 and isinstance(a.data, Turns):
        return Value(a.type, angle_data(scale(a.data, 2.0 ** min(left, size), size)))
    bits = angle_bits(a, logic)
    none = (lg.FALSE,) * min(abs(left), size)
    moved = (*none, *bits[: size - len(none)]) if left >= 0 else (*bits[len(none) :], *none)
    return Value(a.type, bits_angle(moved, size))


def common(a: Type, b: Type) -> Type | None:
    """The type of bit logic on an ``angle[n]`` and another of its size or a register of n bits."""
    kind, other = (a, b) if a.kind == "angle" else (b, a)
    if kind.size is None or other.kind not in ("angle", "bit") or other.size != kind.size:
        return None
    return kind


def to_compare(op: str, a: Value, b: Value, pos: int, logic: Logic) -> tuple[Value, Value]:
    """Both sides of a comparison as the whole numbers of steps that they are."""
    size = max((v.type.size or 0 for v in (a, b) if v.type.kind == "angle"), default=0)
    found: list[Value] = []
    for value in (a, b):
        if value.type.kind not in ("angle", "float", *INTEGERS) or not size:
            raise refuse_measured(pos, f"an operand of '{op}'", "compare angles of one size")
        value = convert(value, Type("angle", size), pos, logic)
        found.append(Value(Type("uint", size), number_of(angle_bits(value, logic), Type("uint", size))))
    return found[0], found[1]
