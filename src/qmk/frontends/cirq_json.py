"""Front-end ``cirq-json``: what ``cirq.to_json`` writes of a circuit, read by Cirq, where that is installed.

``cirq.read_json`` makes objects of any class that Cirq registers, and one of them evaluates text that it holds: in Cirq
1.5 a ``BooleanHamiltonianGate`` gives its formulas to sympy's parser, which is Python's ``eval``. So the document is
looked at first: only the types listed here are let through, their sizes are bounded, and operands of sympy are never
text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.formats.json_rules import Rule
from qmk.qvm.graph import Graph
from qmk.sdk import discovery
from qmk.sdk.frontend import Frontend, Inputs, Source, decode_json, json_object, refuse, report_refused, strip_bom
from qmk.sdk.references import require, resolve

_ROWS = (
    Rule(
        "CIRQ-01",
        "not a circuit of Cirq's",
        "The document is what cirq.to_json writes of one cirq.Circuit or cirq.FrozenCircuit.",
        "write it anew with cirq.to_json, of a version of Cirq not newer than the one here",
    ),
    Rule(
        "CIRQ-02",
        "a type that is not read from a file",
        "A document names only circuits, moments, operations, gates, channels, qubits, conditions and expressions. A "
        "BooleanHamiltonianGate is not among them: some versions of Cirq evaluate its text.",
        "decompose it with cirq.decompose before the circuit is written",
    ),
    Rule(
        "CIRQ-03",
        "too large",
        "Sizes that are written as numbers are within QMK's limits, and powers of numbers stay small.",
        "write a smaller circuit",
    ),
)
CIRQ_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}

_TYPES = """
Circuit FrozenCircuit Moment CircuitOperation GateOperation ControlledOperation ClassicallyControlledOperation
TaggedOperation SingleQubitPauliStringGateOperation PauliStringPhasor PauliString GlobalPhaseOperation
IdentityOperation ParallelGateOperation _ContextualSerialization _SerializedContext _SerializedKey VAL REF
LineQubit GridQubit NamedQubit LineQid GridQid NamedQid
MeasurementKey KeyCondition BitMaskKeyCondition SympyCondition ParamResolver ProductOfSums SumOfProducts
VirtualTag RoutingSwapTag Duration complex
XPowGate YPowGate ZPowGate HPowGate Rx Ry Rz _PauliX _PauliY _PauliZ XXPowGate YYPowGate ZZPowGate cirq.MSGate
CXPowGate CNotPowGate CYPowGate CZPowGate CCXPowGate CCNotPowGate CCYPowGate CCZPowGate CSwapGate SwapPowGate
ISwapPowGate PhasedISwapPowGate PhasedXPowGate PhasedXZGate FSimGate PhasedFSimGate IdentityGate WaitGate
GlobalPhaseGate MatrixGate SingleQubitMatrixGate TwoQubitMatrixGate DiagonalGate TwoQubitDiagonalGate
ThreeQubitDiagonalGate ControlledGate ParallelGate DensePauliString PauliStringPhasorGate PauliInteractionGate
QuantumFourierTransformGate PhaseGradientGate QubitPermutationGate UniformSuperpositionGate QasmUGate
SingleQubitCliffordGate CliffordGate CliffordTableau
MeasurementGate PauliMeasurementGate ResetChannel StatePreparationChannel DepolarizingChannel
AsymmetricDepolarizingChannel AmplitudeDampingChannel GeneralizedAmplitudeDampingChannel PhaseDampingChannel
PhaseFlipChannel BitFlipChannel KrausChannel MixedUnitaryChannel RandomGateChannel
sympy.Symbol sympy.Add sympy.Mul sympy.Pow sympy.GreaterThan sympy.StrictGreaterThan sympy.LessThan
sympy.StrictLessThan sympy.Equality sympy.Unequality sympy.And sympy.Or sympy.Not sympy.Xor sympy.Indexed
sympy.IndexedBase sympy.Float sympy.Integer sympy.Rational sympy.pi sympy.E sympy.EulerGamma
"""
TYPES = frozenset(_TYPES.split())
"""The values of ``cirq_type`` that are let through."""

_NAMES = frozenset({"sympy.Symbol", "sympy.IndexedBase", "sympy.Float"})
"""Types of sympy that hold text."""

_DECODER = msgspec.json.Decoder(Any)
_DEEPEST = 200
_LARGEST_POWER, _LARGEST_TOWER = 16, 4
_LARGEST_NUMBER = 1 << 64
_LARGEST_TABLE = 4
"""Qubits of what Cirq keeps as a table of 4^n entries, such as a channel that depolarizes n qubits."""


def recognise(data: bytes) -> int:
    return 100 if b'"cirq_type"' in json_object(data)[:4096] else 0


def load_cirq() -> Any:
    """Cirq. Raises UNSUPPORTED where it is not installed."""
    return require("cirq", "reading circuits of Cirq", "quantum-microkernel[cirq]")


def to_circuit(program: Any) -> Any:
    """A circuit of Cirq's from a document as one of ours, by its adapter. Raises Refused for parts of it that Cirq has
    not looked at and cannot use."""
    try:
        return resolve(discovery.adapters()["cirq"].reader)(program, None)
    except QmkError:
        raise
    except Exception as error:  # what a wrong value in an object of Cirq's makes it raise is not limited
        refuse("CIRQ-01", f"Cirq cannot use this: {str(error).strip() or type(error).__name__:.200}")


def _read(source: Source) -> Any:
    cirq = load_cirq()
    with report_refused(CIRQ_RULES, source):
        return to_circuit(_load(cirq, strip_bom(source.data)))


def _load(cirq: Any, data: bytes) -> Any:
    _look(decode_json(data, _DECODER, "CIRQ-01", "JSON"), 0, 0)
    try:
        found = cirq.read_json(json_text=data.decode())
    except Exception as error:  # what a broken document makes it raise is not limited
        refuse("CIRQ-01", f"Cirq cannot read this: {str(error).strip() or type(error).__name__:.200}")
    if not isinstance(found, cirq.AbstractCircuit):
        refuse("CIRQ-01", f"the document is a {type(found).__name__}, not a circuit")
    return found


def _look(value: Any, depth: int, tower: int) -> None:
    """Raises Refused for what must not be given to Cirq."""
    if depth > _DEEPEST:
        refuse("CIRQ-03", f"the document is nested more than {_DEEPEST} deep")
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            _look(each, depth + 1, tower)
    elif isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        kind = entries.get("cirq_type")
        if kind is not None:
            if kind not in TYPES:
                refuse("CIRQ-02", f"type {kind!r:.60} is not read from a file")
            tower += _look_at_object(kind, entries, tower)
        for each in entries.values():
            _look(each, depth + 1, tower)
    elif isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        refuse("CIRQ-03", f"the number {value!s:.20}... is too large")


def _look_at_object(kind: str, entries: Mapping[str, Any], tower: int) -> int:
    """How many powers this object adds to the tower that it stands in."""
    for name in ("num_qubits", "n_qubits"):
        size = entries.get(name)
        table = "Depolarizing" in kind
        if isinstance(size, int) and size > (_LARGEST_TABLE if table else LIMITS.qubits):
            refuse("CIRQ-03", f"{kind} on {size} qubits")
    if not kind.startswith("sympy.") or kind in _NAMES:
        return 0
    args: Any = entries.get("args", [])
    operands = cast("list[Any]", args) if isinstance(args, list) else [args]
    texts = [each for each in (*operands, entries.get("i"), entries.get("p"), entries.get("q")) if type(each) is str]
    if texts:
        refuse("CIRQ-02", f"{kind} holds the text {texts[0]!r:.60}, not a number or an expression")
    if kind != "sympy.Pow":
        return 0
    exponent: Any = operands[-1] if operands else None
    power = cast("dict[str, Any]", exponent).get("i") if isinstance(exponent, dict) else exponent
    if tower >= _LARGEST_TOWER or (isinstance(power, int) and abs(power) > _LARGEST_POWER):
        refuse("CIRQ-03", f"a power of more than {_LARGEST_POWER}, or of powers more than {_LARGEST_TOWER} deep")
    return 1


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with a finding for a document that is not read, UNSUPPORTED for an operation that has no
    place in QMK."""
    return _read(source).to_graph(source.params)


def inputs(source: Source) -> Inputs:
    return _read(source).inputs


FRONTEND = Frontend("cirq-json", "Cirq's circuits in JSON", (".cirq.json",), recognise, parse, inputs=inputs)
