"""The classical bits of a program whose statements are replayed in order, and the branches that are open.

A bit holds a function of measured events. Conditions are trees of ``Value``, or of whatever has its ``op`` and
``args``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from qmk.base.errors import QmkError
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder


class ValueLike(Protocol):
    @property
    def op(self) -> str: ...
    @property
    def args(self) -> tuple[Any, ...]: ...


class Value(NamedTuple):
    """``op`` and ``args``: bit (its number), not, and, or, xor (values), equal (a number, values), or table (a truth
    table, values): bit k of it where the values, the first the lowest, read k."""

    op: str
    args: tuple[Any, ...]

    def leaves(self) -> list[int]:
        """The bits that it depends on, with repeats."""
        if self.op == "bit":
            return [self.args[0]]
        return [bit for each in self.args if isinstance(each, Value) for bit in each.leaves()]

    def on(self, bits: Sequence[int]) -> Value:
        """The same over other bits: bit k is ``bits[k]``."""
        if self.op == "bit":
            return Value("bit", (bits[self.args[0]],))
        return Value(self.op, tuple(each.on(bits) if isinstance(each, Value) else each for each in self.args))

    def at(self, held: Mapping[int, int]) -> int:
        """Its value where the bits hold these."""
        match self.op, self.args:
            case "bit", (bit,):
                return held[bit]
            case "not", (one,):
                return 1 - one.at(held)
            case "table", (table, *inputs):
                return table >> sum(each.at(held) << k for k, each in enumerate(inputs)) & 1
            case op, (left, right):
                a, b = left.at(held), right.at(held)
                return a & b if op == "and" else a | b if op == "or" else a ^ b
            case _:
                raise AssertionError(self.op)


class _Branch:
    """``condition``: what its first side is under, None where that is known now. ``dead``: within a side not taken."""

    __slots__ = ("before", "condition", "dead", "known", "then")

    def __init__(self, condition: lg.Bit | None, known: bool, dead: bool, before: list[lg.Bit]) -> None:
        self.condition, self.known, self.dead, self.before = condition, known, dead, before
        self.then: list[lg.Bit] | None = None


class Branching:
    """``bits``: what each holds now. ``skips``: the statements that come are in a side that is never taken."""

    def __init__(self, builder: Builder, labels: Sequence[str]) -> None:
        self.builder, self.labels = builder, labels
        self.bits: list[lg.Bit] = [lg.FALSE] * len(labels)
        self.branches: list[_Branch] = []
        self.skips = False

    def event(self, bit: int) -> str:
        """The event that a bit holds. Raises INVALID_PARAMS where nothing has written it."""
        found = self.builder.event_of(self.bits[bit])
        if found is None:
            raise QmkError(
                "INVALID_PARAMS",
                f"bit '{self.labels[bit]}' is read before anything has written it",
                field="program",
                help="measure into it first",
            )
        return found

    def value(self, condition: ValueLike) -> lg.Bit:
        """What a condition holds now."""
        logic = self.builder.logic
        match condition.op, condition.args:
            case "bit", (int(index), *_):
                return lg.restrict(self.bits[index], self.builder.facts)
            case "not", (one,):
                return lg.negate(self.value(one))
            case "equal", (value, *bits):
                held = tuple(self.value(bit) for bit in bits)
                return logic.equal(held, tuple(lg.constant(value >> k & 1) for k in range(len(bits))))
            case "table", (table, *bits):
                return self._look_up(table, [self.value(bit) for bit in bits])
            case op, (left, right):
                combine = {"and": logic.both, "or": logic.either, "xor": logic.differ}[op]
                return combine(self.value(left), self.value(right))
            case _:
                raise AssertionError(condition.op)

    def _look_up(self, table: int, bits: list[lg.Bit]) -> lg.Bit:
        """The value of a truth table: bit k of it where the bits, the first the lowest, read k."""
        if not bits:
            return lg.constant(table & 1)
        half = 1 << (len(bits) - 1)
        high, low = self._look_up(table >> half, bits[:-1]), self._look_up(table & ((1 << half) - 1), bits[:-1])
        return self.builder.logic.select(bits[-1], high, low)

    def open(self, condition: ValueLike) -> None:
        """What comes is done where the condition holds."""
        if self.skips:
            self.branches.append(_Branch(None, False, True, []))
            return
        value = lg.restrict(self.value(condition), self.builder.facts)
        known = lg.constant_of(value)
        self.branches.append(_Branch(value if known is None else None, bool(known), False, list(self.bits)))
        if known is None:
            self.builder.enter(value)
        else:
            self.skips = not known

    def turn(self) -> None:
        """What comes is done where the condition does not hold."""
        branch = self.branches[-1]
        if branch.condition is not None:
            self.builder.leave()
            branch.then, self.bits = self.bits, list(branch.before)
            self.builder.enter(lg.negate(branch.condition))
        elif not branch.dead:
            self.skips = branch.known

    def close(self) -> None:
        """The branch ends."""
        branch = self.branches.pop()
        if branch.condition is None:
            self.skips = branch.dead
            return
        self.builder.leave()
        new = self.bits if branch.then is None else branch.then
        old = branch.before if branch.then is None else self.bits
        self.bits = [a if a == b else self.builder.merge(branch.condition, a, b) for a, b in zip(new, old, strict=True)]
