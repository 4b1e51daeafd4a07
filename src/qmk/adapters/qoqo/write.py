"""``qmk.Circuit`` to ``qoqo.Circuit``, by way of its JSON. Qubits are numbers, registers of bits keep their names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
import qoqo  # pyright: ignore[reportMissingTypeStubs]

from qmk.adapters.qoqo.symbols import to_text
from qmk.circuit import whole
from qmk.circuit.applying import items_of
from qmk.circuit.building import PARAMS
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm.unitary import synthesise
from qmk.ir.parameters import Angle, Expression
from qmk.ir.qoqo_gates import OTHER_PHASE, QOQO
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.sdk.adapter import cannot

# What a writer of circuits reads is theirs alone.
# pyright: reportPrivateUsage=false

lib: Any = qoqo
_VERSION = {"major_version": 1, "minor_version": 0}
Operation = dict[str, Any]


def write(circuit: Circuit) -> Any:
    """The circuit as qoqo has it. Raises UNSUPPORTED for branches on other than bits that are 1, and whatever else qoqo
    has not."""
    circuit._require_finished()
    writer = _Writer(circuit)
    body = {"definitions": writer.definitions, "operations": writer.operations, "_roqoqo_version": _VERSION}
    return lib.Circuit.from_json(msgspec.json.encode(body).decode())


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        self.n_qubits = circuit.n_qubits
        self.bits: dict[int, tuple[str, int]] = {}
        self.definitions: list[Operation] = []
        for register in circuit._bit_registers:
            body = {"name": register.name, "length": len(register.bits), "is_output": register.shown}
            self.definitions.append({"DefinitionBit": body})
            self.bits.update({bit: (register.name, k) for k, bit in enumerate(register.bits)})
        self.operations: list[Operation] = []
        open_branches: list[tuple[list[Operation], Condition]] = []
        for at, item in enumerate(circuit._items):
            match item:
                case If():
                    open_branches.append((self.operations, item.condition))
                    self.operations = []
                case Else():
                    raise cannot("qoqo", "a branch with another side", f"op {at}", "branch on bits that are 1")
                case End():
                    self.operations, inner = open_branches[-1][0], self.operations
                    self.operations += self._branch(open_branches.pop()[1], inner, f"op {at}")
                case _:
                    self.operations += self._item(item, f"op {at}")
        if circuit._shots is not None and self.definitions:
            readout = self.definitions[0]["DefinitionBit"]["name"]
            body = {"number_measurements": circuit._shots, "readout": readout}
            self.operations.append({"PragmaSetNumberOfMeasurements": body})

    def _branch(self, condition: Condition, inner: list[Operation], place: str) -> list[Operation]:
        if condition.op == "and":
            return self._branch(condition.args[0], self._branch(condition.args[1], inner, place), place)
        if condition.op != "bit":
            raise cannot("qoqo", "a branch that is not taken where bits are 1", place, "branch on bits that are 1")
        register, index = self.bits[condition.args[0]]
        body = {"condition_register": register, "condition_index": index, "circuit": _circuit(inner)}
        return [{"PragmaConditional": body}]

    def _item(self, item: Item, place: str) -> list[Operation]:
        if isinstance(item, Step):
            return self._step(item, place)
        if isinstance(item, Assign):
            if item.value.op != "table" or len(item.value.args) != 1:
                raise cannot("qoqo", "a bit that is computed", place, "compute it after the run")
            name, index = self.bits[item.bit]
            return [{"InputBit": {"name": name, "index": index, "value": bool(item.value.args[0] & 1)}}]
        name, angles, qubits, controls, power = cast("ModifiedGate", (*item, "", 1.0)[:5])
        return self._gate(name, angles, qubits, controls, power, place)

    def _gate(
        self, name: str, angles: tuple[Angle, ...], qubits: tuple[int, ...], controls: str, power: float, place: str
    ) -> list[Operation]:
        if controls:
            inner = self._gate(name, angles, qubits[1:], controls[1:], power, place)
            body = {"controlling_qubit": qubits[0], "circuit": _circuit(inner)}
            flip: list[Operation] = [] if controls[0] == "1" else [{"PauliX": {"qubit": qubits[0]}}]
            return [*flip, {"PragmaControlledCircuit": body}, *flip]
        if name == "gphase":
            return [{"PragmaGlobalPhase": {"phase": to_text(angles[0] * power, place)}}]
        if power != 1.0:
            return self._power(name, angles, qubits, power, place)
        known = None if name in OTHER_PHASE else QOQO.get(name)
        if known is not None:
            numbers = [to_text(each, place) for each in angles]
            keys = (*known.qubits, *known.params)
            return [{known.name: dict(zip(keys, (*qubits, *numbers), strict=True))}]
        lowered = whole.lower_step(Step(f"core.{name}", dict(zip(PARAMS[name], angles, strict=True)), qubits))
        return [operation for each in lowered or _native(name, angles, qubits) for operation in self._item(each, place)]

    def _power(
        self, name: str, angles: tuple[Angle, ...], qubits: Sequence[int], power: float, place: str
    ) -> list[Operation]:
        """A power of a gate by its matrix."""
        if any(isinstance(angle, Expression) for angle in angles):
            raise cannot("qoqo", f"{name} to the power {power:g}, whose angle has no value yet", place, "bind it first")
        declared = OPS[f"core.{name}"].matrix
        assert declared is not None
        matrix = powers.power(declared(dict(zip(PARAMS[name], angles, strict=True))), power)
        return [found for each in items_of(synthesise(matrix), qubits) for found in self._item(each, place)]

    def _step(self, step: Step, place: str) -> list[Operation]:
        match step.op:
            case "core.mz":
                register, index = self.bits[step.writes[0]]
                return [{"MeasureQubit": {"qubit": step.qubits[0], "readout": register, "readout_index": index}}]
            case "core.reset":
                return [{"PragmaActiveReset": {"qubit": qubit}} for qubit in step.qubits]
            case "core.barrier":
                qubits = list(step.qubits or range(self.n_qubits))
                return [{"PragmaStopParallelBlock": {"qubits": qubits, "execution_time": 0.0}}]
            case _:
                noise = _noise(step)
                if noise is not None:
                    return [noise]
                items = whole.lower_step(step) if step.op.startswith("core.") else None
                if items is None:
                    fix = "leave it out, or run the circuit with QMK"
                    raise cannot("qoqo", f"{step.op} ({OPS[step.op].doc})", place, fix)
                return [operation for each in items for operation in self._item(each, place)]


def _native(name: str, angles: Sequence[Angle], qubits: tuple[int, ...]) -> list[Item]:
    """A gate that has no lowering, as those that qoqo has."""
    if name == "sxdg":
        return [("gphase", (-math.pi / 4,), ()), ("rx", (-math.pi / 2,), qubits)]
    theta, phi, lam = angles
    rotations: list[Item] = [("rz", (lam,), qubits), ("ry", (theta,), qubits), ("rz", (phi,), qubits)]
    return [("gphase", ((phi + lam) / 2,), ()), *rotations]


_RATES: dict[str, tuple[str, str, Callable[[float], float]]] = {
    "noise.amplitude_damping": ("PragmaDamping", "gamma", lambda p: 1 - p),
    "noise.depolarize": ("PragmaDepolarising", "p", lambda p: 1 - 4 * p / 3),
    "noise.pauli": ("PragmaDephasing", "pz", lambda p: (1 - 2 * p) ** 0.5 if p <= 0.5 else 0.0),
}
"""Of each channel: qoqo's pragma, the only argument that may not be 0, and what is kept of coherence in time 1."""


def _noise(step: Step) -> Operation | None:
    """Noise as a rate for time 1; None where qoqo has no such pragma."""
    name, key, keeps = _RATES.get(step.op, ("", "", float))
    args: Mapping[str, Any] = {arg: value for arg, value in step.args.items() if value}
    if not name or len(step.qubits) != 1 or not args.keys() <= {key} or isinstance(args.get(key), Expression):
        return None
    kept = keeps(args.get(key, 0.0))
    return None if kept <= 0 else {name: {"qubit": step.qubits[0], "gate_time": 1.0, "rate": -math.log(kept)}}


def _circuit(operations: list[Operation]) -> Operation:
    return {"definitions": [], "operations": operations, "_roqoqo_version": _VERSION}
