"""``qoqo.Circuit`` to ``qmk.Circuit``, by way of its JSON, which one call gives.

Qubits are register ``q``. Registers of bits keep their names, and only outputs are printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import qoqo  # pyright: ignore[reportMissingTypeStubs]

from qmk.adapters.qoqo.symbols import from_text
from qmk.circuit import whole
from qmk.circuit.applying import items_of
from qmk.circuit.circuit import Circuit
from qmk.circuit.items import Assign, End, If, Item, PlainGate, Step
from qmk.circuit.objects import not_a_program
from qmk.circuit.operands import Condition
from qmk.circuit.reading import add_register
from qmk.frontends.openqasm.unitary import control, synthesise
from qmk.ir.parameters import Angle, Expression
from qmk.ir.qoqo_gates import OTHER_PHASE, QOQO
from qmk.sdk.adapter import cannot
from qmk.sdk.collection import no_collection

# The number of shots is a circuit's own.
# pyright: reportPrivateUsage=false

lib: Any = qoqo
_GATES = {known.name: (ours, known.qubits, known.params) for ours, known in QOQO.items() if ours not in OTHER_PHASE}
_OPERANDS = ("qubit", "control", "control_0", "control_1", "control_2", "target")
"""Keys of qubits in the order in which matrices have them, the first the highest."""
_CONTROLLED = {
    "ControlledControlledPhaseShift": "p",
    "MultiQubitCNOT": "x",
    "TripleControlledPauliX": "x",
    "TripleControlledPauliZ": "z",
    "TripleControlledPhaseShift": "p",
}
"""Gates under controls, all qubits but the last."""
_ROTATIONS = {"MultiQubitMS": "X", "MultiQubitZZ": "Z"}
"""Rotations about a product of one Pauli matrix. qoqo's own circuits of both hold for neighbours in order alone."""
_NOISE = {
    "PragmaDamping": ("noise.amplitude_damping", "gamma"),
    "PragmaDepolarising": ("noise.depolarize", "p"),
    "PragmaDephasing": ("noise.pauli", "pz"),
}
_VERSION = {"major_version": 1, "minor_version": 0}
_LOOP_LIMIT = 1_000_000


def read(program: object, params: Any) -> Circuit:
    """The circuit. Raises UNSUPPORTED naming what QMK has no form for, and where it stands."""
    if not isinstance(program, lib.Circuit):
        raise not_a_program("qoqo", program, "give the Circuit")
    with no_collection():
        return _Reader(program).circuit


class _Reader:
    def __init__(self, program: Any) -> None:
        self.circuit = Circuit()
        n_qubits = program.number_of_qubits()
        if n_qubits:
            self.circuit.add_qubits(n_qubits, "q")
        self.bits: dict[str, tuple[int, ...]] = {}
        self.values: dict[str, float] = {}
        document = msgspec.json.decode(program.to_json())
        whole.append(self.circuit, self._part(document, ""))

    def _part(self, document: Mapping[str, Any], within: str) -> list[Item]:
        """The items of a circuit, ``within`` the operations around it."""
        for at, each in enumerate(document["definitions"]):
            ((name, body),) = each.items()
            self._define(name, body, f"{within}definition {at}")
        items: list[Item] = []
        gates, add = _GATES, items.append
        for at, each in enumerate(document["operations"]):
            ((name, body),) = each.items()
            known = gates.get(name)
            if known is None:
                items += self._operation(name, body, f"{within}operation {at}")
                continue
            ours, qubits, params = known
            angles = [self._angle(body[key], f"{within}operation {at}") for key in params] if params else ()
            add((ours, tuple(angles), tuple([body[key] for key in qubits])))
        return items

    def _define(self, name: str, body: Mapping[str, Any], place: str) -> None:
        if name == "InputSymbolic":
            self.values[body["name"]] = body["input"]
        elif name == "DefinitionBit":
            if body["name"] in self.bits:
                raise cannot("qoqo", f"register '{body['name']}' is there already", place, "define it once")
            shown = body["is_output"]
            self.bits[body["name"]] = add_register(self.circuit, body["name"], body["length"], False, shown)
        else:
            fix = "leave it out, and ask qmk.state, qmk.expectation or qmk.probabilities"
            raise cannot("qoqo", f"{name} '{body['name']}': results of QMK's runs are bits", place, fix)

    def _operation(self, name: str, body: Any, place: str) -> list[Item]:
        """What is not a gate that QMK has too."""
        match name:
            case "MeasureQubit":
                return [_measure(body["qubit"], self._bit(body["readout"], body["readout_index"], place))]
            case "PragmaActiveReset":
                return [Step("core.reset", {}, (body["qubit"],))]
            case "PragmaStopParallelBlock":
                return [Step("core.barrier", {}, tuple(body["qubits"]))]
            case "PragmaGlobalPhase":
                return [("gphase", (self._angle(body["phase"], place),), ())]
            case "InputBit":
                value = Condition("table", (int(body["value"]),))
                return [Assign(self._bit(body["name"], body["index"], place), value)]
            case "PragmaConditional":
                bit = self._bit(body["condition_register"], body["condition_index"], place)
                inner = self._part(body["circuit"], f"{place} ({name}): ")
                return [If(Condition("bit", (bit,))), *inner, End()]
            case "PragmaLoop":
                return self._repeat(body, place)
            case "PragmaControlledCircuit":
                return self._control(body, place)
            case "PragmaSetNumberOfMeasurements":
                self.circuit._shots = body["number_measurements"]
                return []
            case "PragmaRepeatedMeasurement":
                self.circuit._shots = body["number_measurements"]
                into = body["qubit_mapping"] or {str(k): k for k in range(self.circuit.n_qubits)}
                return [_measure(int(q), self._bit(body["readout"], bit, place)) for q, bit in into.items()]
            case _ if name in _CONTROLLED:
                qubits = tuple(body["qubits"] if "qubits" in body else _operands(body))
                angles = (self._angle(body["theta"], place),) if "theta" in body else ()
                return [(_CONTROLLED[name], angles, qubits, "1" * (len(qubits) - 1), 1.0)]
            case _ if name in _ROTATIONS:
                qubits = tuple(body["qubits"])
                theta = self._angle(body["theta"], place)
                return [Step("core.paulirot", {"paulis": _ROTATIONS[name] * len(qubits), "theta": theta}, qubits)]
            case _:
                return self._other(name, body, place)

    def _other(self, name: str, body: Any, place: str) -> list[Item]:
        """Noise, and gates by their matrices; ``QFT`` by its circuit."""
        op = _as_object(name, body)
        try:
            if name in _NOISE:
                channel, key = _NOISE[name]
                return [Step(channel, {key: float(op.probability())}, (body["qubit"],))]
            if name == "QFT":
                return self._fourier(body, f"{place} ({name}): ")
            if "GateOperation" in op.tags():
                matrix = tuple(tuple(map(complex, row)) for row in op.unitary_matrix())
                return items_of(synthesise(matrix), _operands(body))
        except ValueError:
            fix = "give its parameters values with substitute_parameters"
            raise cannot("qoqo", f"{name} with an open parameter", place, fix) from None
        raise cannot("qoqo", f"{name} has no form in QMK", place, "leave it out, or write what it does as gates")

    def _fourier(self, body: Any, place: str) -> list[Item]:
        """By its circuit; the inverse as that circuit backwards, as qoqo's own circuit of it (1.22) is another than its
        matrix."""
        forward = _as_object("QFT", {**body, "inverse": False}).circuit()
        items = self._part(msgspec.json.decode(forward.to_json()), place)
        if not body["inverse"]:
            return items
        gates = cast("list[PlainGate]", items)
        return [(name, tuple(-angle for angle in angles), qubits) for name, angles, qubits in reversed(gates)]

    def _repeat(self, body: Any, place: str) -> list[Item]:
        count = self._angle(body["repetitions"], place)
        if isinstance(count, Expression):
            raise cannot("qoqo", "a loop whose length is open", place, "give the symbol a value")
        inner = self._part(body["circuit"], f"{place} (PragmaLoop): ")
        if not 0 <= count * max(len(inner), 1) <= _LOOP_LIMIT:
            raise cannot("qoqo", f"a loop of {count:g} repetitions", place, f"at most {_LOOP_LIMIT} gates in all")
        return inner * int(count)

    def _control(self, body: Any, place: str) -> list[Item]:
        qubit = body["controlling_qubit"]
        part = Circuit(self.circuit.n_qubits)
        whole.append(part, self._part(body["circuit"], f"{place} (PragmaControlledCircuit): "))
        if any(qubit in item[2] for item in part._items if type(item) is tuple):
            raise cannot("qoqo", f"qubit {qubit} controls itself", place, "control by another qubit")
        return items_of(control(whole.unitary_of(part), "1"), (qubit, *range(part.n_qubits)))

    def _angle(self, given: Any, place: str) -> Angle:
        return from_text(given, self.values, place) if isinstance(given, str) else float(given)

    def _bit(self, register: str, index: int, place: str) -> int:
        bits: Sequence[int] = self.bits.get(register, ())
        if not index < len(bits):
            size = f"which has {len(bits)} bits" if register in self.bits else "which is not defined"
            what = f"bit {index} of register '{register}', {size}"
            raise cannot("qoqo", what, place, "define the register with DefinitionBit, long enough")
        return bits[index]


def _operands(body: Mapping[str, Any]) -> list[int]:
    return [body[key] for key in _OPERANDS if key in body]


def _measure(qubit: int, bit: int) -> Step:
    return Step("core.mz", {}, (qubit,), (), (bit,))


def _as_object(name: str, body: Any) -> Any:
    document = {"definitions": [], "operations": [{name: body}], "_roqoqo_version": {**_VERSION, "minor_version": 20}}
    return lib.Circuit.from_json(msgspec.json.encode(document).decode())[0]
