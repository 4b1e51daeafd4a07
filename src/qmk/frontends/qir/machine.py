"""QIR, followed into a graph.

Where a measurement decides a branch, the shots part: each side goes on by itself, under its condition, with values of
its own, and where the sides meet again they are joined. A loop that known values end is followed round by round.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.frontends.qir.module import Function, Module, Row, cell_bytes, shape_of
from qmk.frontends.qir.order import ranks
from qmk.frontends.qir.places import bytes_of, constant_value, move_place
from qmk.frontends.qir.values import FLOAT_OPS, INTEGER_OPS, Arithmetic, Cases, Place, to_signed, undefined_error
from qmk.sdk.frontend import Refused

MEASURED_ROUNDS = 64
"""Conditions that one call may gather: rounds of a loop whose end a measurement decides."""

_FLAGS = re.compile(r"\A(?:inbounds |nuw |nusw )*")
_NOTES = ("llvm.dbg.", "llvm.lifetime.")
"""Functions that tell a compiler something, and do nothing."""
BLOCK_STEPS = 16
"""What entering a block counts, beside its instructions."""

Path = tuple[lg.Bit, ...]
Memory = dict[tuple[int, int], Any]
Call = Callable[[Any, list[Any]], Any]
_CASTS = re.compile(r"(zext|sext|trunc|si_to_fp|ui_to_fp|fp_to_si|fp_to_ui|ptr_to_int|int_to_ptr|bit_cast|freeze)\Z")


class State(msgspec.Struct):
    """Shots on their way: the conditions under which they are here, their values, and their memory."""

    path: Path
    values: dict[int, Any]
    memory: Memory

    def fork(self, condition: lg.Bit) -> State:
        return State((*self.path, condition), dict(self.values), dict(self.memory))


class Machine:
    """``calls``: what each function outside of the module does, by its name."""

    def __init__(self, module: Module, calls: dict[str, Call]) -> None:
        self.module, self.calls = module, calls
        self.builder = Builder()
        self.arithmetic = Arithmetic(self.builder, self.step)
        self.functions = {each.name: each for each in module.functions}
        self.bytes = [bytes_of(each, module) for each in module.variables]
        self.constants = [constant_value(row, self.bytes) for row in module.constants]
        self.state = State((), {}, {})
        self.objects = len(module.variables)
        self.sizes: dict[int, int] = {}
        self.stack: list[str] = []
        self.where = ""
        self._steps = 0
        self._base = 0
        self._ranks: dict[str, list[int]] = {}
        for k, each in enumerate(module.variables):
            self.sizes[k] = len(each.values or ())
            self.state.memory.update({(k, at): self.constants[n] for at, n in enumerate(each.values or ())})

    # -- functions and blocks ----------------------------------------------------------------------------------------

    def call(self, function: Function, given: list[Any]) -> Any:
        """Follows a function from the state that is here to the state after it, and gives what it returns."""
        if function.name in self.stack:
            raise Refused("QIR-07", f"'{function.name[:80]}' calls itself: {' > '.join(self.stack)[:120]}")
        if len(self.stack) >= LIMITS.macro_depth:
            raise Refused("QIR-08", f"calls nest deeper than {LIMITS.macro_depth}")
        if len(given) != len(function.params):
            raise Refused("QIR-03", f"'{function.name[:80]}' takes {len(function.params)} values, not {len(given)}")
        if function.name not in self._ranks:
            self._ranks[function.name] = ranks(function)
        rank = self._ranks[function.name]
        self.stack.append(function.name)
        before, base = self.state, self._base
        self._base = len(before.path)
        start = State(before.path, dict(zip(function.params, given, strict=True)), before.memory)
        waiting: dict[int, list[State]] = {0: [start]}
        ended: list[State] = []
        while waiting:
            index = min(waiting, key=rank.__getitem__)
            self.state = self._meet(waiting.pop(index))
            for target, state in self._block(function, index):
                if target < 0:
                    ended.append(state)
                else:
                    waiting.setdefault(target, []).append(state)
        self.stack.pop()
        self._base = base
        last = self._meet(ended)
        self.state = State(last.path, before.values, last.memory)
        self._enter(last.path)
        return last.values.get(0)

    def _block(self, function: Function, index: int) -> list[tuple[int, State]]:
        """Follows a block; gives the states after it and the blocks where they go on, -1 for the end."""
        self._enter(self.state.path)
        at = 0
        row: Row | None = None
        try:
            rows = function.blocks[index].rows
            self.step(BLOCK_STEPS + len(rows))
            for at, row in enumerate(rows):  # noqa: B007  # where it is refused
                op, result, kind, operands, extra = row
                if op == "call":
                    found = self._call(operands)
                    if result:
                        self.state.values[result] = found
                elif result and op != "phi":
                    self.state.values[result] = self._value(op, kind, operands, extra)
                elif op == "store":
                    self.store(self.read(operands[0]), self.read(operands[1]))
                elif op != "phi":
                    return self._end(function, index, op, operands, extra)
        except Refused:
            if not self.where:
                self.where = f"in '{function.name[:80]}', block '{function.block_name(index)[:80]}'"
                if row is not None:
                    name = f" ({self._callee(row[3])})" if row[0] == "call" else ""
                    self.where += f", instruction {at}: {row[0].replace('_', '')}{name}"
            raise
        raise AssertionError("LLVM verified that each block has an end")

    def step(self, count: int) -> None:
        self._steps += count
        if self._steps > LIMITS.expansion_steps:
            raise Refused("QIR-08", f"the program takes more than {LIMITS.expansion_steps} steps to follow")

    def _end(self, function: Function, index: int, op: str, operands: list[int], extra: Any) -> list[tuple[int, State]]:
        """The last instruction of a block."""
        if op == "ret":
            self.state.values = {0: self.read(operands[0])} if operands else {}
            return [(-1, self.state)]
        if op == "br":
            ways = [(lg.TRUE, extra[0])]
            if operands:
                taken = self.arithmetic.truth(self.read(operands[0]))
                ways = [(taken, extra[0]), (lg.negate(taken), extra[1])]
        elif op == "switch":
            ways = self._switch(self.read(operands[0]), extra)
        elif op == "unreachable":
            raise Refused("QIR-04", "a shot comes to a place that it must not reach")
        else:
            raise Refused("QIR-04", f"'{op.replace('_', '')}' is not read")
        found: list[tuple[int, State]] = []
        for condition, target in ways:
            known = lg.constant_of(condition)
            if known is False:
                continue
            state = self.state if known else self._part(condition)
            self.step(1 if known else 1 + (len(state.values) + len(state.memory)) // 8)
            self._arrive(function, index, target, state)
            found.append((target, state))
        return found

    def _part(self, condition: lg.Bit) -> State:
        """The shots that go one way where a measurement decides."""
        if len(self.state.path) - self._base >= MEASURED_ROUNDS:
            raise Refused("QIR-05", "a loop ends by a measurement, so that its length is not known")
        return self.state.fork(condition)

    def _switch(self, value: Any, extra: list[Any]) -> list[tuple[lg.Bit, int]]:
        if value is None:
            raise undefined_error(value)
        self.step(len(extra))
        ways: list[tuple[lg.Bit, int]] = []
        rest: lg.Bit = lg.TRUE
        for number, block in extra[1:]:
            same = self.arithmetic.truth(self.arithmetic.compare("eq", 64, value, self.constants[number]))
            ways.append((same, block))
            rest = self.builder.logic.both(rest, lg.negate(same))
        return [*ways, (rest, extra[0])]

    def _arrive(self, function: Function, index: int, target: int, state: State) -> None:
        """Gives the phis of a block the values for the way from another."""
        values = state.values
        made: dict[int, Any] = {}
        for op, result, _, _, extra in function.blocks[target].rows:
            if op != "phi":
                break
            number = next(number for number, block in extra if block == index)
            made[result] = self.constants[number] if number >= 0 else values.get(number)
        values.update(made)

    # -- paths -------------------------------------------------------------------------------------------------------

    def _enter(self, path: Path) -> None:
        """Makes the builder write under these conditions."""
        now = self.builder.path
        same = 0
        while same < min(len(now), len(path)) and now[same] == path[same]:
            same += 1
        for _ in range(len(now) - same):
            self.builder.leave()
        for condition in path[same:]:
            self.builder.enter(condition)

    def _meet(self, states: list[State]) -> State:
        """One state of several that are at the same place, those that parted last first."""
        while len(states) > 1:
            self.step(len(states))
            states.sort(key=lambda state: len(state.path))
            last = states.pop()
            partner = max(range(len(states)), key=lambda k: _common(states[k].path, last.path))
            states[partner] = self._join(last, states[partner])
        return states[0]

    def _join(self, one: State, other: State) -> State:
        logic, join = self.builder.logic, self.arithmetic.join
        common = _common(one.path, other.path)
        self._enter(one.path[:common])
        chooser = logic.all(one.path[common:])
        either = logic.either(chooser, logic.all(other.path[common:]))
        path = one.path[:common] if lg.constant_of(either) else (*one.path[:common], either)
        self.step(1 + (len(one.values) + len(one.memory)) // 8)
        for number, value in other.values.items():
            one.values[number] = join(chooser, one.values[number], value) if number in one.values else value
        for place, value in other.memory.items():
            one.memory[place] = join(chooser, one.memory[place], value) if place in one.memory else value
        return State(path, one.values, one.memory)

    def always(self) -> bool:
        """Whether all shots are here."""
        return not self.builder.path

    def write(self, new: lg.Bit, old: lg.Bit) -> lg.Bit:
        """A bit that is written in the shots that are here."""
        path = self.builder.path
        return self.builder.merge(self.builder.logic.all(path), new, old) if path else new

    # -- instructions ------------------------------------------------------------------------------------------------

    def read(self, number: int) -> Any:
        return self.constants[number] if number >= 0 else self.state.values.get(number)

    def _callee(self, operands: list[int]) -> str:
        found = self.constants[operands[-1]] if operands[-1] >= 0 else None
        return found if isinstance(found, str) else "through a pointer"

    def _call(self, operands: list[int]) -> Any:
        constants, values = self.constants, self.state.values
        name = constants[operands[-1]] if operands[-1] >= 0 else None
        given = [constants[k] if k >= 0 else values.get(k) for k in operands[:-1]]
        known = self.calls.get(name) if isinstance(name, str) else None
        if known is not None:
            return known(self, given)
        if name in self.functions:
            self.step(1)
            return self.call(self.functions[name], given)
        if isinstance(name, str) and name.startswith(_NOTES):
            return None
        raise Refused("QIR-03", "the call is of no function of the module, and of no instruction set that is read")

    def _value(self, op: str, kind: int, operands: list[int], extra: Any) -> Any:
        """What an instruction gives."""
        read, arithmetic = self.read, self.arithmetic
        if op in INTEGER_OPS:
            a, b = read(operands[0]), read(operands[1])
            if kind <= 0 or a is None or b is None:
                raise (
                    undefined_error(None)
                    if kind > 0
                    else Refused("QIR-04", "arithmetic of vectors, or of wide integers")
                )
            return arithmetic.integer(op, kind, a, b)
        if op == "icmp":
            a, b = read(operands[0]), read(operands[1])
            if a is None or b is None:
                raise undefined_error(None)
            return arithmetic.compare(extra[0], extra[1], a, b)
        if _CASTS.match(op):
            return arithmetic.convert(op, kind, extra or 0, read(operands[0]))
        if op in FLOAT_OPS or op == "fcmp":
            given = [read(k) for k in operands]
            if not all(isinstance(value, (float, Cases)) for value in given):
                raise undefined_error(None)
            return arithmetic.compare_floats(extra[0], *given) if op == "fcmp" else arithmetic.floating(op, *given)
        if op == "select":
            chooser = arithmetic.truth(read(operands[0]))
            if (known := lg.constant_of(chooser)) is not None:
                return read(operands[1 if known else 2])
            return arithmetic.join(chooser, read(operands[1]), read(operands[2]))
        if op == "load":
            return self.load(read(operands[0]))
        if op == "alloca":
            return self.new_object(shape_of(extra).cells * self.whole(read(operands[0])), cell_bytes(extra))
        if op == "get_element_ptr":
            text = _FLAGS.sub("", extra)
            places = [read(k) for k in operands]

            def move(base: Any, *steps: int) -> Any:
                return move_place(base, text, [to_signed(k, 64) for k in steps], self.bytes)

            return arithmetic.each(move, *places)
        raise Refused("QIR-04", f"'{op.replace('_', '')}' is not read")

    # -- memory ------------------------------------------------------------------------------------------------------

    def whole(self, value: Any) -> int:
        """A known integer. Raises Refused."""
        found = self.arithmetic.cases(value)
        if len(found) != 1:
            raise Refused("QIR-05", "a measurement decides how large something is")
        if type(found[0].value) is not int:
            raise undefined_error(None)
        return found[0].value

    def new_object(self, cells: int, size: int = 8) -> Place:
        """Memory for so many values, each of ``size`` bytes."""
        self.step(1 + cells // 8)
        if cells > 1 << 20:
            raise Refused("QIR-08", f"an object of {cells} values")
        number = self.objects
        self.objects += 1
        self.sizes[number] = cells
        self.bytes.append(size)
        return Place(number, 0)

    def _check_place(self, place: Any) -> Place:
        if not isinstance(place, Place):
            raise Refused("QIR-06", "the address is of no memory of the program")
        if not 0 <= place.offset < self.sizes.get(place.object, 0):
            raise Refused("QIR-06", f"value {place.offset} of an object of {self.sizes.get(place.object, 0)}")
        return place

    def load(self, address: Any) -> Any:
        rows = self.arithmetic.cases(address)
        found: Any = None
        for k, (condition, place) in enumerate(rows):
            held = self.state.memory.get(msgspec.structs.astuple(self._check_place(place)))
            found = held if k == 0 else self.arithmetic.join(condition, held, found)
        return found

    def store(self, value: Any, address: Any) -> None:
        rows = self.arithmetic.cases(address)
        for condition, each in rows:
            place = self._check_place(each)
            if place.object < len(self.module.variables) and self.module.variables[place.object].is_constant:
                raise Refused("QIR-06", f"'{self.module.variables[place.object].name[:40]}' is constant")
            key = (place.object, place.offset)
            old = self.state.memory.get(key)
            self.state.memory[key] = value if len(rows) == 1 else self.arithmetic.join(condition, value, old)

    def text_at(self, address: Any) -> str:
        """The text that a label points to, "" for none."""
        if isinstance(address, Place) and address.object < len(self.module.variables):
            return self.module.variables[address.object].text or ""
        return ""


def _common(one: Path, other: Path) -> int:
    """How many conditions two paths share from their start."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
