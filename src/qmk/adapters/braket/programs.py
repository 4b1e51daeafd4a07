"""Our circuits with feed-forward, resets or measurements on the way as OpenQASM of Amazon Braket.

Braket's ``Circuit`` has none of these; its OpenQASM has. What is written keeps to what the simulator of its SDK
runs: one register ``b`` of bits with zeros at first, conditions as comparisons of single bits, a bit computed from
others as a branch, and pragmas outside of branches.
"""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false
import functools
from collections.abc import Sequence
from typing import Any

from braket.circuits import Instruction, Measure
from braket.circuits.serialization import IRType, OpenQASMSerializationProperties, QubitReferenceType
from braket.ir.openqasm import Program

from qmk.adapters.braket.places import assign_places
from qmk.adapters.braket.reader import FRAMEWORK
from qmk.adapters.braket.writer import CircuitWriter
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, Step
from qmk.circuit.operands import Condition
from qmk.qvm.families import OPS
from qmk.sdk.adapter import cannot

VIRTUAL = OpenQASMSerializationProperties(qubit_reference_type=QubitReferenceType.VIRTUAL)


def is_circuit(circuit: Circuit) -> bool:
    """Whether a ``Circuit`` of Braket's can have all of it: nothing acts on a qubit that is measured, no reset, no
    branch and no bit that is computed."""
    measured: set[int] = set()
    for item in circuit._items:
        if isinstance(item, (Assign, If, Else, End)):
            return False
        qubits = item.qubits if isinstance(item, Step) else item[2]
        if not measured.isdisjoint(qubits):
            return False
        if isinstance(item, Step):
            if item.op in ("core.reset", "core.mpauli"):
                return False
            measured.update(item.qubits if item.writes else ())
    return True


def write(circuit: Circuit) -> Any:
    """The ``Program``. Raises UNSUPPORTED, naming the item, for noise in a branch, for result types, and for a bit
    that is printed and never measured."""
    return _ProgramWriter(circuit).program()


class _Lines:
    """Takes instructions as a circuit of Braket's does and keeps their text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def add_instruction(self, instruction: Any) -> None:
        for line in str(instruction.to_ir(IRType.OPENQASM, VIRTUAL)).splitlines():
            self.add(line)

    def add(self, line: str) -> None:
        self.lines.append("  " * self.depth + line)


class _ProgramWriter(CircuitWriter):
    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self.qubits = list(range(circuit.n_qubits))
        self.made = _Lines()

    def program(self) -> Any:
        if self.notes.get("pragmas"):
            fix = "take the result types away, or the branches, resets and measurements on the way"
            raise cannot(FRAMEWORK, "result types beside feed-forward", "the circuit", fix)
        items, count = list(self.source._items), self.source.n_qubits
        printed = [bit for register in self.source._bit_registers if register.shown for bit in register.bits]
        self.places, self.zeroed = assign_places(items, printed)
        measured = {self.places[bit] for item in items if isinstance(item, Step) for bit in item.writes}
        self.unreported = {bit for bit in printed if bit in self.places and self.places[bit] not in measured}
        self.write_items(items)
        head = ["OPENQASM 3.0;", *(f"input float {name};" for name in self.source.parameters)]
        head += [f"qubit[{count}] q;"] * (count > 0)
        if self.places:
            size = max(self.places.values()) + 1
            head.append(f'bit[{size}] b = "{"0" * size}";')
        return Program(source="\n".join([*head, *self.made.lines, ""]))

    def write_item(self, item: Item, at: int) -> None:
        for place in self.zeroed.get(at, ()):
            self.made.add(f"b[{place}] = 0;")
        match item:
            case If(condition):
                self._open(f"if ({self._condition(condition)}) {{")
            case Else():
                self._close()
                self._open("} else {")
            case End():
                self._close()
                self.made.add("}")
            case Assign(bit, _) if bit in self.unreported:
                fix = "measure into that bit first, or compute it from the result"
                raise cannot(FRAMEWORK, "a bit that is only computed, of which Braket reports nothing", self.place, fix)
            case Assign(bit, value):
                self._open(f"if ({self._condition(value)}) {{")
                self.made.add(f"b[{self.places[bit]}] = 1;")
                self._close()
                self._open("} else {")
                self.made.add(f"b[{self.places[bit]}] = 0;")
                self._close()
                self.made.add("}")
            case _:
                super().write_item(item, at)

    def _open(self, line: str) -> None:
        self.made.add(line)
        self.made.depth += 1
        self.by_steps = True

    def _close(self) -> None:
        self.made.depth -= 1
        self.by_steps = self.made.depth > 0  # a matrix is a pragma, which cannot stand in a branch

    # -- conditions --------------------------------------------------------------------------------------------------

    def _condition(self, value: Condition) -> str:
        match value.op, value.args:
            case "bit", (index, *_):
                return self._holds(index, 1)
            case "not", (Condition(op="bit") as one,):
                return self._holds(one.args[0], 0)
            case "not", (one,):
                return f"({self._condition(one)}) == false"
            case "and" | "or" | "xor", (left, right):
                word = {"and": "&&", "or": "||", "xor": "!="}[value.op]
                return f"({self._condition(left)}) {word} ({self._condition(right)})"
            case "equal", (number, *bits):
                return self._minterm(number, bits)
            case _:
                table, *bits = value.args
                rows = [self._minterm(k, bits) for k in range(1 << len(bits)) if table >> k & 1]
                return " || ".join(f"({row})" for row in rows) or "false"

    def _minterm(self, number: int, bits: Sequence[Condition]) -> str:
        parts = [self._condition(bit if number >> k & 1 else Condition("not", (bit,))) for k, bit in enumerate(bits)]
        return functools.reduce(lambda left, right: f"({left}) && ({right})", parts) if parts else "true"

    def _holds(self, bit: int, wanted: int) -> str:
        if bit not in self.places:  # nothing writes it, so that it is 0
            return "false" if wanted else "true"
        return f"b[{self.places[bit]}] == {wanted}"

    # -- ops ---------------------------------------------------------------------------------------------------------

    def _step(self, step: Step, qubits: list[int]) -> None:
        op = OPS[step.op]
        if op.op_class == "reset" and op.family == "core":
            for qubit in qubits:
                self.made.add(f"reset q[{qubit}];")
        elif step.op == "core.mz" or op.op_class not in ("measure", "composite") or op.lower is None:
            if op.family == "noise" and self.made.depth:
                raise cannot(FRAMEWORK, "noise in a branch", self.place, "put it outside of the branch")
            super()._step(step, qubits)
        else:
            self._write_steps(step, qubits)

    def _write_steps(self, step: Step, qubits: list[int]) -> None:
        """A measurement in another basis, or of a product: turned, measured and turned back."""
        lower = OPS[step.op].lower
        assert lower is not None
        for each in lower(step.args, len(qubits)):
            on = [qubits[k] for k in each.operands]
            if each.op == "core.mz":
                self.made.add_instruction(Instruction(Measure(index=self.places[step.writes[each.event]]), on))
            elif each.op == "core.reset":
                self.made.add(f"reset q[{on[0]}];")
            else:
                self._gate_step(each, on)
