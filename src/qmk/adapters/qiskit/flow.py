"""Control flow of Qiskit's circuits as branches. Loops are unrolled, and jumps become bits that guard what follows.

While the program is read, the value of a bit is kept where it is known without a measurement: such a condition chooses
its side now, and a while loop has to end by such conditions, as in OpenQASM here. Bits that no register shows hold
variables, and what was jumped over.
"""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, cast

from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.classical import types

from qmk.adapters.qiskit import classical as logic
from qmk.adapters.qiskit.angles import Angles
from qmk.base.limits import check
from qmk.circuit.building import BitRegister
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, Step
from qmk.circuit.operands import Condition
from qmk.sdk.adapter import cannot

# This fills a circuit, whose parts it knows.
# pyright: reportPrivateUsage=false

Body = tuple[QuantumCircuit, tuple[int, ...], dict[Any, int]]
"""A block, the numbers of its qubits, and those of its bits."""


class Flow(ABC):
    """``items`` are the circuit so far. ``state[k]``: what bit k holds, None where that is not known. ``jumps``: for
    each loop around, the bits that say whether it was left and whether its turn was ended."""

    def __init__(self) -> None:
        self.circuit = Circuit()
        self.items: list[Item] = []
        self.angles = Angles()
        self.state: list[bool | None] = []
        self.jumps: list[tuple[int, int]] = []
        self.classical = logic.Reader(self._bit_value)
        self.temporaries: list[int] = []

    @abstractmethod
    def read_block(self, block: QuantumCircuit, qubits: tuple[int, ...], bits: dict[Any, int], place: str) -> None:
        """Reads the instructions of a block, under what says that no jump passed them."""

    def _bit_value(self, bit: int) -> Condition:
        held = self.state[bit]
        return Condition("bit", (bit,)) if held is None else logic.TRUE if held else logic.FALSE

    # -- bits --------------------------------------------------------------------------------------------------------

    def hide(self, count: int) -> list[int]:
        """Adds bits that no register shows."""
        found = [bit.index for bit in self.circuit.add_bits(count, f"_hidden{len(self.circuit._bit_registers)}")]
        name = self.circuit._bit_registers[-1].name
        self.circuit._bit_registers[-1] = BitRegister(name, tuple(found), False, False)
        self.state += [False] * count
        return found

    def assign(self, bit: int, value: Condition) -> None:
        if value == Condition("bit", (bit,)):
            return
        self.items.append(Assign(bit, value))
        self.state[bit] = logic.fixed_value(value)

    def assign_all(self, bits: list[int], values: list[Condition]) -> None:
        """Sets bits at once, so that none of the new values reads another."""
        if not {bit for value in values for bit in value.bits()} & set(bits):
            for bit, value in zip(bits, values, strict=True):
                self.assign(bit, value)
            return
        if len(self.temporaries) < len(bits):
            self.temporaries += self.hide(len(bits) - len(self.temporaries))
        between = self.temporaries[: len(bits)]
        for bit, value in zip(between, values, strict=True):
            self.assign(bit, value)
        for bit, held in zip(bits, between, strict=True):
            self.assign(bit, self._bit_value(held))

    def declare(self, block: QuantumCircuit, place: str) -> None:
        """Makes bits for the variables of a block."""
        for variable in block.iter_declared_vars():
            kind = variable.type
            if kind.kind not in (types.Bool, types.Uint):
                what = f"the variable '{variable.name}' of type {kind.kind.__name__}"
                raise cannot("qiskit", what, place, "use Bool and Uint")
            if variable not in self.classical.variables:
                size = 1 if kind.kind is types.Bool else cast("types.Uint", kind).width
                self.classical.variables[variable] = self.hide(size)
        for variable in block.iter_input_vars():
            fix = "give it a value in the circuit, with add_var"
            raise cannot("qiskit", f"the input variable '{variable.name}'", place, fix)

    def store(self, op: Any, place: str) -> None:
        """``Store``: sets a variable, a bit or a register."""
        target, value = op.lvalue, self.classical.of(op.rvalue, place)
        if not hasattr(target, "var"):
            raise cannot("qiskit", "a store into a part of a variable", place, "store into the whole variable")
        places = self.classical.places(target, place)
        self.assign_all(places, [*value[: len(places)], *[logic.FALSE] * (len(places) - len(value))])

    # -- branches ----------------------------------------------------------------------------------------------------

    def branch(
        self, condition: Condition, then: Callable[[], None], otherwise: Callable[[], None] | None = None
    ) -> None:
        """Both sides, or the one that a known condition takes."""
        held = logic.fixed_value(condition)
        if held is not None:
            if held:
                then()
            elif otherwise is not None:
                otherwise()
            return
        self.items.append(If(condition))
        before = self.state.copy()
        then()
        after, self.state = self.state, [*before, *[False] * (len(self.state) - len(before))]
        if otherwise is not None:
            self.items.append(Else())
            otherwise()
            after += [False] * (len(self.state) - len(after))
        self._end(after)

    def _end(self, other: list[bool | None]) -> None:
        """Ends a branch; ``other``: the state at the end of its other side."""
        self.items.append(End())
        self.state = [a if a is b else None for a, b in zip(self.state, other, strict=True)]

    def if_else(self, op: Any, body: Callable[[Any], Callable[[], None]], place: str) -> None:
        then, otherwise = (*op.blocks, None)[:2]
        condition = self.classical.condition(op.condition, place)
        self.branch(condition, body(then), None if otherwise is None else body(otherwise))

    def switch(self, op: Any, body: Callable[[Any], Callable[[], None]], place: str) -> None:
        """Cases in order, each the other side of those before it."""
        from qiskit.circuit import CASE_DEFAULT

        target = self.classical.of(op.target, place)
        cases: list[tuple[Condition, Callable[[], None]]] = []
        for labels, block in op.cases_specifier():
            hits: list[Condition] = []
            for label in labels:
                number = None if label is CASE_DEFAULT else int(label)
                size = len(target) if number is None else max(len(target), number.bit_length())
                hits.append(logic.TRUE if number is None else logic.equal(target, logic.constant(number, size)))
            cases.append((logic.any_of(hits), body(block)))
        self._chain(cases)

    def _chain(self, cases: list[tuple[Condition, Callable[[], None]]]) -> None:
        if cases:
            (condition, then), *rest = cases
            self.branch(condition, then, lambda: self._chain(rest))

    # -- loops -------------------------------------------------------------------------------------------------------

    def for_loop(self, op: Any, body: Callable[[Any], Callable[[], None]], place: str) -> None:
        indices, parameter, block = op.params
        if parameter is not None and not isinstance(parameter, Parameter):
            raise cannot("qiskit", "a loop over a classical variable", place, "loop over a Parameter")
        turn = body(block)

        def turns() -> Iterable[Callable[[], None]]:
            for index in indices:
                if parameter is not None:
                    self.angles.bound[parameter] = float(index)
                yield turn

        self._loop(turns())
        if parameter is not None:
            self.angles.bound.pop(parameter, None)

    def while_loop(self, op: Any, body: Callable[[Any], Callable[[], None]], place: str) -> None:
        turn = body(op.blocks[0])

        def turns() -> Iterable[Callable[[], None]]:
            while True:
                held = logic.fixed_value(self.classical.condition(op.condition, place))
                if held is None:
                    _refuse_while(place)
                if not held:
                    return
                check("expansion_nodes", len(self.items), "the circuit")
                yield turn

        self._loop(turns(), place)

    def _loop(self, turns: Iterable[Callable[[], None]], place: str = "") -> None:
        """Turns of a loop, each under the condition that it was not left before. ``place``: that of a while loop."""
        left, skipped = self.hide(2)
        self.jumps.append((left, skipped))
        opened: list[list[bool | None]] = []
        for count, turn in enumerate(turns):
            gone = self._bit_value(left)
            if logic.fixed_value(gone):
                break
            if logic.fixed_value(gone) is None:
                if place:
                    _refuse_while(place)
                opened.append(self.state.copy())
                self.items.append(If(logic.negate(gone)))
                self.state[left] = False
            self.assign(skipped, logic.FALSE)
            turn()
            check("expansion_nodes", max(len(self.items), count), "the circuit")
        self.jumps.pop()
        for before in reversed(opened):
            self._end([*before, *[False] * (len(self.state) - len(before))])

    def jump(self, name: str) -> None:
        left, skipped = self.jumps[-1]
        self.assign(left if name == "break_loop" else skipped, logic.TRUE)

    def skip_condition(self) -> Condition:
        """Whether a jump has passed over what follows in the loop."""
        return logic.any_of([self._bit_value(bit) for bit in self.jumps[-1]]) if self.jumps else logic.FALSE

    def write(self, step: Step) -> None:
        self.items.append(step)
        for bit in step.writes:
            self.state[bit] = None


def _refuse_while(place: str) -> NoReturn:
    fix = "bound it: a for loop whose body is in an if with the condition, or with a break"
    raise cannot("qiskit", "a while loop that ends by a measurement, so its length is not known", place, fix)
