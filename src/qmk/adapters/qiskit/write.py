"""Writes a ``qmk.Circuit`` as a ``qiskit.QuantumCircuit``, with its registers, parameters, phase and branches."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

import contextlib
import math
from typing import Any, cast

from qiskit.circuit import (
    AnnotatedOperation,
    CircuitInstruction,
    ClassicalRegister,
    Clbit,
    PowerModifier,
    QuantumCircuit,
    QuantumRegister,
    Qubit,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Kraus

from qmk.adapters.qiskit.angles import Written
from qmk.adapters.qiskit.gates import WRITTEN
from qmk.adapters.qiskit.read import LOOSE
from qmk.circuit.building import PARAMS
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition
from qmk.ir.parameters import decode_name
from qmk.qvm import matrices
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.op import KrausChannel
from qmk.sdk.adapter import cannot

# This reads the parts of a circuit.
# pyright: reportPrivateUsage=false

_GATES = {name: type(gate) for name, gate in get_standard_gate_name_mapping().items()}
_TURNS = {"core.mx": (("h",), ("h",)), "core.my": (("sdg", "h"), ("h", "s"))}
"""Gates before and after a measurement of Z that make it one of another basis."""


def write(circuit: Circuit) -> QuantumCircuit:
    """The circuit as Qiskit has it. A fence becomes a barrier on all qubits, which is what it keeps in order.

    Raises UNSUPPORTED with the op and its number for what Qiskit has no instruction for."""
    circuit._require_finished()
    return _Writer(circuit).run(circuit._items)


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        self.made = made = QuantumCircuit()
        measured = {bit for item in circuit._items if isinstance(item, Step) for bit in item.writes}
        self.bits: list[Any] = []
        self.angles = Written()
        for name, size in circuit._qubit_registers:
            if name.startswith(f"{LOOSE}_qubits"):
                made.add_bits([Qubit() for _ in range(size or 1)])
            else:
                made.add_register(QuantumRegister(size or 1, decode_name(name)))
        for register in circuit._bit_registers:
            if not register.shown and measured.isdisjoint(register.bits):
                self.bits += [made.add_var(f"{register.name}_{k}", expr.lift(False)) for k in register.bits]
                continue
            found = [Clbit() for _ in register.bits]
            self.bits += found
            if register.shown and not register.name.startswith(f"{LOOSE}_bits"):
                made.add_register(ClassicalRegister(bits=found, name=decode_name(register.name)))
            else:
                made.add_bits(found)
        self.blocks: list[tuple[contextlib.AbstractContextManager[Any], Any]] = []

    def run(self, items: list[Item]) -> QuantumCircuit:
        for at, item in enumerate(items):
            match item:
                case If():
                    block = self.made.if_test(self._expression(item.condition))
                    self.blocks.append((block, block.__enter__()))
                case Else():
                    block, other = self.blocks.pop()
                    block.__exit__(None, None, None)
                    other.__enter__()
                    self.blocks.append((other, None))
                case End():
                    self.blocks.pop()[0].__exit__(None, None, None)
                case Assign():
                    self.made.store(self.bits[item.bit], self._expression(item.value))
                case Step():
                    self._step(item, at)
                case _:
                    self._gate(cast("Any", item), at)
        return self.made

    # -- gates -------------------------------------------------------------------------------------------------------

    def _gate(self, item: Any, at: int) -> None:
        name, angles, qubits, controls, power = cast("ModifiedGate", (*item, "", 1.0)[:5])
        if name == "gphase" and not controls:
            self.made.global_phase += self.angles.write(angles[0]) * power
            return
        gate = self._plain(name, [self.angles.write(angle) for angle in angles], at)
        if power != 1.0:
            gate = AnnotatedOperation(gate, PowerModifier(power))
        if controls and name == "gphase":  # a phase under controls is one of the last of them
            if controls[-1] == "0":
                self.made.x(qubits[-1])
            self._gate(("p", angles, qubits, controls[:-1], power) if controls[1:] else ("p", angles, qubits), at)
            if controls[-1] == "0":
                self.made.x(qubits[-1])
            return
        if controls:
            annotated = isinstance(gate, AnnotatedOperation)
            gate = gate.control(len(controls), ctrl_state=controls[::-1], annotated=annotated)
        on = [self.made.qubits[k] for k in qubits]
        if self.blocks:
            self.made.append(gate, on, copy=False)
        else:  # at the top level qiskit has this for gates on qubits that are there and distinct: a third of the time
            self.made._append(CircuitInstruction(gate, on, ()))

    def _plain(self, name: str, angles: list[Any], at: int) -> Any:
        if name in WRITTEN:
            return _GATES[WRITTEN[name]](*angles)
        if name == "gphase":
            return _GATES["p"](*angles)
        if name == "qasm_u":
            inner = QuantumCircuit(1, global_phase=angles[0] / 2)
            inner.u(*angles, 0)
            return inner.to_gate(label="qasm_u")
        op = FIXED_SIZE[name]
        if any(not isinstance(angle, float) for angle in angles) or op.matrix is None:
            inner = QuantumCircuit(op.vqs.low)
            if op.lower is None:
                raise cannot("qiskit", f"gate '{name}' with a parameter", f"op {at}", "bind its parameters")
            writer = _Writer(Circuit(op.vqs.low))
            values = dict(zip(PARAMS[name], cast("Any", angles), strict=True))
            for step in op.lower(values, op.vqs.low):
                short = step.op.removeprefix("core.")
                writer._gate((short, tuple(step.args[each] for each in PARAMS[short]), step.operands), at)
            return writer.made.to_gate(label=name)
        matrix = op.matrix(dict(zip(PARAMS[name], angles, strict=True)))
        size = op.vqs.low
        inner = QuantumCircuit(size)  # of the matrix the first qubit is the highest bit, of theirs the last
        inner.append(UnitaryGate(matrix), inner.qubits[::-1])
        return inner.to_gate(label=name) if size > 1 else UnitaryGate(matrix, label=name)

    # -- other ops ---------------------------------------------------------------------------------------------------

    def _step(self, step: Step, at: int) -> None:
        made = self.made
        qubits = [made.qubits[k] for k in step.qubits]
        bits = [self.bits[k] for k in step.writes]
        op = OPS[step.op]
        match step.op:
            case "core.mz" | "core.mx" | "core.my":
                before, after = _TURNS.get(step.op, ((), ()))
                for name in before:
                    made.append(_GATES[name](), qubits)
                made.measure(qubits, bits)
                for name in after:
                    made.append(_GATES[name](), qubits)
            case "core.mbell":
                made.cx(*qubits)
                made.h(qubits[0])
                made.measure(qubits, bits)
                made.h(qubits[0])
                made.cx(*qubits)
            case "core.reset":
                made.reset(qubits)
            case "core.barrier":
                made.barrier(qubits)
            case "core.fence":
                made.barrier()
            case _ if op.channel is not None and not step.reads:
                made.append(_channel(op.channel(step.args, len(qubits))), qubits[::-1])
            case _ if op.lower is not None and op.op_class == "unitary":
                for each in op.lower(step.args, len(step.qubits)):
                    short = each.op.removeprefix("core.")
                    operands = tuple(step.qubits[k] for k in each.operands)
                    self._gate((short, tuple(each.args[name] for name in PARAMS[short]), operands), at)
            case _:
                raise cannot("qiskit", f"there is no instruction for '{step.op}'", f"op {at}", "take it out")

    # -- conditions --------------------------------------------------------------------------------------------------

    def _expression(self, condition: Condition) -> Any:
        match condition.op, condition.args:
            case "bit", (index, *_):
                return expr.lift(self.bits[index])
            case "not", (one,):
                return expr.logic_not(self._expression(one))
            case "equal", (value, *bits):
                return self._equal(value, bits)
            case "table", (table, *bits):
                return self._table(table, bits)
            case op, (left, right):
                combine = {"and": expr.logic_and, "or": expr.logic_or, "xor": expr.not_equal}[op]
                return combine(self._expression(left), self._expression(right))
            case _:
                raise AssertionError(condition.op)

    def _equal(self, value: int, bits: list[Condition]) -> Any:
        if all(bit.op == "bit" for bit in bits):
            wanted = [self.bits[bit.args[0]] for bit in bits]
            for register in self.made.cregs:
                if list(register) == wanted:
                    return expr.equal(register, value)
        found = None
        for k, bit in enumerate(bits):
            one = self._expression(bit)
            one = one if value >> k & 1 else expr.logic_not(one)
            found = one if found is None else expr.logic_and(found, one)
        return found

    def _table(self, table: int, bits: list[Condition]) -> Any:
        """A truth table: its high half where the last bit is 1, its low half where that is 0."""
        if not bits or table in (0, (1 << (1 << len(bits))) - 1):
            return expr.lift(bool(table & 1))
        half = 1 << (len(bits) - 1)
        high, low = self._table(table >> half, bits[:-1]), self._table(table & ((1 << half) - 1), bits[:-1])
        last = self._expression(bits[-1])
        return expr.logic_or(expr.logic_and(last, high), expr.logic_and(expr.logic_not(last), low))


def _channel(channel: Any) -> Any:
    """A channel as Qiskit's ``Kraus``."""
    if isinstance(channel, KrausChannel):
        return Kraus([list(map(list, matrix)) for matrix in channel.operators]).to_instruction()
    size = round(math.log(len(channel.chances), 4))
    letters = ["IXYZ"[k] for k in range(4)]
    strings = [""]
    for _ in range(size):
        strings = [text + letter for text in strings for letter in letters]
    operators = [
        [[math.sqrt(p) * x for x in row] for row in matrices.pauli_string(text)]
        for text, p in zip(strings, channel.chances, strict=True)
        if p > 0
    ]
    return Kraus(operators).to_instruction()
