"""A ``Program`` as Aer's own flat circuit, without a Qiskit circuit in between (10 us a gate would go there).

Instructions under a condition are jumped over where it is false. Aer (0.18) also takes a classical expression on a
single gate, but then samples all shots from one final state as if the gate were unconditional, so that form is never
used here. Event logic that a condition reads is stored into a register bit; other logic is left to ``later``, which
keeps programs that only print it on the fast path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qmk.engines.aer import AER_NAMES, UNITARY
from qmk.engines.aer.wrappers import simulator
from qmk.exact.channels import operators_of
from qmk.ir import conditions as c
from qmk.ir.clifford import quarter_turns
from qmk.ir.program import (
    Barrier,
    Cond,
    Gate,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Noise,
    NoisyEvolution,
    PauliNoise,
    PauliNoise2,
    Program,
    Reset,
)
from qmk.ir.resolver import angle_names
from qmk.ir.synthesis import mod_steps, zyz
from qmk.ir.unitary import matrix_of, mod_base
from qmk.qvm.families import OPS
from qmk.sdk.engine import Unsupported

lib: Any = simulator()
NEVER = -1
"""No conditional register bit."""

_BINARY = {"and": lib.AerBinaryOp.LogicAnd, "or": lib.AerBinaryOp.LogicOr, "xor": lib.AerBinaryOp.NotEqual}


@dataclass
class Built:
    """``later``: logic to compute from the samples. ``dynamic``: Aer repeats the whole program for every shot."""

    circuit: Any
    later: tuple[Logic, ...]
    dynamic: bool


def expression(cond: c.Expression) -> Any:
    """``cond`` as an Aer expression; long junctions become balanced trees."""
    if isinstance(cond, bool):
        return lib.AerBoolValue(cond)
    kind = cond[0]
    if kind == "bit":
        return lib.AerVar(lib.AerBool(), [cond[1]])
    if kind == "not":
        return lib.AerUnaryExpr(lib.AerUnaryOp.LogicNot, expression(cond[1]))
    return _join_evenly(_BINARY[kind], [expression(part) for part in cond[1:]])


def _join_evenly(op: Any, parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return lib.AerBinaryExpr(op, _join_evenly(op, parts[:half]), _join_evenly(op, parts[half:]))


class _Builder:
    def __init__(self, program: Program, method: str) -> None:
        self.program = program
        self.method = method
        self.names = AER_NAMES[method]
        self.aer = lib.AerCircuit()
        self.all = list(range(max(program.n_qubits, 1)))
        self.stored = _logic_read_by_conditions(program)
        self.conditional = bool(self.stored) or any(
            not isinstance(item, Barrier | Logic | Noise) and item.cond is not None for item in program.instructions
        )
        self.later: list[Logic] = []
        self.marks = 0

    def build(self) -> Built:
        n, bits, aer = len(self.all), self.program.n_cbits, self.aer
        aer.num_qubits, aer.num_memory, aer.global_phase_angle, aer.circ_id = n, bits, 0.0, 0
        used = set[int]()
        dynamic = self.conditional
        under: Cond | None = None
        for item in self.program.instructions:
            if isinstance(item, Barrier) or (isinstance(item, Logic) and self._is_later(item)):
                continue
            cond = None if isinstance(item, Logic | Noise) else item.cond
            if cond != under:
                self._close(under)
                self._open(cond)
                under = cond
            match item:
                case Gate():
                    dynamic = dynamic or not used.isdisjoint(item.qubits)
                    self._gate(item)
                case Measure():
                    dynamic = dynamic or item.qubit in used
                    used.add(item.qubit)
                    self.aer.measure([item.qubit], [item.cbit], [item.cbit] if self.conditional else [])
                case Reset():
                    dynamic = True
                    self.aer.reset([item.qubit], NEVER)
                case PauliNoise() | PauliNoise2() | KrausNoise():
                    dynamic = dynamic or self.method != "density_matrix"  # Aer then draws anew for every shot
                    self.aer.kraus(list(item.qubits[::-1]), operators_of(item), NEVER, None)
                case Logic():
                    self._store(item)
                case NoisyEvolution() | LossEvent():
                    raise Unsupported(f"{type(item).__name__}: Aer's circuits have no such instruction")
        self._close(under)
        return Built(aer, tuple(self.later), dynamic)

    def _open(self, cond: Cond | None) -> None:
        if cond is not None:
            self.aer.jump(self.all, [f"skip{self.marks}"], NEVER, expression(c.negate(cond)))

    def _close(self, cond: Cond | None) -> None:
        if cond is not None:
            self.aer.mark(self.all, [f"skip{self.marks}"])
            self.marks += 1

    def _is_later(self, item: Logic) -> bool:
        if item.cbit in self.stored:
            return False
        self.later.append(item)
        return True

    def _store(self, item: Logic) -> None:
        value = c.truth_table(item.table, [c.bit(k) for k in item.inputs])
        cond = True if item.cond is None else item.cond
        self.aer.store(self.all, [item.cbit], expression(c.conj((cond, value))))

    def _gate(self, gate: Gate) -> None:
        if gate.name == "gphase":
            return
        if gate.name == "mod":
            self._mod(gate)
        elif gate.name in UNITARY:
            # Aer reads the memory of a matrix column by column, however it is laid out
            self.aer.unitary(list(gate.qubits[::-1]), np.asfortranarray(matrix_of(gate)), NEVER, None, gate.name)
        else:
            self._plain(gate.name, list(gate.qubits), list(gate.params))

    def _plain(self, name: str, qubits: list[int], params: list[float]) -> None:
        known = self.names.get(name)
        if known is None:
            raise Unsupported(f"gate {name} under Aer's method {self.method}")
        if name == "p" and self.method == "extended_stabilizer":
            # a phase by quarter turns costs nothing there, but only under its Clifford name
            turns = quarter_turns(params[0])
            if turns is not None:
                if turns % 4:
                    self._plain(("s", "z", "sdg")[turns % 4 - 1], qubits, [])
                return
        self.aer.gate(known, qubits, params, [], NEVER, None, known)

    def _mod(self, gate: Gate) -> None:
        """A controlled gate on one target natively, any other in exact steps."""
        base, values = mod_base(gate)
        if base.shape != (2, 2) or not values:
            for step in mod_steps(gate.args, len(gate.qubits)):
                names = angle_names(step.op) or ()
                angles = [float(step.args[name]) for name in names]
                self._plain(OPS[step.op].short, [gate.qubits[k] for k in step.operands], angles)
            return
        flips = [qubit for qubit, value in zip(gate.qubits, values, strict=False) if value == 0]
        for qubit in flips:
            self._plain("x", [qubit], [])
        alpha, beta, gamma, delta = zyz(tuple(tuple(complex(x) for x in row) for row in base))
        params = [gamma, beta, delta, alpha - (beta + delta) / 2]
        self.aer.gate("mcu", list(gate.qubits), params, [], NEVER, None, "mcu")
        for qubit in flips:
            self._plain("x", [qubit], [])


def build(program: Program, method: str) -> Built:
    """Aer's circuit of ``program``. Raises ``Unsupported``."""
    return _Builder(program, method).build()


def _logic_read_by_conditions(program: Program) -> set[int]:
    """Cbits of event logic that a condition needs while the program runs, directly or through other logic."""
    logic = {item.cbit: item for item in program.instructions if isinstance(item, Logic)}
    pending: list[int] = []
    for item in program.instructions:
        if not isinstance(item, Barrier | Logic | Noise) and item.cond is not None:
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
