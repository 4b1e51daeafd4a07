"""Reads a ``qiskit.QuantumCircuit`` as a ``qmk.Circuit``.

Qubits and bits keep their numbers; registers keep their names, encoded where these are not identifiers. Bits that are
in no register are in one of ours whose name begins with ``LOOSE``, so that they print in a row as in Qiskit's counts.
The global phases of the circuit and of all definitions are one item at the end.
"""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from typing import Any, cast

from qiskit.circuit import ControlledGate, Instruction, QuantumCircuit
from qiskit.circuit.annotated_operation import AnnotatedOperation, ControlModifier, InverseModifier, PowerModifier
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Kraus, SuperOp

from qmk.adapters.qiskit import classical as logic
from qmk.adapters.qiskit import gates
from qmk.adapters.qiskit.angles import name_of
from qmk.adapters.qiskit.flow import Flow
from qmk.base.errors import Finding
from qmk.circuit.applying import items_of, raise_power
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import If, Step
from qmk.circuit.objects import not_a_program
from qmk.circuit.whole import append, unitary_of
from qmk.formats.warnings import add_warnings
from qmk.frontends.openqasm.unitary import ROOT_QUBITS, Unitary, control, synthesise
from qmk.sdk.adapter import cannot

# This fills a circuit, whose parts it knows, and reads what Qiskit has no other way to.
# pyright: reportPrivateUsage=false

LOOSE = "loose"
FLOW = ("if_else", "switch_case", "for_loop", "while_loop", "box", "break_loop", "continue_loop")


def read(program: Any, params: object = None) -> Circuit:
    """The circuit. Raises UNSUPPORTED with the construct and the number of the instruction."""
    if isinstance(program, Instruction) and program.definition is not None:
        return read(program.definition)
    if not isinstance(program, QuantumCircuit):
        raise not_a_program("qiskit", program, "give a circuit")
    return Reader(program).run()


class Reader(Flow):
    """Reads one circuit."""

    def __init__(self, program: QuantumCircuit) -> None:
        super().__init__()
        self.program = program
        self.phase: Any = 0.0

    def run(self) -> Circuit:
        program, circuit = self.program, self.circuit
        qubits, bits = program.qubits, program.clbits
        for name, size in _registers(qubits, program.qregs, f"{LOOSE}_qubits"):
            circuit.add_qubits(size, name)
        for name, size in _registers(bits, program.cregs, f"{LOOSE}_bits"):
            circuit.add_bits(size, name)
        self.state = [False] * len(bits)
        numbers = {bit: k for k, bit in enumerate(bits)}
        self.read_block(program, tuple(range(len(qubits))), numbers, "")
        if type(self.phase) is not float or self.phase:
            self.items.append(("gphase", (self.phase,), ()))
        append(circuit, self.items)
        return circuit

    def read_block(self, block: QuantumCircuit, qubits: tuple[int, ...], bits: dict[Any, int], place: str) -> None:
        before, self.classical.bits = self.classical.bits, bits
        if block.num_vars:
            self.declare(block, place or "the circuit")
        if block.global_phase:
            self._turn(self.angles.read(block.global_phase, place or "the global phase"))
        number = {qubit: qubits[k] for k, qubit in enumerate(block.qubits)}
        direct, composed, items = gates.DIRECT, gates.COMPOSED, self.items
        opened: list[list[bool | None]] = []
        for at, each in enumerate(block._data):
            name = each.name
            operands = tuple([number[qubit] for qubit in each.qubits])
            if each.is_standard_gate():
                angles: tuple[Any, ...] = tuple(each.params)
                if angles:
                    angles = self._angles(angles, at, name, place)
                if name in direct:
                    items.append((direct[name], angles, operands))
                    continue
                if name in composed:
                    items += composed[name](angles, operands)
                    continue
                if name == "global_phase":
                    self._turn(angles[0])
                    continue
            elif name == "measure":
                self.write(Step("core.mz", {}, operands, (), (bits[each.clbits[0]],)))
                continue
            self._read(each.operation, operands, tuple([bits[bit] for bit in each.clbits]), _place(place, at, name))
            if self.jumps and each.is_control_flow():
                passed = self.skip_condition()
                if logic.fixed_value(passed):
                    break
                if logic.fixed_value(passed) is None:
                    opened.append(self.state.copy())
                    items.append(If(logic.negate(passed)))
                    for bit in self.jumps[-1]:
                        self.state[bit] = False
        for state in reversed(opened):
            self._end([*state, *[False] * (len(self.state) - len(state))])
        self.classical.bits = before

    def _angles(self, given: tuple[Any, ...], at: int, name: str, place: str) -> tuple[Any, ...]:
        if all(type(angle) is float for angle in given):
            return given
        return tuple([self.angles.read(angle, _place(place, at, name)) for angle in given])

    def _turn(self, phase: Any) -> None:
        """Adds to the global phase."""
        self.phase = phase if type(self.phase) is float and not self.phase else self.phase + phase

    # -- one instruction ---------------------------------------------------------------------------------------------

    def _read(self, op: Any, qubits: tuple[int, ...], bits: tuple[int, ...], place: str) -> None:
        name = op.name
        if name in FLOW and op.__module__.startswith("qiskit.circuit"):
            self._flow(op, qubits, bits, place)
        elif name == "barrier":
            self.items.append(Step("core.barrier", {}, qubits))
        elif name == "reset":
            self.items.append(Step("core.reset", {}, qubits))
        elif name == "delay":
            self._delay(qubits, place)
        elif name == "measure":
            self.write(Step("core.mz", {}, qubits, (), bits))
        elif name == "store":
            self.store(op, place)
        elif name in ("kraus", "superop") and not op.definition:
            self._channel(op, qubits, place)
        elif isinstance(op, (AnnotatedOperation, ControlledGate)):
            self._add(self._unitary(op, place), qubits)
        elif isinstance(op, UnitaryGate) and op.num_qubits <= ROOT_QUBITS:
            matrix = tuple(tuple(complex(x) for x in row) for row in op.to_matrix())
            self._add(synthesise(matrix), qubits[::-1])
        elif isinstance(op, Instruction) and op.definition is not None:
            definition = op.definition
            self.read_block(definition, qubits, dict(zip(definition.clbits, bits, strict=True)), place)
        else:
            what = f"the instruction '{name}' ({type(op).__name__}) without a definition"
            raise cannot("qiskit", what, place, "take it out, or give it a definition of gates")

    def _add(self, unitary: Unitary, qubits: tuple[int, ...]) -> None:
        for item in cast("list[Any]", items_of(unitary, qubits)):
            if item[0] == "gphase" and len(item) == 3 and not item[2]:
                self._turn(item[1][0])
            else:
                self.items.append(item)

    def _unitary(self, op: Any, place: str) -> Unitary:
        """An operation of gates alone, its modifiers applied, with its exact phase."""
        if isinstance(op, AnnotatedOperation):
            found = self._unitary(op.base_op, place)
            for modifier in op.modifiers:
                match modifier:
                    case ControlModifier():
                        found = control(found, _state(modifier.ctrl_state, modifier.num_ctrl_qubits))
                    case InverseModifier():
                        found = raise_power(place, found, -1.0)
                    case PowerModifier():
                        found = raise_power(place, found, float(modifier.power))
                    case _:
                        what = f"the modifier {type(modifier).__name__}"
                        raise cannot("qiskit", what, place, "use inverse, power or control")
            return found
        if isinstance(op, ControlledGate) and op.base_gate.name == "u" and len(op.params) == 4:
            inner = QuantumCircuit(1, global_phase=op.params[3])  # CU has a phase that its base gate lacks
            inner.u(*op.params[:3], 0)
            return control(self._gates(inner), _state(op.ctrl_state, op.num_ctrl_qubits))
        if isinstance(op, ControlledGate):
            return control(self._unitary(op.base_gate, place), _state(op.ctrl_state, op.num_ctrl_qubits))
        inner = QuantumCircuit(op.num_qubits)
        inner.append(op, inner.qubits)
        return self._gates(inner)

    def _gates(self, inner: QuantumCircuit) -> Unitary:
        reader = Reader(inner)
        reader.angles = self.angles
        return unitary_of(reader.run())

    def _channel(self, op: Any, qubits: tuple[int, ...], place: str) -> None:
        """A noise channel on one or two qubits."""
        channel = Kraus(SuperOp(op) if op.name == "superop" else op)
        left, right = cast("tuple[Any, Any]", channel._data)
        if right is not None:
            raise cannot("qiskit", f"'{op.name}' is not a completely positive map", place, "give a channel")
        operators = [[[[x.real, x.imag] for x in row] for row in matrix.tolist()] for matrix in left]
        self.items.append(Step("noise.kraus", {"operators": operators}, qubits[::-1]))

    def _delay(self, qubits: tuple[int, ...], place: str) -> None:
        self.items.append(Step("core.barrier", {}, qubits))
        message = f"{place}: the delay only keeps its order: an ideal device has no clock"
        found = Finding("QASM3-024", message, severity="warning")
        self.circuit._metadata = add_warnings(self.circuit._metadata, [found])

    def _flow(self, op: Any, qubits: tuple[int, ...], bits: tuple[int, ...], place: str) -> None:
        def body(block: QuantumCircuit) -> Any:
            numbers = dict(zip(block.clbits, bits, strict=True))
            return lambda: self.read_block(block, qubits, numbers, place)

        match op.name:
            case "if_else":
                self.if_else(op, body, place)
            case "switch_case":
                self.switch(op, body, place)
            case "for_loop":
                self.for_loop(op, body, place)
            case "while_loop":
                self.while_loop(op, body, place)
            case "box":
                body(op.blocks[0])()
            case name:
                self.jump(name)


def _place(place: str, at: int, name: str) -> str:
    return f"{place}, " * bool(place) + f"instruction {at} ({name})"


def _state(number: int | None, count: int) -> str:
    """What controls must hold, the first one first."""
    return "1" * count if number is None else f"{number:0{count}b}"[::-1]


def _registers(given: list[Any], registers: list[Any], loose: str) -> list[tuple[str, int]]:
    """Names and sizes of registers that together hold these bits in order. A register that shares bits with one before
    it, or whose bits stand elsewhere, is left aside; bits of none of these are loose."""
    first = {register[0]: register for register in reversed(registers) if len(register)}
    found: list[tuple[str, int]] = []
    at = 0
    while at < len(given):
        register = first.get(given[at])
        if register is not None and given[at : at + len(register)] == list(register):
            found.append((name_of(register.name), len(register)))
            at += len(register)
            continue
        start = at
        at += 1
        while at < len(given) and given[at] not in first:
            at += 1
        found.append((loose + (str(len(found)) if any(name == loose for name, _ in found) else ""), at - start))
    return found
