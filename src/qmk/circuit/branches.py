"""Feed-forward and repetition: ``with circuit.if_(bit):``, ``else_`` and ``repeat``."""

from __future__ import annotations

import operator
from types import TracebackType
from typing import cast

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.circuit.items import Else, End, If
from qmk.circuit.operands import Bit, BitLike, Condition, equals, whole_number, wrong
from qmk.circuit.store import Store, as_list
from qmk.models.arguments import show

# A block is a part of its circuit.
# pyright: reportPrivateUsage=false


class Block:
    """A part of a circuit, for ``with``: what is added inside belongs to it."""

    def __init__(self, circuit: Branches) -> None:
        self._circuit = circuit
        circuit._open.append(self)

    def __enter__(self) -> None:
        if self._circuit._open[-1:] != [self]:
            raise wrong("this block was entered before", "call if_, else_ or repeat in the 'with' itself", "program")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        circuit = self._circuit
        if circuit._open[-1:] != [self]:
            if error is None:
                raise _open_error(len(circuit._open))
            del circuit._open[circuit._open.index(self) + 1 :]
        circuit._open.pop()
        self.finish(error is None)

    def finish(self, whole: bool) -> None:
        """Ends the block; ``whole``: without an exception. A block that does no more has nothing to do."""


class Branch(Block):
    """One side of a branch."""

    def __init__(self, circuit: Branches, first: bool) -> None:
        super().__init__(circuit)
        self._first = first

    def finish(self, whole: bool) -> None:
        self._circuit._items.append(End())
        self._circuit._ended = len(self._circuit._items) if self._first else -1


class Repetition(Block):
    """A part of a circuit that is added several times."""

    def __init__(self, circuit: Branches, times: int) -> None:
        super().__init__(circuit)
        self._times, self._start = times, len(circuit._items)

    def finish(self, whole: bool) -> None:
        items, times = self._circuit._items, self._times
        self._circuit._ended = -1
        body = items[self._start :]
        if whole:
            check("expansion_nodes", len(items) + len(body) * max(times - 1, 0), "a repetition")
            items[self._start :] = body * times


class Branches(Store):
    """The blocks of a circuit. ``_open`` holds those that are not finished; ``_ended``: the number of items where the
    first side of a branch has just ended."""

    def if_(self, condition: Condition | BitLike, value: int | None = None) -> Block:
        """Begins a branch: ``with circuit.if_(bit):``, for which ``bit`` must hold 1, or ``value`` where it is given.
        Several bits, the first the lowest, must read as ``value``. Conditions combine with ``& | ^ ~``."""
        self._items.append(If(self._condition(condition, value)))
        return Branch(self, True)

    def else_(self) -> Block:
        """Begins the other side of the branch that has just ended: ``with circuit.else_():``."""
        if self._ended != len(self._items):
            raise wrong(
                "else_ does not follow a branch",
                "write it right after the block of 'with circuit.if_(...):'",
                "program",
            )
        self._items[-1] = Else()
        return Branch(self, False)

    def repeat(self, times: int) -> Block:
        """Adds what is in the block so many times: ``with circuit.repeat(3):``."""
        count = whole_number(times)
        if count is None or not 0 <= count <= LIMITS.expansion_nodes:
            raise wrong(f"{show(times)} is not a number of times", "give such as 3", "times")
        return Repetition(self, count)

    def _condition(self, given: Condition | BitLike, value: int | None) -> Condition:
        if isinstance(given, Condition) and given.op != "bit":
            if value not in (None, 0, 1):
                raise wrong(f"a condition is never {show(value)}", "compare it with 0 or 1", "value")
            for bit in given.leaves():
                self._bits(cast("Bit", bit))
            found = given.move(operator.index)
            return Condition("not", (found,)) if value == 0 else found
        bits = as_list(self._bits(cast("BitLike", given)))
        if value is None and len(bits) != 1:
            raise wrong(f"the condition reads {len(bits)} bits", "give the value they must have: if_(bits, 3)", "value")
        return equals(tuple(Condition("bit", (bit,)) for bit in bits), 1 if value is None else value)

    def _require_finished(self) -> None:
        """Raises INVALID_PARAMS if a block is open."""
        if self._open:
            raise _open_error(len(self._open))


def _open_error(count: int) -> QmkError:
    fix = "write 'with circuit.if_(...):' (or else_, repeat) and use the circuit after the block"
    return wrong(f"{count} block{'s' * (count > 1)} of the circuit not finished", fix, "program")
