"""Qiskit's ``Target`` of a device: its coupled qubits, native gates, errors and times."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from typing import Any

from qiskit.circuit import (
    Barrier,
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    Delay,
    ForLoopOp,
    IfElseOp,
    Measure,
    Parameter,
    Reset,
    Store,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import Initialize, UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Kraus
from qiskit.transpiler import InstructionProperties, QubitProperties
from qiskit.transpiler import Target as Gates

from qmk.adapters.qiskit.gates import WRITTEN
from qmk.adapters.qiskit.read import FLOW
from qmk.models.devices.target import WRITTEN_AS, Site, Target

_OPS = (IfElseOp, SwitchCaseOp, ForLoopOp, WhileLoopOp, BoxOp, BreakLoopOp, ContinueLoopOp)
_EVERYWHERE = 512
"""A device of more qubits, all pairs of which are coupled, has its gates on all qubits without a row for each pair."""

_Rows = dict[tuple[int, ...], InstructionProperties | None]


def every_gate(qubits: int) -> Gates:
    """Every standard gate and every kind of control flow, on all qubits."""
    found = Gates(description="QMK", num_qubits=qubits)
    for name, gate in get_standard_gate_name_mapping().items():
        if name not in ("measure", "reset", "delay"):
            found.add_instruction(_free(gate), name=name)
    for instruction in (Measure(), Reset(), Delay(Parameter("t"))):
        found.add_instruction(instruction)
    for name, kind in {"unitary": UnitaryGate, "kraus": Kraus, "initialize": Initialize}.items():
        found.add_instruction(kind, name=name)
    _add_flow(found)
    return found


def target_of(device: Target) -> Gates:
    """What circuits for ``device`` are transpiled to: qubit k is its site k, seconds are seconds. A gate that Qiskit
    has no name for is the one that QMK writes in its place. Control flow, delays, measurements and resets are as the
    noise of the device takes them: a reset takes as long as a reading."""
    timing: dict[str, Any] = {}
    if device.timing is not None:
        clock = device.timing
        timing = {"dt": clock.dt_s, "granularity": clock.granularity, "min_length": clock.least}
        timing |= {"pulse_alignment": clock.alignment, "acquire_alignment": clock.alignment}
    found = Gates(description=device.name, num_qubits=device.sites, qubit_properties=_qubits(device), **timing)
    known = get_standard_gate_name_mapping()
    facts: dict[str, _Rows] = {}
    for fact in device.facts_in_every_order():
        facts.setdefault(fact.name, {})[fact.sites] = InstructionProperties(fact.duration_s, fact.error)
    for name in device.gates:
        ours = WRITTEN_AS.get(name, name)
        theirs = WRITTEN.get(ours)
        if theirs is None or theirs in found.operation_names:
            continue
        gate = _free(known[theirs])
        found.add_instruction(gate, _places(device, name, gate.num_qubits, facts.get(name, {})), name=theirs)
    usable = device.usable()
    readings = device.readings or (Site(),) * device.sites
    found.add_instruction(Measure(), {(k,): _reading(readings[k]) for k in usable})
    found.add_instruction(Reset(), {(k,): InstructionProperties(readings[k].readout_s) for k in usable})
    found.add_instruction(Delay(Parameter("t")), {(k,): None for k in usable})
    _add_flow(found)
    return found


def _add_flow(found: Gates) -> None:
    classes: dict[str, Any] = dict(zip(FLOW, _OPS, strict=True))
    for name, kind in (classes | {"barrier": Barrier, "store": Store}).items():
        found.add_instruction(kind, name=name)


def _free(gate: Any) -> Any:
    """A gate for any angles."""
    parameters = [Parameter(f"p{k}") for k in range(len(gate.params))]
    return type(gate)(*parameters) if parameters else gate


def _qubits(device: Target) -> list[QubitProperties] | None:
    return [QubitProperties(site.t1_s, site.t2_s) for site in device.readings] or None


def _reading(site: Site) -> InstructionProperties:
    return InstructionProperties(site.readout_s, site.readout_error)


def _places(device: Target, name: str, qubits: int, facts: _Rows) -> _Rows | None:
    """The qubits on which a gate is, in the order of its operands, with what is known of it there; None for all. A gate
    on three qubits or more is where something is known of it, and on all where all are coupled."""
    if qubits == 1:
        return {(k,): facts.get((k,)) for k in device.usable()}
    if not facts and device.couplings is None and not device.broken:
        return None
    if qubits > 2:
        return facts or None
    if device.couplings is None and device.sites > _EVERYWHERE:
        return None
    orders = (order for a, b in device.pairs() for order in ((a, b), (b, a)))
    return {(a, b): facts.get((a, b)) for a, b in orders if device.has_way(name, a, b)}
