"""Classical expressions of Qiskit as conditions on bits.

A value is a list of conditions, the lowest bit first; what is known when the program is read is a constant, and is
folded. ``qiskit.circuit.classical.types``: Bool is one bit, Uint(n) n of them; Float and Duration are refused.
"""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr, types

from qmk.circuit.operands import Condition
from qmk.sdk.adapter import cannot

if TYPE_CHECKING:
    Value = list[Condition]

FALSE, TRUE = Condition("table", (0,)), Condition("table", (1,))


def constant(number: int, size: int) -> Value:
    return [TRUE if number >> k & 1 else FALSE for k in range(size)]


def fixed_value(condition: Condition) -> bool | None:
    """Whether a condition holds, where that is known."""
    return bool(condition.args[0]) if condition.op == "table" and len(condition.args) == 1 else None


def negate(a: Condition) -> Condition:
    held = fixed_value(a)
    if held is not None:
        return FALSE if held else TRUE
    return a.args[0] if a.op == "not" else ~a


def both(a: Condition, b: Condition) -> Condition:
    for one, other in ((a, b), (b, a)):
        held = fixed_value(one)
        if held is not None:
            return other if held else FALSE
    return a if a == b else a & b


def either(a: Condition, b: Condition) -> Condition:
    return negate(both(negate(a), negate(b))) if fixed_value(a) is not None or fixed_value(b) is not None else a | b


def differ(a: Condition, b: Condition) -> Condition:
    for one, other in ((a, b), (b, a)):
        held = fixed_value(one)
        if held is not None:
            return negate(other) if held else other
    return a ^ b


def any_of(bits: Sequence[Condition]) -> Condition:
    found = FALSE
    for bit in bits:
        found = either(found, bit)
    return found


def equal(a: Value, b: Value) -> Condition:
    """Whether two values are the same number."""
    size = max(len(a), len(b))
    left, right = _widen(a, size), _widen(b, size)
    for one, other in ((left, right), (right, left)):
        held = [fixed_value(bit) for bit in one]
        if size > 1 and None not in held and all(fixed_value(bit) is None for bit in other):
            return Condition("equal", (sum(bool(bit) << k for k, bit in enumerate(held)), *other))
    found = TRUE
    for x, y in zip(left, right, strict=True):
        found = both(found, negate(differ(x, y)))
    return found


def _less(a: Value, b: Value) -> Condition:
    found = FALSE
    for x, y in zip(a, b, strict=True):
        found = either(both(negate(x), y), both(negate(differ(x, y)), found))
    return found


def _add(a: Value, b: Value, carry: Condition = FALSE) -> Value:
    found: Value = []
    for x, y in zip(a, b, strict=True):
        found.append(differ(differ(x, y), carry))
        carry = either(both(x, y), both(carry, differ(x, y)))
    return found


def _subtract(a: Value, b: Value) -> Value:
    return _add(a, [negate(bit) for bit in b], TRUE)


def _multiply(a: Value, b: Value) -> Value:
    found = constant(0, len(a))
    for k, bit in enumerate(b):
        found = _add(found, [FALSE] * k + [both(bit, x) for x in a[: len(a) - k]])
    return found


def _widen(a: Value, size: int) -> Value:
    return [*a[:size], *[FALSE] * (size - len(a))]


class Reader:
    """``bit(b)`` gives the number of one of Qiskit's bits, ``held(number)`` what a bit holds, ``variables`` the bits of
    each variable by its object."""

    def __init__(self, held: Callable[[int], Condition]) -> None:
        self.held = held
        self.bits: dict[Clbit, int] = {}
        self.variables: dict[Any, list[int]] = {}

    def of(self, given: Any, place: str) -> Value:
        """The value of an expression, a bit or a register."""
        if isinstance(given, Clbit):
            return [self.held(self.bits[given])]
        if isinstance(given, ClassicalRegister):
            return [self.held(self.bits[bit]) for bit in given]
        if isinstance(given, expr.Var):
            return [self.held(bit) for bit in self.places(given, place)]
        size = _width(given, place)
        match given:
            case expr.Value():
                return constant(int(given.value), size)
            case expr.Cast():
                inner = self.of(given.operand, place)
                return [any_of(inner)] if given.type.kind is types.Bool else _widen(inner, size)
            case expr.Unary():
                return self._unary(given, place)
            case expr.Binary():
                return self._binary(given, place)
            case expr.Index():
                return [self._index(self.of(given.target, place), self.of(given.index, place))]
            case _:
                raise cannot("qiskit", f"the expression {type(given).__name__}", place, "use bits, Bool and Uint")

    def places(self, given: Any, place: str) -> list[int]:
        """The numbers of the bits that a variable, a bit or a register has."""
        if isinstance(given.var, Clbit):
            return [self.bits[given.var]]
        if isinstance(given.var, ClassicalRegister):
            return [self.bits[bit] for bit in given.var]
        if given not in self.variables:
            fix = "give it a value in the circuit, with add_var"
            raise cannot("qiskit", f"the variable '{given.name}' has no value", place, fix)
        return self.variables[given]

    def condition(self, given: Any, place: str) -> Condition:
        """An expression, or a pair of a bit or register and its value."""
        if isinstance(given, tuple):
            target, value = cast("tuple[Any, Any]", given)
            bits = self.of(target, place)
            return equal(bits, constant(int(value), max(len(bits), int(value).bit_length())))
        return any_of(self.of(given, place))

    def _unary(self, given: Any, place: str) -> Value:
        inner = self.of(given.operand, place)
        if given.op.name == "LOGIC_NOT":
            return [negate(any_of(inner))]
        if given.op.name == "BIT_NOT":
            return [negate(bit) for bit in inner]
        return _subtract(constant(0, len(inner)), inner)

    def _binary(self, given: Any, place: str) -> Value:
        a, b = self.of(given.left, place), self.of(given.right, place)
        op = given.op.name
        if op in ("SHIFT_LEFT", "SHIFT_RIGHT"):
            return _shift(a, b, op == "SHIFT_LEFT")
        if op in ("LOGIC_AND", "LOGIC_OR"):
            return [(both if op == "LOGIC_AND" else either)(any_of(a), any_of(b))]
        size = max(len(a), len(b))
        a, b = _widen(a, size), _widen(b, size)
        match op:
            case "BIT_AND":
                return [both(x, y) for x, y in zip(a, b, strict=True)]
            case "BIT_OR":
                return [either(x, y) for x, y in zip(a, b, strict=True)]
            case "BIT_XOR":
                return [differ(x, y) for x, y in zip(a, b, strict=True)]
            case "EQUAL":
                return [equal(a, b)]
            case "NOT_EQUAL":
                return [negate(equal(a, b))]
            case "LESS":
                return [_less(a, b)]
            case "GREATER":
                return [_less(b, a)]
            case "LESS_EQUAL":
                return [negate(_less(b, a))]
            case "GREATER_EQUAL":
                return [negate(_less(a, b))]
            case "ADD":
                return _add(a, b)
            case "SUB":
                return _subtract(a, b)
            case "MUL":
                return _multiply(a, b)
            case _:
                return _divide(a, b, place)

    def _index(self, target: Value, index: Value) -> Condition:
        hits = (both(bit, equal(index, constant(k, len(index)))) for k, bit in enumerate(target) if k < 1 << len(index))
        return any_of(list(hits))


def _shift(a: Value, b: Value, left: bool) -> Value:
    """``a`` moved by ``b`` places, which are read one bit of ``b`` after another."""
    size, found = len(a), a
    for k, bit in enumerate(b):
        by = min(1 << k, size)
        moved = [FALSE] * by + found[: size - by] if left else found[by:] + [FALSE] * by
        found = [either(both(bit, x), both(negate(bit), y)) for x, y in zip(moved, found, strict=True)]
    return found


def _divide(a: Value, b: Value, place: str) -> Value:
    """The quotient, where both numbers are known."""
    numbers = [[fixed_value(bit) for bit in each] for each in (a, b)]
    if any(bit is None for bits in numbers for bit in bits):
        raise cannot("qiskit", "a division of measured values", place, "shift by a power of two, or divide afterwards")
    left, right = (sum(bool(bit) << k for k, bit in enumerate(bits)) for bits in numbers)
    if not right:
        raise cannot("qiskit", "a division by zero", place, "divide by another number")
    return constant(left // right, len(a))


def _width(given: Any, place: str) -> int:
    kind = given.type.kind
    if kind not in (types.Bool, types.Uint):
        fix = "use Bool and Uint"
        raise cannot("qiskit", f"a value of type {kind.__name__} in a classical expression", place, fix)
    return 1 if kind is types.Bool else given.type.width
