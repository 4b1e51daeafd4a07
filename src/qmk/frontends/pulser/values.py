"""Variables and expressions: what a parametrized number of a sequence is, once its variables have values."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from qmk.frontends.pulser.schema import Expression, Number, Numbers, Variable
from qmk.qvm.families.analog import LARGEST
from qmk.sdk.frontend import Refused

Value = float | list[float]

DEEPEST = 64
"""The deepest nesting of an expression or a composite waveform."""

_UNARY: dict[str, Callable[[float], float]] = {
    "neg": operator.neg,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log2": math.log2,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "tanh": math.tanh,
}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": lambda left, right: left / right,
    "mod": operator.mod,
    "pow": math.pow,
}


class Values:
    """The variables of a sequence with the values that were given."""

    def __init__(self, declared: Mapping[str, Variable], given: Mapping[str, Any]) -> None:
        self._known = {name: _assign(name, row, given) for name, row in declared.items()}

    def number(self, given: Number, what: str) -> float:
        """One finite number."""
        found = self.numbers(given, what)
        if len(found) != 1:
            raise Refused("PULSER-05", f"{what} has {len(found)} numbers, not one")
        return found[0]

    def numbers(self, given: Number | Numbers, what: str) -> list[float]:
        found = self._value(given, 0)
        listed: list[float] = found if isinstance(found, list) else [found]
        for x in listed:
            if not abs(x) <= LARGEST:
                raise Refused("PULSER-03", f"{what} is {x:g}")
        return listed

    def duration(self, given: Number, what: str) -> int:
        """Whole ns: parts of one are left out, as Pulser does."""
        return int(self.number(given, what))

    def index(self, given: Number, what: str) -> int:
        found = self.number(given, what)
        if found != int(found):
            raise Refused("PULSER-05", f"{what} is {found:g}, not a whole number")
        return int(found)

    def _value(self, given: Number | Numbers | None, depth: int) -> Value:
        if given is None:
            raise Refused("PULSER-05", "an expression lacks an argument")
        if not isinstance(given, Expression):
            return given
        if depth > DEEPEST:
            raise Refused("PULSER-05", f"expressions are nested more than {DEEPEST} deep")
        if given.variable is not None:
            if given.expression is not None or given.variable not in self._known:
                raise Refused("PULSER-05", f"no variable '{given.variable[:80]}' is declared")
            return self._known[given.variable]
        name = given.expression or ""
        left = self._value(given.lhs, depth + 1)
        if name in _UNARY and given.rhs is None:
            return _each(name, _UNARY[name], left)
        right = self._value(given.rhs, depth + 1)
        if name == "index":
            return _index(left, right)
        if name not in _BINARY:
            raise Refused("PULSER-05", f"no operation '{name[:40]}' of so many arguments")
        return _pairwise(name, _BINARY[name], left, right)


def _assign(name: str, row: Variable, given: Mapping[str, Any]) -> list[float]:
    size = 1 if row.value is None else len(row.value)
    if name not in given:
        what = "a number" if size == 1 else f"{size} numbers"
        raise Refused(
            "PULSER-04", f"variable '{name[:80]}' has no value", f"give it: params={{'{name[:80]}': ...}}, {what}"
        )
    raw = given[name]
    listed = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    sound = all(isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) <= LARGEST for x in listed)
    if not sound or len(listed) != size:
        raise Refused("PULSER-04", f"variable '{name[:80]}' takes {size} finite numbers, not {str(given[name])[:80]}")
    if row.type == "int" and any(x != int(x) for x in listed):
        raise Refused("PULSER-04", f"variable '{name[:80]}' takes whole numbers, not {str(given[name])[:80]}")
    return [float(x) for x in listed]


def _apply(name: str, function: Callable[..., float], *arguments: float) -> float:
    try:
        found = float(function(*arguments))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        shown = ", ".join(f"{x:g}" for x in arguments)
        raise Refused("PULSER-05", f"{name}({shown}) has no value") from error
    if not math.isfinite(found):
        raise Refused("PULSER-05", f"{name} is not finite")
    return found


def _each(name: str, function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, list):
        return [_apply(name, function, x) for x in value]
    return _apply(name, function, value)


def _pairwise(name: str, function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if not isinstance(left, list) and not isinstance(right, list):
        return _apply(name, function, left, right)
    a, b = (x if isinstance(x, list) else [x] for x in (left, right))
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise Refused("PULSER-05", f"{name} of {len(a)} and {len(b)} numbers")
    size = max(len(a), len(b)) if a and b else 0
    return [_apply(name, function, a[k % len(a)], b[k % len(b)]) for k in range(size)]


def _index(left: Value, right: Value) -> Value:
    items = left if isinstance(left, list) else [left]
    keys = right if isinstance(right, list) else [right]
    for key in keys:
        if key != int(key) or not -len(items) <= key < len(items):
            raise Refused("PULSER-05", f"there is no item {key:g} of {len(items)}")
    found = [items[int(key)] for key in keys]
    return found if isinstance(right, list) else found[0]
