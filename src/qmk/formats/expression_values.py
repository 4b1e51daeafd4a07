"""What the operators and functions of expressions do to values, and the bounds on what they may give.

A value is a bool, an integer of at most ``INTEGER_BITS`` bits, a finite float, a text, or a list of values. Every
operation that could grow a value asks for the bound before it computes, so no expression can exhaust memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, cast

from qmk.base.limits import LIMITS

Value: TypeAlias = "bool | int | float | str | list[Value]"

INTEGER_BITS = 1024
LIST_ITEMS = 65_536
LIST_DEPTH = 16


class OperationError(Exception):
    """An operation that has no value; the evaluator adds the column."""


def type_name(value: Value) -> str:
    """The name of the type of ``value`` in messages."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, (int, float)):
        return "a number"
    return "a text" if isinstance(value, str) else "a list"


def number(value: Value) -> int | float:
    """Gives ``value`` if it is a number (a truth value counts as 0 or 1), else raises an error."""
    if isinstance(value, (int, float)):
        return value
    raise OperationError(f"needs a number, got {type_name(value)}")


def integer(value: Value) -> int:
    """Gives ``value`` as an integer if it is one or a float without fraction, else raises an error."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return int(value)
    shown = str(value) if isinstance(value, float) else type_name(value)
    raise OperationError(f"needs an integer, got {shown}")


def _items(value: Value, room: int = LIST_ITEMS, depth: int = 0) -> int:
    """Items of a list counted through all levels; stops counting once over ``room`` or below ``LIST_DEPTH``."""
    if not isinstance(value, list):
        return 1
    if depth == LIST_DEPTH:
        return room + 1
    total = 1
    for item in value:
        total += _items(item, room - total, depth + 1)
        if total > room:
            return total
    return total


def require_bounds(value: Value) -> Value:
    """Gives ``value`` if it is within the bounds, else raises an error."""
    if isinstance(value, int):
        if value.bit_length() > INTEGER_BITS:
            raise OperationError(f"gives an integer of more than {INTEGER_BITS} bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise OperationError("gives a number that is not finite")
    elif isinstance(value, str):
        if len(value) > LIMITS.text_chars:
            raise OperationError(f"gives a text of more than {LIMITS.text_chars} characters")
    elif _items(value) > LIST_ITEMS:
        raise OperationError(f"gives a list of more than {LIST_ITEMS} items or {LIST_DEPTH} levels")
    return value


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        raise OperationError("'+' cannot join a text and something else; write str(...) around the other side")
    return number(left) + number(right)


def _multiply(left: Value, right: Value) -> Value:
    if isinstance(left, (int, float)) and isinstance(right, (str, list)):
        left, right = right, left
    if isinstance(left, (str, list)):
        count = max(integer(right), 0)
        size = len(left) if isinstance(left, str) else _items(left)
        if size * count > max(LIMITS.text_chars, LIST_ITEMS):
            raise OperationError("gives a text or list that is too long")
        return left * count
    return number(left) * number(right)


def _power(left: Value, right: Value) -> Value:
    base, exponent = number(left), number(right)
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        if base.bit_length() * exponent > INTEGER_BITS + exponent:
            raise OperationError(f"gives an integer of more than {INTEGER_BITS} bits")
        return cast(int, base**exponent)
    result = cast("int | float | complex", float(base) ** float(exponent)) if exponent != 0 else base**0
    if isinstance(result, complex):
        raise OperationError("a negative number has no fractional power")
    return result


def _shift(left: Value, right: Value) -> Value:
    count = integer(right)
    if not 0 <= count <= INTEGER_BITS:
        raise OperationError(f"shifts by {count}; 0 to {INTEGER_BITS} is allowed")
    return integer(left) << count


def _shift_right(left: Value, right: Value) -> Value:
    count = integer(right)
    if count < 0:
        raise OperationError(f"shifts by {count}; a shift is not negative")
    return integer(left) >> min(count, INTEGER_BITS)


BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "+": _add,
    "-": lambda a, b: number(a) - number(b),
    "*": _multiply,
    "/": lambda a, b: number(a) / number(b),
    "//": lambda a, b: number(a) // number(b),
    "%": lambda a, b: number(a) % number(b),
    "**": _power,
    "<<": _shift,
    ">>": _shift_right,
    "&": lambda a, b: integer(a) & integer(b),
    "|": lambda a, b: integer(a) | integer(b),
}


def compare(symbol: str, left: Value, right: Value) -> bool:
    """``==`` and ``!=`` of anything, order of two numbers or two texts."""
    if symbol in ("==", "!="):
        return (left == right) == (symbol == "==")
    if isinstance(left, str) and isinstance(right, str):
        above, below = left > right, left < right
    else:
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise OperationError(f"'{symbol}' cannot order {type_name(left)} and {type_name(right)}")
        above, below = left > right, left < right
    return {"<": below, "<=": not above, ">": above, ">=": not below}[symbol]


def index(base: Value, at: Value) -> Value:
    """Item ``at`` (from 0, negative from the end) of a text or list."""
    if not isinstance(base, (str, list)):
        raise OperationError(f"{type_name(base)} has no items")
    place = integer(at)
    if not -len(base) <= place < len(base):
        raise OperationError(f"index {place} is outside {type_name(base)} of {len(base)} items")
    return base[place]


def _extreme(pick: Callable[[list[int | float]], int | float]) -> Callable[..., Value]:
    def function(*values: Value) -> Value:
        first = values[0]
        items = first if len(values) == 1 and isinstance(first, list) else list(values)
        if not items:
            raise OperationError("needs at least one number")
        return pick([number(item) for item in items])

    return function


def _real(function: Callable[[float], float | int]) -> Callable[..., Value]:
    def real(value: Value) -> Value:
        return function(number(value))

    return real


def _log(value: Value, base: Value = math.e) -> Value:
    return math.log(number(value)) if base == math.e else math.log(number(value), number(base))


def _to_int(value: Value, base: Value = 10) -> Value:
    return int(value, integer(base)) if isinstance(value, str) else int(number(value))


def _to_float(value: Value) -> Value:
    return float(value) if isinstance(value, str) else float(number(value))


def _round(value: Value, digits: Value = 0) -> Value:
    return round(number(value), integer(digits)) if digits else round(number(value))


def _length(value: Value) -> Value:
    if isinstance(value, (str, list)):
        return len(value)
    raise OperationError(f"{type_name(value)} has no length")


def text(value: Value) -> str:
    """Writes a value into program text: floats in shortest round-trip form, truth values in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(repr(item) if isinstance(item, str) else text(item) for item in value) + "]"
    return str(value)


def _join(separator: Value, items: Value) -> Value:
    if not isinstance(separator, str) or not isinstance(items, list):
        raise OperationError("needs a text and a list, as in join(', ', qubits)")
    return separator.join(text(item) for item in items)


def _names(prefix: Value, count: Value) -> Value:
    size = integer(count)
    if not isinstance(prefix, str) or not 0 <= size <= LIST_ITEMS // 2:
        raise OperationError("needs a text and a count, as in names('q', 4)")
    return [f"{prefix}{place}" for place in range(size)]


def _modular(base: Value, exponent: Value, modulus: Value) -> Value:
    return pow(integer(base), integer(exponent), integer(modulus))


class Function(NamedTuple):
    """A function with its least and greatest number of arguments (None: any)."""

    call: Callable[..., Value]
    low: int
    high: int | None
    doc: str


FUNCTIONS: dict[str, Function] = {
    "sin": Function(_real(math.sin), 1, 1, "sine of radians"),
    "cos": Function(_real(math.cos), 1, 1, "cosine of radians"),
    "tan": Function(_real(math.tan), 1, 1, "tangent of radians"),
    "asin": Function(_real(math.asin), 1, 1, "inverse sine, in radians"),
    "acos": Function(_real(math.acos), 1, 1, "inverse cosine, in radians"),
    "atan": Function(_real(math.atan), 1, 1, "inverse tangent, in radians"),
    "sqrt": Function(_real(math.sqrt), 1, 1, "square root"),
    "exp": Function(_real(math.exp), 1, 1, "e to the power of"),
    "log": Function(_log, 1, 2, "logarithm, natural or to the base given second"),
    "abs": Function(_real(abs), 1, 1, "absolute value"),
    "min": Function(_extreme(min), 1, None, "least of the arguments, or of one list"),
    "max": Function(_extreme(max), 1, None, "greatest of the arguments, or of one list"),
    "floor": Function(_real(math.floor), 1, 1, "greatest integer not above"),
    "ceil": Function(_real(math.ceil), 1, 1, "least integer not below"),
    "round": Function(_round, 1, 2, "nearest integer (half to even), or to a number of digits"),
    "int": Function(_to_int, 1, 2, "integer part of a number, or a text read in base 10 or the base given second"),
    "float": Function(_to_float, 1, 1, "float of a number or text"),
    "str": Function(text, 1, 1, "text of a value"),
    "len": Function(_length, 1, 1, "length of a text or list"),
    "join": Function(_join, 2, 2, "items of a list as one text, with a separator"),
    "names": Function(_names, 2, 2, "list of names: names('q', 3) is ['q0', 'q1', 'q2']"),
    "powmod": Function(_modular, 3, 3, "a**b % m for integers, without the large power"),
}

CONSTANTS: dict[str, Value] = {
    "pi": math.pi,
    "tau": math.tau,
    "e": math.e,
    "true": True,
    "false": False,
    "True": True,
    "False": False,
}
