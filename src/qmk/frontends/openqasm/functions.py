"""Built-in functions and named numbers of both dialects."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.arithmetic import binary, finite
from qmk.frontends.openqasm.logic import Bit, Logic
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.values import (
    COMPLEX,
    FLOAT,
    INT,
    INTEGERS,
    TURN,
    Type,
    Value,
    angle_bits,
    bits_angle,
    bits_of,
    convert,
    is_dynamic,
    number_of,
    refuse_measured,
    wrap,
)

_REAL_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "arccos": math.acos, "arcsin": math.asin, "arctan": math.atan, "cos": math.cos, "sin": math.sin, "tan": math.tan,
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "ceiling": math.ceil, "floor": math.floor,
}  # fmt: skip
_COMPLEX_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": cmath.exp, "sqrt": cmath.sqrt, "cos": cmath.cos, "sin": cmath.sin, "log": cmath.log,
}  # fmt: skip
_OLD_FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "exp": "exp", "ln": "log", "sqrt": "sqrt", "acos": "arccos",
    "asin": "arcsin", "atan": "arctan",
}  # fmt: skip

FUNCTIONS: dict[int, dict[str, tuple[int, ...]]] = {
    2: dict.fromkeys(_OLD_FUNCTIONS, (1,)),
    3: {
        **dict.fromkeys(_REAL_FUNCTIONS, (1,)), "mod": (2,), "pow": (2,), "popcount": (1,), "rotl": (2,),
        "rotr": (2,), "real": (1,), "imag": (1,), "abs": (1,),
    },
}  # fmt: skip
"""Names of the built-in functions of each dialect, with the numbers of arguments they take. ``sizeof`` is apart."""


def call(name: str, args: list[Value], pos: int, logic: Logic, dialect: int) -> Value:
    """A built-in function of known numbers, or of measured bits where it only moves or counts them."""
    if dialect == 2:
        name = _OLD_FUNCTIONS[name]
    first = args[0]
    if name in ("popcount", "rotl", "rotr"):
        return _bit_function(name, args, pos, logic)
    if name in ("mod", "pow"):
        return binary("%" if name == "mod" else "**", first, args[1], pos, logic)
    if is_dynamic(first):
        raise refuse_measured(pos, f"the argument of {name}")
    if name in ("real", "imag", "abs") or first.type.kind == "complex":
        return _complex_function(name, first, pos, logic)
    x = convert(first, FLOAT, pos, logic).data
    try:
        result = _REAL_FUNCTIONS[name](x)
    except (ValueError, OverflowError):
        raise Refusal("value", pos, f"{name}({x}) has no value") from None
    if isinstance(result, int):
        return Value(INT, wrap(result, INT))
    return Value(FLOAT, finite(result, pos))


def _complex_function(name: str, first: Value, pos: int, logic: Logic) -> Value:
    if name == "abs" and first.type.kind in INTEGERS:
        return Value(first.type, wrap(abs(first.data), first.type))
    x = convert(first, COMPLEX, pos, logic).data
    if name == "real":
        return Value(FLOAT, x.real)
    if name == "imag":
        return Value(FLOAT, x.imag)
    if name == "abs":
        return Value(FLOAT, abs(x))
    if name not in _COMPLEX_FUNCTIONS:
        raise Refusal("type", pos, f"{name} does not take complex numbers")
    try:
        return Value(COMPLEX, finite(_COMPLEX_FUNCTIONS[name](x), pos))
    except (ValueError, OverflowError):
        raise Refusal("value", pos, f"{name}({x}) has no value") from None


def _bit_function(name: str, args: list[Value], pos: int, logic: Logic) -> Value:
    first = args[0]
    if first.type.kind not in ("bit", "uint", "angle") or (first.type.kind != "uint" and first.type.size is None):
        raise Refusal("type", pos, f"{name} takes a bit register, a uint or an angle[n], not {first.type.text()}")
    width = first.type.width
    bits = angle_bits(first, logic) if first.type.kind == "angle" else bits_of(first, width)
    if name == "popcount":
        size = max(1, width.bit_length())
        kind = Type("uint", size)
        total: tuple[Bit, ...] = (lg.FALSE,) * size
        for bit in bits:
            total = logic.add(total, (bit, *(lg.FALSE for _ in range(size - 1))))
        return Value(kind, number_of(total, kind))
    if is_dynamic(args[1]):
        raise refuse_measured(pos, "the distance of a rotation")
    distance = convert(args[1], INT, pos, logic).data
    if not width:
        return first
    distance = distance % width if name == "rotl" else -distance % width
    moved = bits[width - distance :] + bits[: width - distance]
    if first.type.kind == "angle":
        return Value(first.type, bits_angle(moved, width))
    return Value(first.type, number_of(moved, first.type) if first.type.kind == "uint" else moved)


def constants(dialect: int) -> dict[str, Value]:
    """The named numbers that every program sees."""
    if dialect == 2:
        return {"pi": Value(FLOAT, math.pi)}
    found = {"pi": math.pi, "π": math.pi, "tau": TURN, "τ": TURN, "euler": math.e, "ℇ": math.e}
    return {name: Value(FLOAT, number) for name, number in found.items()}
