"""Programs of Amazon Braket's SDK as ours.

A circuit's qubits become register ``q`` in the order of their numbers, its measurements write register ``b``; one that
measures nothing has all qubits measured at its end, as Braket does, into register ``measured``. The metadata
``braket`` has the numbers of the qubits, whether the measurements are Braket's addition, and the result types as
pragmas.
"""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportPrivateUsage=false
import re
from collections.abc import Mapping
from typing import Any

from braket.ahs import AnalogHamiltonianSimulation
from braket.circuits import Circuit as BraketCircuit
from braket.circuits import FreeParameterExpression, Gate, Measure, Noise, compiler_directives
from braket.circuits.moments import MomentType
from braket.circuits.serialization import IRType, OpenQASMSerializationProperties, QubitReferenceType
from braket.ir.ahs import Program as AnalogProgram
from braket.ir.openqasm import Program as TextProgram

from qmk.adapters.braket.expressions import to_expression
from qmk.base.errors import QmkError
from qmk.circuit.applying import items_of, raise_power
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Item, Step
from qmk.circuit.objects import not_a_program
from qmk.circuit.whole import append
from qmk.frontends.braket.channels import NOISE, kraus
from qmk.frontends.braket.gates import CORE, GATES
from qmk.frontends.openqasm.unitary import ROOT_QUBITS, Prim, Unitary, control, synthesise
from qmk.sdk.adapter import cannot

FRAMEWORK = "braket"

DIRECT: dict[type, str] = {
    kind: CORE[name]
    for kind in vars(Gate).values()
    if isinstance(kind, type) and (name := kind.__name__.lower()) in CORE and name != "gphase"
}
"""The core gate that each class of gates is."""

CHANNELS: dict[type, str] = {
    kind: name
    for kind in vars(Noise).values()
    if isinstance(kind, type) and (name := re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()) in NOISE
}
"""The channel, by its name in a pragma, that each class of noise is."""

PHYSICAL = OpenQASMSerializationProperties(qubit_reference_type=QubitReferenceType.PHYSICAL)
_MOVED = frozenset((MomentType.INITIALIZATION_NOISE, MomentType.READOUT_NOISE))
_VERBATIM = (compiler_directives.StartVerbatimBox, compiler_directives.EndVerbatimBox)
_INPUT = re.compile(r"^\s*input\s+[\w\[\]\s]+?\s(\w+)\s*;", re.MULTILINE)


def read(program: object, params: Mapping[Any, Any] | None) -> Circuit | bytes:
    """A circuit; the text of an analog program, or of OpenQASM whose inputs are still open. Raises UNSUPPORTED for
    another object."""
    if isinstance(program, BraketCircuit):
        return _Reading(program).circuit()
    if isinstance(program, AnalogHamiltonianSimulation):
        return program.to_ir().json().encode()
    if isinstance(program, AnalogProgram):
        return program.json().encode()
    if isinstance(program, TextProgram):
        return _read_text(program)
    fix = "give the Circuit, the AnalogHamiltonianSimulation, or the Program of braket.ir.openqasm or braket.ir.ahs"
    raise not_a_program(FRAMEWORK, program, fix)


def _read_text(program: Any) -> Circuit | bytes:
    declared, given = set(_INPUT.findall(program.source)), program.inputs or {}
    if declared and not given:
        return f"{program.source}\n#pragma braket verbatim\n".encode()  # which says whose dialect it is
    if lacking := sorted(declared - given.keys()):
        fix = "give values of all inputs in the program, or of all where it is run"
        raise cannot(FRAMEWORK, f"the inputs have no value for {lacking[0]}", "Program.inputs", fix)
    return Circuit.from_text(program.source, format="braket", params=given)


def _instructions(circuit: Any) -> list[Any]:
    """The instructions in order. An OrderedDict hashes its keys when it is walked, which costs as much as all else; its
    order is that of insertion, as a dict's is, where no noise has to be put to the beginning or the end."""
    moments = circuit._moments._moments
    if any(key[2] in _MOVED for key in dict.keys(moments)):
        return circuit.instructions
    return list(dict.values(moments))


class _Reading:
    def __init__(self, circuit: Any) -> None:
        self.source = circuit
        self.qubits = sorted(map(int, circuit.qubits))
        self.places = {qubit: place for place, qubit in enumerate(self.qubits)}
        self.made = Circuit({"q": len(self.qubits)} if self.qubits else 0)
        self.expressions: dict[Any, Any] = {}

    def circuit(self) -> Circuit:
        made, source = self.made, self.source
        instructions = _instructions(source)
        bits = [int(each._operator._target_index or 0) for each in instructions if type(each._operator) is Measure]
        if bits:
            made.add_bits(max(bits) + 1, "b")
        append(made, self._items(instructions))
        implicit = not bits and bool(self.qubits)
        if implicit:
            made.measure(range(len(self.qubits)), "measured")
        asked = [str(result.to_ir(IRType.OPENQASM, PHYSICAL)) for result in source.result_types]
        made._metadata["braket"] = {"qubits": self.qubits, "implicit": implicit, "pragmas": asked}
        return made

    def _items(self, instructions: list[Any]) -> list[Item]:
        places, found = self.places, list[Item]()
        add, direct = found.append, DIRECT
        for at, each in enumerate(instructions):
            operator = each._operator
            name = direct.get(type(operator))
            if name is None or each._control or each._power != 1:
                found += self._other(each, at)
                continue
            angles = getattr(operator, "_parameters", None)
            if angles is None:
                add((name, (), tuple([places[qubit] for qubit in each._target.item_list])))
            else:
                values = tuple([value if type(value) is float else self._number(value, at) for value in angles])
                add((name, values, tuple([places[qubit] for qubit in each._target.item_list])))
        return found

    def _number(self, value: Any, at: int) -> Any:
        if not isinstance(value, FreeParameterExpression):
            return float(value)
        text = str(value)
        if text not in self.expressions:
            self.expressions[text] = to_expression(value.expression, f"instruction {at}")
        return self.expressions[text]

    def _other(self, instruction: Any, at: int) -> list[Item]:
        operator, targets = instruction._operator, tuple([self.places[qubit] for qubit in instruction._target])
        place = f"instruction {at} ({operator.name} on {', '.join(str(int(qubit)) for qubit in instruction._target)})"
        if type(operator) is Measure:
            return [Step("core.mz", {}, targets, (), (int(operator._target_index or 0),))]
        if isinstance(operator, Noise):
            return [self._noise(operator, targets, place, at)]
        if isinstance(operator, compiler_directives.Barrier):
            return [Step("core.barrier", {}, targets or tuple(range(len(self.qubits))))]
        if isinstance(operator, _VERBATIM):
            return [Step("core.barrier", {}, tuple(range(len(self.qubits))))]
        unitary = self._unitary(operator, place, at)
        controls = tuple([self.places[qubit] for qubit in instruction._control])
        try:
            if instruction._power != 1:
                unitary = raise_power(operator.name, unitary, float(instruction._power))
        except QmkError as refused:
            raise cannot(FRAMEWORK, refused.message, place, str(refused.fields.get("help", ""))) from None
        if controls:
            unitary = control(unitary, "".join(map(str, instruction._control_state.as_tuple)))
        return items_of(unitary, (*controls, *targets))

    def _unitary(self, operator: Any, place: str, at: int) -> Unitary:
        if isinstance(operator, Gate.GPhase):
            return Unitary((Prim("gphase", (), {"gamma": self._number(operator.angle, at)}),))
        gate = GATES.get(type(operator).__name__.lower()) if isinstance(operator, Gate) else None
        if gate is not None:
            return gate.make(*(self._number(value, at) for value in getattr(operator, "parameters", ())))
        if isinstance(operator, Gate.Unitary) and operator.qubit_count <= ROOT_QUBITS:
            return synthesise(tuple(map(tuple, operator.to_matrix().tolist())))
        if isinstance(operator, Gate.Unitary):
            fix = f"write it as gates, or as unitaries on at most {ROOT_QUBITS} qubits"
            raise cannot(FRAMEWORK, f"a unitary on {operator.qubit_count} qubits", place, fix)
        fix = "write it as gates of Braket's; pulses and operators of your own have no form here"
        raise cannot(FRAMEWORK, f"a {type(operator).__name__} is not read", place, fix)

    def _noise(self, operator: Any, targets: tuple[int, ...], place: str, at: int) -> Step:
        name = CHANNELS.get(type(operator))
        if name is not None:
            op, args = NOISE[name][2](*(self._number(value, at) for value in operator.parameters))
        elif isinstance(operator, Noise.TwoQubitPauliChannel):
            chances = {f"p{pair.lower()}": self._number(p, at) for pair, p in operator.probabilities.items()}
            op, args = "noise.pauli2", {pair: p for pair, p in chances.items() if pair != "pii"}
        elif isinstance(operator, Noise.Kraus) and len(targets) <= 2:
            op, args = kraus([matrix.tolist() for matrix in operator._matrices])
        elif isinstance(operator, Noise.Kraus):
            raise cannot(FRAMEWORK, f"a channel on {len(targets)} qubits", place, "write it on one and two qubits")
        else:
            fix = "write it as Noise.Kraus"
            raise cannot(FRAMEWORK, f"a {type(operator).__name__} is not read", place, fix)
        return Step(op, args, targets)
