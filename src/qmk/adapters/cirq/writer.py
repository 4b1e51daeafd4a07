"""A ``qmk.Circuit`` as a ``cirq.Circuit``.

A register that is measured as a whole at one place, or in equal parts one after the other from the left, is one key of
its name; else each of its bits is a key such as ``c[0]``. Qubits take the names of their registers where Cirq sorts
these in the same order, else they are a line. A barrier begins a new moment.
"""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import cmath
from collections.abc import Sequence
from typing import Any, cast

import cirq
import numpy as np
import sympy

from qmk.adapters.cirq.names import qubit_named
from qmk.adapters.cirq.written import channel, gate, phasor
from qmk.adapters.cirq.written_conditions import Values
from qmk.adapters.sympy_angles import write as value
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition
from qmk.ir.parameters import Angle, Expression
from qmk.sdk.adapter import cannot, require_other_names

# A writer reads the items and registers of a circuit.
# pyright: reportPrivateUsage=false

_MEASURES = {"core.mz": "", "core.mx": "X", "core.my": "Y"}


def write(circuit: Circuit) -> cirq.Circuit:
    """The circuit as Cirq has it. Raises UNSUPPORTED naming the op and its place."""
    circuit._require_finished()
    require_other_names("cirq", circuit.parameters)
    return _Writer(circuit).write()


class _Chunk:
    """Bits of one register that are measured side by side: a step for each, and what is done to the readings."""

    def __init__(self, register: int) -> None:
        self.register = register
        self.steps: list[Step] = []
        self.readouts: dict[int, tuple[float, float]] = {}
        self.inverted: set[int] = set()

    def takes(self, step: Step) -> bool:
        """Whether a measurement belongs to it."""
        plain = step.op == "core.mz" and all(each.op == "core.mz" for each in self.steps)
        used = {each.qubits[0] for each in self.steps}
        return plain and not self.readouts and not self.inverted and step.qubits[0] not in used

    @property
    def bits(self) -> list[int]:
        return [step.writes[0] for step in self.steps]


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        source: Any = circuit._metadata.get("source")
        given = source if isinstance(source, dict) and source.get("format") == "cirq" else {}
        self.names = cast("dict[str, dict[str, str]]", given)
        self.qubits = self._qubits()
        self.pieces: list[list[cirq.Operation]] = [[]]
        self.values = Values()
        self.branches: list[Condition] = []
        self.outside: list[list[cirq.Condition]] = []
        self.conditions: list[cirq.Condition] = []
        self.owner = {bit: k for k, register in enumerate(circuit._bit_registers) for bit in register.bits}
        self.joined: set[int] = set()
        self.chunks = self._chunks()
        self.keys = self._keys()
        self.written: set[int] = set()
        self.at = 0

    def write(self) -> cirq.Circuit:
        used: set[int] = set()
        for at, item in enumerate(self.circuit._items):
            self.at = at
            used.update(item[2] if type(item) is tuple else item.qubits if isinstance(item, Step) else ())
            self._item(item)
        idle = [qubit for k, qubit in enumerate(self.qubits) if k not in used]
        self.pieces[-1] += [cirq.I(qubit) for qubit in idle]
        made = cirq.Circuit(self.pieces[0])
        for piece in self.pieces[1:]:
            made += cirq.Circuit(piece)
        return made

    # -- names -------------------------------------------------------------------------------------------------------

    def _qubits(self) -> list[cirq.Qid]:
        registers = self.circuit._qubit_registers
        given = self.names.get("qubits", {})
        if [size is None for _, size in registers] == [False]:
            return list(cirq.LineQubit.range(self.circuit.n_qubits))
        found: list[cirq.Qid] = []
        for name, size in registers:
            if size is None:
                found.append(cirq.NamedQubit(given[name]) if name in given else qubit_named(name))
            else:
                found += [cirq.NamedQubit(f"{name}[{k}]") for k in range(size)]
        named = sorted(found) == found and len(set(found)) == len(found)
        return found if named else list(cirq.LineQubit.range(self.circuit.n_qubits))

    def _chunks(self) -> dict[int, _Chunk]:
        """By the number of the item that ends it, each measurement with what belongs to it."""
        found: dict[int, _Chunk] = {}
        last: _Chunk | None = None
        end = -1
        for at, item in enumerate(self.circuit._items):
            if isinstance(item, Step) and (item.op in _MEASURES or item.op == "core.mpauli"):
                register = self.owner[item.writes[0]]
                if last is None or last.register != register or not last.takes(item) or item.writes[0] in last.bits:
                    last = _Chunk(register)
                else:
                    del found[end]
                last.steps.append(item)
            elif last is None or not _joins(last, item):
                last = None
                continue
            else:
                del found[end]
                self.joined.add(at)
            end = at
            found[at] = last
        return found

    def _keys(self) -> dict[int, str]:
        """The keys of registers that are measured in equal parts from the left."""
        parts: dict[int, list[list[int]]] = {}
        for chunk in self.chunks.values():
            parts.setdefault(chunk.register, []).append(sorted(chunk.bits, key=self._place, reverse=True))
        found: dict[int, str] = {}
        for k, register in enumerate(self.circuit._bit_registers):
            own = parts.get(k, [])
            if [bit for part in own for bit in part] == list(reversed(register.bits)) and len({*map(len, own)}) == 1:
                found[k] = self.names.get("keys", {}).get(register.name, register.name)
        return found

    def _place(self, bit: int) -> int:
        return self.circuit._bit_registers[self.owner[bit]].bits.index(bit)

    def _refuse(self, what: str, fix: str) -> Exception:
        return cannot("cirq", what, f"op {self.at}", fix)

    # -- items -------------------------------------------------------------------------------------------------------

    def _item(self, item: Item) -> None:
        if type(item) is tuple:
            self._gate(*cast("ModifiedGate", item))
        elif isinstance(item, If):
            self._open(item.condition)
        elif isinstance(item, Else):
            before = self.branches.pop()
            self.conditions = self.outside.pop()
            self._open(Condition("not", (before,)))
        elif isinstance(item, End):
            self.branches.pop()
            self.conditions = self.outside.pop()
        elif isinstance(item, Assign):
            self._assign(item)
        elif isinstance(item, Step):
            self._step(item)
        chunk = self.chunks.get(self.at)
        if chunk is not None:
            self._measure(chunk)

    def _open(self, condition: Condition) -> None:
        resolved = self.values.resolve(condition)
        self.branches.append(resolved)
        self.outside.append(self.conditions)
        self.conditions = [*self.conditions, *self.values.write(resolved, f"op {self.at}")]

    def _add(self, operation: cirq.Operation) -> None:
        conditions = self.conditions
        self.pieces[-1].append(operation.with_classical_controls(*conditions) if conditions else operation)

    def _gate(
        self, name: str, angles: tuple[Angle, ...], numbers: tuple[int, ...], controls: str = "", power: float = 1.0
    ) -> None:
        qubits = [self.qubits[k] for k in numbers]
        if name == "gphase":
            self._add_phase(angles[0] * power, qubits, controls)
            return
        try:
            made, phase = gate(name, angles, power)
        except TypeError:
            fix = "give its parameters values: circuit.bind(...)"
            raise self._refuse(f"gate {name} with open parameters has no form in Cirq", fix) from None
        if controls:
            made = cirq.ControlledGate(made, control_values=[int(each) for each in controls])
        self._add(made.on(*qubits))
        if isinstance(phase, Expression) or phase:
            self._add_phase(phase, qubits[: len(controls)], controls)

    def _add_phase(self, angle: Angle, qubits: Sequence[cirq.Qid], controls: str) -> None:
        known = not isinstance(angle, Expression)
        factor: Any = cmath.exp(1j * angle) if known else sympy.exp(sympy.I * value(angle))
        made = cirq.global_phase_operation(factor)
        if controls:
            made = made.controlled_by(*qubits, control_values=[int(each) for each in controls])
        if controls or not self.conditions:  # one of a branch is not observable
            self._add(made)

    def _step(self, step: Step) -> None:
        qubits = [self.qubits[k] for k in step.qubits]
        if step.op in _MEASURES or step.op == "core.mpauli" or step.op == "noise.readout":
            if self.conditions:
                raise self._refuse("a measurement under a condition", "measure always, and use the bit where it counts")
            if step.op == "noise.readout" and self.at not in self.joined:
                raise self._refuse("a readout error apart from its measurement", "put it right behind the measurement")
        elif step.op == "core.reset":
            self._add(cirq.ResetChannel().on(*qubits))
        elif step.op == "core.paulirot":
            self._add(phasor(step.args["paulis"], step.args["theta"]).on(*qubits))
        elif step.op in ("core.barrier", "core.fence"):
            self.pieces.append([])
        elif step.op.startswith("noise.") and (made := channel(step.op, step.args, len(qubits))) is not None:
            self._add(made.on(*qubits))
        else:
            fix = "leave it out, or keep the program in QMK"
            raise self._refuse(f"{step.op} has no form in Cirq", fix)

    # -- bits --------------------------------------------------------------------------------------------------------

    def _assign(self, item: Assign) -> None:
        if self.at in self.joined:
            return
        register = self.circuit._bit_registers[self.owner[item.bit]]
        if register.shown or self.conditions:
            fix = "measure into it, and use the condition itself where it is needed"
            raise self._refuse(f"a value is written to bit '{self.circuit._bit_names[item.bit]}'", fix)
        self.values.assigned[item.bit] = self.values.resolve(item.value)

    def _measure(self, chunk: _Chunk) -> None:
        order = sorted(chunk.steps, key=lambda step: self._place(step.writes[0]), reverse=True)
        register = self.circuit._bit_registers[chunk.register]
        key = self.keys.get(chunk.register)
        parts = [order] if key is not None else [[step] for step in order]
        for part in parts:
            bits = [step.writes[0] for step in part]
            name = key or f"{register.name}[{self._place(bits[0])}]"
            if self.written.intersection(bits):
                fix = "measure into another bit"
                raise self._refuse(f"bit '{self.circuit._bit_names[bits[0]]}' is measured again", fix)
            self.written.update(bits)
            self._write_measurement(chunk, part, cirq.MeasurementKey.parse_serialized(name))
            self.values.measure(name, bits)

    def _write_measurement(self, chunk: _Chunk, steps: list[Step], key: cirq.MeasurementKey) -> None:
        first, bits = steps[0], [step.writes[0] for step in steps]
        paulis = first.args["paulis"] if first.op == "core.mpauli" else _MEASURES[first.op]
        if paulis:
            if bits[0] in chunk.readouts:
                raise self._refuse("a readout error of a Pauli measurement", "turn the basis and measure Z")
            string = cirq.DensePauliString(paulis, coefficient=-1 if bits[0] in chunk.inverted else 1)
            self._add(cirq.PauliMeasurementGate(string, key=key).on(*(self.qubits[k] for k in first.qubits)))
            return
        confusion = {(k,): _confusion(*chunk.readouts[bit]) for k, bit in enumerate(bits) if bit in chunk.readouts}
        mask = [bit in chunk.inverted for bit in bits]
        qubits = [self.qubits[step.qubits[0]] for step in steps]
        self._add(cirq.measure(*qubits, key=key, invert_mask=tuple(mask) if any(mask) else (), confusion_map=confusion))


def _joins(chunk: _Chunk, item: Item) -> bool:
    """Whether an item changes a reading of this measurement, which then has it."""
    if isinstance(item, Assign) and _negates(item) and item.bit in chunk.bits and item.bit not in chunk.inverted:
        chunk.inverted.add(item.bit)
        return True
    if isinstance(item, Step) and item.op == "noise.readout" and item.writes == item.reads:
        bit = item.writes[0]
        if bit in chunk.bits and bit not in chunk.inverted and bit not in chunk.readouts:
            chunk.readouts[bit] = float(item.args.get("p01", 0.0)), float(item.args.get("p10", 0.0))
            return True
    return False


def _negates(item: Assign) -> bool:
    return item.value == Condition("not", (Condition("bit", (item.bit,)),))


def _confusion(p01: float, p10: float) -> Any:
    return np.array([[1 - p01, p01], [p10, 1 - p10]])
