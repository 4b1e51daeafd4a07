"""Front-end ``tfq``: a circuit as TensorFlow Quantum serializes it (``tfq.convert_to_tensor``), a protocol buffer.

The message is ``tfq.proto.Program`` of TensorFlow Quantum 0.7 (``core/proto/program.proto``, Apache-2.0); by number:
``Program`` 1 language (1 gate_set = "tfq_gate_set"), 2 circuit (2 moments (1 operations)); ``Operation`` 1 gate (1 id),
2 args (1 key, 2 value), 3 qubits (2 id); a value has 1 a constant (1 float, 3 text, 4 double) or 2 a symbol. A gate's
argument ``exponent`` is multiplied by ``exponent_scalar``, and so for the others; all are rounded to six digits, as
TensorFlow Quantum does. A qubit is "row_column" of a grid or a number on a line. Measurements are not in it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from qmk.formats import protobuf
from qmk.formats.json_rules import Rule
from qmk.frontends.cirq_json import CIRQ_RULES, load_cirq, to_circuit
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Inputs, Source, refuse, report_refused

_ROWS = (
    Rule(
        "TFQ-01",
        "not a program of TensorFlow Quantum's",
        "The bytes are one message tfq.proto.Program of TensorFlow Quantum 0.7 with gate set tfq_gate_set.",
        "serialize the circuit with tfq.convert_to_tensor",
    ),
    Rule(
        "TFQ-02",
        "a gate that is not in the set",
        "Gates and their arguments are those of TensorFlow Quantum's gate set.",
        "use a gate that tfq.util.get_supported_gates lists",
    ),
)
TFQ_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

_DIGITS = 6
_QUBIT = re.compile(r"q?(-?\d{1,9})(?:_(-?\d{1,9}))?\Z")

_POWERS = {
    "XP": "XPowGate",
    "XXP": "XXPowGate",
    "YP": "YPowGate",
    "YYP": "YYPowGate",
    "ZP": "ZPowGate",
    "ZZP": "ZZPowGate",
    "HP": "HPowGate",
    "CZP": "CZPowGate",
    "CNP": "CXPowGate",
    "SP": "SwapPowGate",
    "ISP": "ISwapPowGate",
    "PXP": "PhasedXPowGate",
    "PISP": "PhasedISwapPowGate",
}
_CHANNELS = {
    "ADP": ("AsymmetricDepolarizingChannel", ("p_x", "p_y", "p_z")),
    "DP": ("DepolarizingChannel", ("p",)),
    "GAD": ("GeneralizedAmplitudeDampingChannel", ("p", "gamma")),
    "AD": ("AmplitudeDampingChannel", ("gamma",)),
    "PD": ("PhaseDampingChannel", ("gamma",)),
    "PF": ("PhaseFlipChannel", ("p",)),
    "BF": ("BitFlipChannel", ("p",)),
    "RST": ("ResetChannel", ()),
}


def recognise(data: bytes) -> int:
    return 100 if data[:1] == b"\n" and b"\n\x0ctfq_gate_set" in data[:64] else 0


class _Arguments:
    """The arguments of one operation."""

    def __init__(self, operation: protobuf.Message, symbol: Callable[[str], Any]) -> None:
        entries = protobuf.messages(operation, 2)
        self._values = {protobuf.text(entry, 1): protobuf.message(entry, 2) for entry in entries}
        self._symbol = symbol

    def number(self, name: str) -> Any:
        """A number or a symbol, times the argument ``name_scalar`` where there is one."""
        value = self._values.get(name)
        if value is None:
            refuse("TFQ-02", f"argument '{name}' is missing")
        scalar = self._constant(f"{name}_scalar") if f"{name}_scalar" in self._values else 1.0
        symbol = protobuf.text(value, 2)
        if not symbol:
            return self._constant(name) * scalar
        return self._symbol(symbol) if scalar == 1.0 else self._symbol(symbol) * scalar

    def text(self, name: str) -> str:
        return protobuf.text(protobuf.message(self._values.get(name, {}), 1), 3)

    def _constant(self, name: str) -> float:
        value = protobuf.message(self._values[name], 1)
        return round(protobuf.real(value, 4 if 4 in value else 1), _DIGITS)


class _Reader:
    def __init__(self, cirq: Any, symbol: Callable[[str], Any]) -> None:
        self.cirq, self.symbol = cirq, symbol

    def circuit(self, data: bytes) -> Any:
        program = protobuf.read(data)
        if protobuf.text(protobuf.message(program, 1), 1) != "tfq_gate_set":
            refuse("TFQ-01", "its gate set is not tfq_gate_set")
        moments = protobuf.messages(protobuf.message(program, 2), 2)
        return self.cirq.Circuit(
            self.cirq.Moment(self._operation(each) for each in protobuf.messages(moment, 1)) for moment in moments
        )

    def _operation(self, operation: protobuf.Message) -> Any:
        args = _Arguments(operation, self.symbol)
        name = protobuf.text(protobuf.message(operation, 1), 1)
        qubits = [self._qubit(protobuf.text(each, 2)) for each in protobuf.messages(operation, 3)]
        made = self._gate(name, args, len(qubits)).on(*qubits)
        controls = args.text("control_qubits")
        if not controls:
            return made
        values = [int(each) for each in args.text("control_values").split(",")]
        return self.cirq.ControlledOperation([self._qubit(each) for each in controls.split(",")], made, values)

    def _gate(self, name: str, args: _Arguments, qubits: int) -> Any:
        cirq = self.cirq
        if name in _POWERS:
            given = {"exponent": args.number("exponent"), "global_shift": args.number("global_shift")}
            if name in ("PXP", "PISP"):
                given["phase_exponent"] = args.number("phase_exponent")
            if name == "PISP" and not given["global_shift"]:
                del given["global_shift"]
            return getattr(cirq, _POWERS[name])(**given)
        if name == "FSIM":
            return cirq.FSimGate(theta=args.number("theta"), phi=args.number("phi"))
        if name == "I":
            return cirq.IdentityGate(max(qubits, 1))
        if name not in _CHANNELS:
            refuse("TFQ-02", f"gate {name!r:.20} is not in TensorFlow Quantum's set")
        kind, wanted = _CHANNELS[name]
        return getattr(cirq, kind)(**{each: args.number(each) for each in wanted})

    def _qubit(self, text: str) -> Any:
        found = _QUBIT.match(text)
        if found is None:
            refuse("TFQ-01", f"{text!r:.40} is not a qubit of a grid or a line")
        first, second = int(found[1]), found[2]
        return self.cirq.LineQubit(first) if second is None else self.cirq.GridQubit(first, int(second))


def _read(source: Source) -> Any:
    cirq = load_cirq()
    sympy: Any = importlib.import_module("sympy")
    with report_refused({**CIRQ_RULES, **TFQ_RULES}, source):
        try:
            return to_circuit(_Reader(cirq, sympy.Symbol).circuit(source.data))
        except (ValueError, TypeError) as error:  # of the wire, and of Cirq about arguments
            refuse("TFQ-01", f"{error!s:.200}")


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with a finding for what is not such a message."""
    return _read(source).to_graph(source.params)


def inputs(source: Source) -> Inputs:
    return _read(source).inputs


FRONTEND = Frontend("tfq", "TensorFlow Quantum's serialized circuits", (".tfq",), recognise, parse, inputs=inputs)
