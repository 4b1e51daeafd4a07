"""Quil's statements, followed in order into a graph.

A jump forward that depends on a measurement leaves the shots that take it waiting at its label: what is between is done
under the condition that a shot is there. Jumps back, and numbers, are known while the program is read.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.replay import BitRegister, QubitRegister, Replay
from qmk.frontends.quil.text import Gate, Memory, Parsed, Statement, reference
from qmk.ir.parameters import Angle, Expression
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Refused

HIDDEN = "discarded"
"""The bit of measurements that go nowhere."""

_COMPUTE: dict[str, Callable[[float, float], float]] = {
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
    "DIV": lambda a, b: a / b,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
}


class Layout:
    """The qubits of a program as registers, and its BIT memory. Qubits that are numbered 0, 1, ... are register q;
    where some numbers are missing each is one by itself, qubit 5 as ``q5``."""

    def __init__(self, parsed: Parsed) -> None:
        self.memory = {region.name: region for region in parsed.memory.values()}
        used = sorted(_qubits_of(parsed))
        self.dense = used == list(range(len(used)))
        self.place = {qubit: k for k, qubit in enumerate(used)}
        whole = [QubitRegister("q", len(used))] if used else []
        self.qubits = whole if self.dense else [QubitRegister(f"q{k}", None) for k in used]
        self.bits: list[BitRegister] = []
        self.first: dict[str, int] = {}
        count = 0
        for region in parsed.memory.values():
            if region.kind == "BIT":
                self.first[region.name] = count
                self.bits.append(BitRegister(region.name, tuple(range(count, count + region.size))))
                count += region.size
        self.hidden = count
        taken = {register.name for register in (*self.qubits, *self.bits)}
        if len(taken) < len(self.qubits) + len(self.bits):
            raise Refused("QUIL-04", "memory has the name of a qubit's register", "name it otherwise, such as ro")
        if any(
            isinstance(each, Statement) and each.word == "MEASURE" and " " not in each.rest
            for each in parsed.statements
        ):
            name = next(each for each in (HIDDEN, *(f"{HIDDEN}_{k}" for k in range(len(taken)))) if each not in taken)
            self.bits.append(BitRegister(name, (count,), True, False))

    def bit(self, text: str, line: int) -> int:
        """The number of a bit by its reference. Raises Refused."""
        region, index = region_of(self.memory, text, line)
        if region.kind != "BIT":
            raise Refused("QUIL-04", f"{text[:40]} is {region.kind}, not BIT", line=line)
        return self.first[region.name] + index

    def move(self, gate: Gate) -> Gate:
        """A gate on the places of its qubits."""
        if self.dense:
            return gate
        place = self.place
        return (*gate[:2], tuple([place[k] for k in gate[2]]), *gate[3:])


def _qubits_of(parsed: Parsed) -> set[int]:
    used: set[int] = set()
    for each in parsed.statements:
        if isinstance(each, Statement):
            words = each.rest.split()
            if each.word == "KRAUS":
                used.update(map(int, words[1:] if "(" not in each.rest else each.rest.rpartition(")")[2].split()))
            elif each.word in ("MEASURE", "RESET") and words:
                used.add(qubit_of(words[0], each.line))
        else:
            used.update(each[2])
    return used


def qubit_of(text: str, line: int) -> int:
    if not text.isdecimal() or len(text) > 9 or int(text) >= LIMITS.qubits:
        raise Refused("QUIL-03", f"'{text[:40]}' is not a qubit", line=line)
    return int(text)


def region_of(memory: Mapping[str, Memory], text: str, line: int) -> tuple[Memory, int]:
    """The region and the place in it that a reference such as ``ro[2]`` names. Raises Refused."""
    found = reference(text)
    region = memory.get(found[0]) if found else None
    if found is None or region is None or found[1] >= region.size:
        raise Refused("QUIL-04", f"there is no memory '{text[:40]}'", line=line)
    return region, found[1]


def run(parsed: Parsed, params: Mapping[str, Any]) -> Graph:
    """The graph, with the parameters that ``params`` does not have as expressions in it. Raises Refused."""
    machine = _Machine(parsed, Layout(parsed), params)
    machine.follow()
    return machine.replay.finish({})


class _Machine:
    def __init__(self, parsed: Parsed, layout: Layout, params: Mapping[str, Any]) -> None:
        self.parsed, self.layout = parsed, layout
        self.replay = Replay(layout.qubits, layout.bits, dict(params))
        self.builder, self.branching = self.replay.builder, self.replay.branching
        self.logic = self.builder.logic
        self.memory = layout.memory
        self.numbers: dict[str, list[Any]] = {}
        for region in self.memory.values():
            if region.kind != "BIT":
                given = params.get(region.name)
                many = cast("list[Any]", given if isinstance(given, list) else [given])
                self.numbers[region.name] = list(many) if given is not None else [None] * region.size
        self.changed = False
        self.active: lg.Bit = lg.TRUE
        self.waiting: dict[str, lg.Bit] = {}
        self.labels = {
            each.rest: k
            for k, each in enumerate(parsed.statements)
            if isinstance(each, Statement) and each.word == "LABEL"
        }

    def follow(self) -> None:
        """Every statement that a shot may reach."""
        statements, at, steps = self.parsed.statements, 0, 0
        while at < len(statements):
            each = statements[at]
            at += 1
            steps += 1
            if steps > LIMITS.expansion_nodes:
                raise Refused("QUIL-10", f"the program runs for more than {LIMITS.expansion_nodes} instructions")
            if isinstance(each, Statement):
                if each.word == "LABEL":
                    self.active = self.logic.either(self.active, self.waiting.pop(each.rest, lg.FALSE))
                elif lg.constant_of(self.active) is not False:
                    at = self._statement(each, at)
            elif lg.constant_of(self.active) is not False:
                self._under(self.replay.gate, *self._settle(self.layout.move(each)))

    def _under(self, do: Callable[..., None], *args: Any) -> None:
        """Does something in the shots that are here."""
        if lg.constant_of(self.active):
            do(*args)
            return
        self.builder.enter(self.active)
        do(*args)
        self.builder.leave()

    def _settle(self, gate: Gate) -> Gate:
        """A gate with the numbers that its memory holds now."""
        if not self.changed or not gate[1]:
            return gate
        return (gate[0], tuple(self._value(angle) for angle in gate[1]), *gate[2:])

    def _value(self, angle: Angle) -> Angle:
        if not isinstance(angle, Expression):
            return angle
        if angle.op in ("parameter", "element"):
            vector, at = (angle.args[0], 0) if angle.op == "parameter" else (angle.args[0].name, angle.args[1])
            held = self.numbers[vector][at]
            return angle if held is None else float(held)
        return Expression(angle.op, tuple(self._value(each) for each in angle.args)).at({})

    # -- statements --------------------------------------------------------------------------------------------------

    def _statement(self, each: Statement, at: int) -> int:
        """Does a statement, and gives the place of the next."""
        word, words, line = each.word, each.rest.split(), each.line
        match word:
            case "MEASURE":
                self._measure(words, line)
            case "RESET":
                qubits = [qubit_of(w, line) for w in words[:1]] or list(self.layout.place)
                for qubit in qubits:
                    self._under(self.replay.step, "core.reset", {}, (self.layout.place[qubit],))
            case "KRAUS":
                self._kraus(each)
            case "HALT":
                self.active = lg.FALSE
            case "NOP" | "WAIT":
                pass
            case "JUMP" | "JUMP-WHEN" | "JUMP-UNLESS":
                return self._jump(word, words, at, line)
            case _:
                self._compute(word, words, line)
        return at

    def _measure(self, words: list[str], line: int) -> None:
        if not 1 <= len(words) <= 2:
            raise Refused("QUIL-01", "MEASURE names a qubit, and where the bit goes", line=line)
        qubit = qubit_of(words[0], line)
        bit = self.layout.bit(words[1], line) if len(words) > 1 else self.layout.hidden
        self._record(bit, "core.mz", {}, (self.layout.place[qubit],), (), (bit,))
        if qubit in self.parsed.povm:
            p01, p10 = self.parsed.povm[qubit]
            self._record(bit, "noise.readout", {"p01": p01, "p10": p10}, (), (bit,), (bit,))

    def _record(self, bit: int, *step: Any) -> None:
        """A step that writes a bit in the shots that are here; in others the bit stays."""
        before = self.branching.bits[bit]
        self._under(self.replay.step, *step)
        self._write(bit, self.branching.bits[bit], before)

    def _write(self, bit: int, value: lg.Bit, before: lg.Bit) -> None:
        bits = self.branching.bits
        bits[bit] = value if lg.constant_of(self.active) else self.builder.merge(self.active, value, before)

    def _kraus(self, each: Statement) -> None:
        head, _, tail = each.rest.rpartition(")") if ")" in each.rest else each.rest.partition(" ")
        numbers = tuple(map(int, tail.split()))
        operators = self.parsed.kraus[head.partition("(")[0].strip(), numbers]
        places = tuple(self.layout.place[qubit] for qubit in numbers)
        self._under(self.replay.step, "noise.kraus", {"operators": operators}, places)

    def _jump(self, word: str, words: list[str], at: int, line: int) -> int:
        if not words or words[0] not in self.labels or len(words) != (1 if word == "JUMP" else 2):
            raise Refused("QUIL-01", f"{word} {' '.join(words)[:40]} names no label of the program", line=line)
        target = self.labels[words[0]]
        taken: lg.Bit = lg.TRUE
        if word != "JUMP":
            taken = self._truth(words[1], line)
            taken = lg.negate(taken) if word == "JUMP-UNLESS" else taken
        goes = self.logic.both(self.active, taken)
        if lg.constant_of(goes) is False:
            return at
        if target < at:
            if not (lg.constant_of(goes) and lg.constant_of(self.active)):
                raise Refused("QUIL-07", "the loop ends by a measurement, so its length is not known", line=line)
            return target
        self.waiting[words[0]] = self.logic.either(self.waiting.get(words[0], lg.FALSE), goes)
        self.active = self.logic.both(self.active, lg.negate(taken))
        return at

    # -- memory ------------------------------------------------------------------------------------------------------

    def _number(self, text: str, line: int) -> float:
        """A number that is known now."""
        try:
            return float(text)
        except ValueError:
            region, index = region_of(self.memory, text, line)
        if region.kind == "BIT":
            known = lg.constant_of(self.branching.bits[self.layout.first[region.name] + index])
            if known is None:
                raise Refused("QUIL-07", f"a number that depends on the bit {text[:40]}", line=line)
            return float(known)
        value = self.numbers[region.name][index]
        if value is None:
            text = f"the value of {text[:40]} decides what the program does"
            raise Refused("QUIL-07", text, "give its value as a parameter when the program is read", line)
        return value

    def _truth(self, text: str, line: int) -> lg.Bit:
        """The value of a bit, or of a number: whether it is not 0."""
        found = reference(text)
        if found is not None and found[0] in self.layout.first:
            return lg.restrict(self.branching.bits[self.layout.bit(text, line)], self.builder.facts)
        return lg.constant(self._number(text, line) != 0)

    def _compute(self, word: str, words: list[str], line: int) -> None:
        wanted = 1 if word in ("NOT", "NEG") else 3 if word in _COMPARE else 2
        if len(words) != wanted:
            raise Refused("QUIL-01", f"{word} has {wanted} operands", line=line)
        region, index = region_of(self.memory, words[0], line)
        if region.kind != "BIT":
            self._store(word, words, region, index, line)
            return
        bits = self.branching.bits
        bit = self.layout.first[region.name] + index
        old = bits[bit]
        match word:
            case "MOVE" | "CONVERT":
                new = self._truth(words[1], line)
            case "NOT":
                new = lg.negate(old)
            case "AND" | "IOR" | "XOR":
                join = {"AND": self.logic.both, "IOR": self.logic.either, "XOR": self.logic.differ}[word]
                new = join(old, self._truth(words[1], line))
            case "EXCHANGE":
                other = self.layout.bit(words[1], line)
                new = bits[other]
                self._write(other, old, new)
            case _ if word in _COMPARE:
                new = self._compare(word, words[1:], line)
            case _:
                raise Refused("QUIL-04", f"{word} of the bit {words[0][:40]}", line=line)
        self._write(bit, new, old)

    def _compare(self, word: str, words: list[str], line: int) -> lg.Bit:
        if not any((found := reference(each)) and found[0] in self.layout.first for each in words):
            return lg.constant(_COMPARE[word](self._number(words[0], line), self._number(words[1], line)))
        a, b = (self._truth(each, line) for each in words)
        rows = [_COMPARE[word](x, y) for x in (0, 1) for y in (0, 1)]
        low = self.logic.select(b, lg.constant(rows[1]), lg.constant(rows[0]))
        high = self.logic.select(b, lg.constant(rows[3]), lg.constant(rows[2]))
        return self.logic.select(a, high, low)

    def _store(self, word: str, words: list[str], region: Memory, index: int, line: int) -> None:
        """Writes a number."""
        if not lg.constant_of(self.active):
            raise Refused("QUIL-07", f"{words[0][:40]} would depend on a measurement", line=line)
        held = self.numbers[region.name]
        if word in ("MOVE", "CONVERT"):
            new = self._number(words[1], line)
        elif word == "NEG":
            new = -self._number(words[0], line)
        elif word == "EXCHANGE":
            other, at = region_of(self.memory, words[1], line)
            new, self.numbers[other.name][at] = self._number(words[1], line), self._number(words[0], line)
        elif word in _COMPUTE:
            right = self._number(words[1], line)
            if word == "DIV" and not right:
                raise Refused("QUIL-07", f"division of {words[0][:40]} by 0", line=line)
            new = _COMPUTE[word](self._number(words[0], line), right)
        elif word in ("AND", "IOR", "XOR"):
            left, right = int(self._number(words[0], line)), int(self._number(words[1], line))
            new = {"AND": left & right, "IOR": left | right, "XOR": left ^ right}[word]
        else:
            raise Refused("QUIL-04", f"{word} of the number {words[0][:40]}", line=line)
        held[index] = int(new) if region.kind != "REAL" else float(new)
        self.changed = True
