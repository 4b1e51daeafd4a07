"""A ``Program`` as Aer's own flat circuit, without a Qiskit circuit in between (10 us a gate would go there).

Conditions become Aer's classical expressions on its register bits; Aer has them on gates only, so a measurement or
reset under a condition is jumped over. Event logic that a condition reads is stored into a register bit; other logic
is left to ``later``, so that it does not cost the sampling of many shots from one state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qiskit_aer.backends.aer_compiler import CircuitHeader
from qiskit_aer.backends.controller_wrappers import (
    AerBinaryExpr,
    AerBinaryOp,
    AerBool,
    AerBoolValue,
    AerCircuit,
    AerUnaryExpr,
    AerUnaryOp,
    AerVar,
)

from qmk.engines.aer import AER_NAMES, UNITARY
from qmk.qvm.families import OPS
from qmk.sdk import conditions as c
from qmk.sdk.engine import Unsupported
from qmk.sdk.native import angle_names
from qmk.sdk.program import Barrier, Cond, Gate, Logic, Measure, Program, Reset
from qmk.sdk.synthesis import mod_steps, zyz
from qmk.sdk.unitary import matrix_of, mod_base

NEVER = -1
"""no conditional register bit"""

_BINARY = {"and": AerBinaryOp.LogicAnd, "or": AerBinaryOp.LogicOr, "xor": AerBinaryOp.NotEqual}


@dataclass
class Built:
    """``later``: logic to compute from the samples. ``dynamic``: Aer repeats the whole program for every shot."""

    circuit: Any
    later: tuple[Logic, ...]
    dynamic: bool


def expression(cond: c.Expression) -> Any:
    """``cond`` as an Aer expression; long junctions become balanced trees."""
    if isinstance(cond, bool):
        return AerBoolValue(cond)
    kind = cond[0]
    if kind == "bit":
        return AerVar(AerBool(), [cond[1]])
    if kind == "not":
        return AerUnaryExpr(AerUnaryOp.LogicNot, expression(cond[1]))
    return _balanced(_BINARY[kind], [expression(part) for part in cond[1:]])


def _balanced(op: Any, parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return AerBinaryExpr(op, _balanced(op, parts[:half]), _balanced(op, parts[half:]))


class _Builder:
    def __init__(self, program: Program, method: str) -> None:
        self.program = program
        self.method = method
        self.names = AER_NAMES[method]
        self.aer = AerCircuit()
        self.all = list(range(max(program.n_qubits, 1)))
        self.stored = _logic_read_by_conditions(program)
        self.conditional = bool(self.stored) or any(
            not isinstance(item, Barrier | Logic) and item.cond is not None for item in program.instructions
        )
        self.later: list[Logic] = []
        self.marks = 0

    def build(self) -> Built:
        n, bits, aer = len(self.all), self.program.n_cbits, self.aer
        aer.set_header(
            CircuitHeader(
                n_qubits=n,
                qreg_sizes=[["q", n]],
                memory_slots=bits,
                creg_sizes=[["c", bits]],
                name="qmk",
                global_phase=0.0,
            )
        )
        aer.num_qubits, aer.num_memory, aer.global_phase_angle, aer.circ_id = n, bits, 0.0, 0
        used = set[int]()
        dynamic = self.conditional
        for item in self.program.instructions:
            match item:
                case Gate():
                    dynamic = dynamic or not used.isdisjoint(item.qubits)
                    self._gate(item)
                case Measure():
                    dynamic = dynamic or item.qubit in used
                    used.add(item.qubit)
                    self._guarded(item.cond, lambda item=item: self._measure(item))
                case Reset():
                    dynamic = True
                    self._guarded(item.cond, lambda item=item: self.aer.reset([item.qubit], NEVER))
                case Logic():
                    self._logic(item)
                case Barrier():
                    pass
        return Built(aer, tuple(self.later), dynamic)

    def _measure(self, item: Measure) -> None:
        self.aer.measure([item.qubit], [item.cbit], [item.cbit] if self.conditional else [])

    def _guarded(self, cond: Cond | None, emit: Any) -> None:
        if cond is None:
            emit()
            return
        label = f"skip{self.marks}"
        self.marks += 1
        self.aer.jump(self.all, [label], NEVER, expression(c.negate(cond)))
        emit()
        self.aer.mark(self.all, [label])

    def _logic(self, item: Logic) -> None:
        if item.cbit not in self.stored:
            self.later.append(item)
            return
        value = c.conj(
            (True if item.cond is None else item.cond, c.truth_table(item.table, [c.bit(k) for k in item.inputs]))
        )
        self.aer.store(self.all, [item.cbit], expression(value))

    def _gate(self, gate: Gate) -> None:
        if gate.name == "gphase":
            return
        cond = None if gate.cond is None else expression(gate.cond)
        if gate.name == "mod":
            self._mod(gate, cond)
        elif gate.name in UNITARY:
            self.aer.unitary(list(gate.qubits[::-1]), matrix_of(gate), NEVER, cond, gate.name)
        else:
            self._plain(gate.name, list(gate.qubits), list(gate.params), cond)

    def _plain(self, name: str, qubits: list[int], params: list[float], cond: Any) -> None:
        known = self.names.get(name)
        if known is None:
            raise Unsupported(f"gate {name} under Aer's method {self.method}")
        self.aer.gate(known, qubits, params, [], NEVER, cond, known)

    def _mod(self, gate: Gate, cond: Any) -> None:
        """A controlled gate on one target natively, any other in exact steps."""
        base, values = mod_base(gate)
        if base.shape != (2, 2) or not values:
            for step in mod_steps(gate.args, len(gate.qubits)):
                if step.op != "core.gphase":
                    names = angle_names(step.op) or ()
                    angles = [float(step.args[name]) for name in names]
                    self._plain(OPS[step.op].short, [gate.qubits[k] for k in step.operands], angles, cond)
            return
        flips = [qubit for qubit, value in zip(gate.qubits, values, strict=False) if value == 0]
        for qubit in flips:
            self._plain("x", [qubit], [], cond)
        alpha, beta, gamma, delta = zyz(tuple(tuple(complex(x) for x in row) for row in base))
        params = [gamma, beta, delta, alpha - (beta + delta) / 2]
        self.aer.gate("mcu", list(gate.qubits), params, [], NEVER, cond, "mcu")
        for qubit in flips:
            self._plain("x", [qubit], [], cond)


def build(program: Program, method: str) -> Built:
    """Aer's circuit of ``program``. Raises ``Unsupported``."""
    return _Builder(program, method).build()


def _logic_read_by_conditions(program: Program) -> set[int]:
    """cbits of event logic that a condition needs while the program runs, directly or through other logic."""
    logic = {item.cbit: item for item in program.instructions if isinstance(item, Logic)}
    pending: list[int] = []
    for item in program.instructions:
        if not isinstance(item, Barrier | Logic) and item.cond is not None:
            pending.extend(c.cbits(item.cond))
    found: set[int] = set()
    while pending:
        cbit = pending.pop()
        if cbit in logic and cbit not in found:
            found.add(cbit)
            item = logic[cbit]
            pending.extend(item.inputs)
            pending.extend(c.cbits(item.cond) if item.cond is not None else ())
    return found
