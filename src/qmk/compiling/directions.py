"""Circuits of "cz" for devices whose gate on a pair has one direction: each CZ as that gate and turns of one qubit.

A CNOT is an ECR between turns: in the order of time S^dg on the first qubit and SX^dg on the second, ECR, X on the
first. All turns of a qubit between two other instructions become one, written as at most RZ SX RZ SX RZ, or as one U.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qmk.ir.native_circuit import circuit_of, program_of
from qmk.ir.program import Barrier, Cond, Gate, Instruction, Noise, Program
from qmk.ir.synthesis import zyz
from qmk.ir.unitary import Array, matrix_of

if TYPE_CHECKING:
    from qmk_native import Circuit

    from qmk.sdk.passes import Goal

ECR = (("s", (0,)), ("sx", (1,)), ("cnot", (0, 1)), ("x", (0,)))
"""An ECR gate as a circuit holds it: gates and the places of their operands."""

TINY = 1e-10
"""Radians of a turn that is left out."""


def write_directions(circuit: Circuit, goal: Goal) -> Circuit:
    """A circuit of gates "cz" and of single qubits on coupled pairs, with ``goal.one_way`` for each CZ."""
    program = program_of(circuit)
    writer = _Writer(goal)
    for item in program.instructions:
        writer.take(item)
    for qubit in sorted(writer.waiting):
        writer.flush(qubit)
    made = Program(program.n_qubits, program.n_cbits, tuple(writer.out), program.registers, program.events)
    return circuit_of(made)


def _one(name: str) -> Array:
    return matrix_of(Gate(name, (0,)))


class _Writer:
    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.ways = frozenset(goal.ways)
        self.out: list[Instruction] = []
        self.waiting: dict[int, tuple[Array, Cond | None]] = {}
        """Turns that are not written yet, and the condition under which they are."""

    def take(self, item: Instruction) -> None:
        if isinstance(item, Gate) and len(item.qubits) == 1:
            self.turn(item.qubits[0], matrix_of(item), item.cond)
        elif isinstance(item, Gate) and item.name == "cz":
            self.cz(item.qubits, item.cond)
        else:
            for qubit in _qubits_before(item, self.waiting):
                self.flush(qubit)
            self.out.append(item)

    def cz(self, qubits: tuple[int, ...], cond: Cond | None) -> None:
        a, b = qubits if qubits in self.ways else qubits[::-1]
        before, after = [(b, "h")], [(b, "h")]
        if self.goal.one_way == "ecr":
            before += [(a, "sdg"), (b, "sxdg")]
            after = [(a, "x"), *after]
        for qubit, name in before:
            self.turn(qubit, _one(name), cond)
        self.flush(a)
        self.flush(b)
        parts = ECR if self.goal.one_way == "ecr" else (("cnot", (0, 1)),)
        for name, places in parts:
            self.out.append(Gate(name, tuple((a, b)[place] for place in places), (), cond))
        for qubit, name in after:
            self.turn(qubit, _one(name), cond)

    def turn(self, qubit: int, matrix: Array, cond: Cond | None) -> None:
        if qubit in self.waiting and self.waiting[qubit][1] != cond:
            self.flush(qubit)
        before = self.waiting.get(qubit)
        self.waiting[qubit] = (matrix if before is None else matrix @ before[0], cond)

    def flush(self, qubit: int) -> None:
        matrix, cond = self.waiting.pop(qubit, (None, None))
        if matrix is None:
            return
        _, b, c, d = zyz(tuple(map(tuple, matrix.tolist())))
        c = math.remainder(c, 2 * math.pi)  # another sign of the matrix, which no measurement sees
        if "u" in self.goal.gates and "rz" not in self.goal.gates:
            if max(abs(c), abs(math.remainder(b + d, 2 * math.pi))) > TINY:
                self.out.append(Gate("u", (qubit,), (c, b, d), cond))
            return
        if abs(c) < TINY:
            steps = [b + d]
        elif abs(abs(c) - math.pi / 2) < TINY:
            quarter = math.copysign(math.pi / 2, c)
            steps = [d - quarter, None, b + quarter]
        else:
            steps = [d, None, c + math.pi, None, b + math.pi]
        for step in steps:
            if step is None:
                self.out.append(Gate("sx", (qubit,), (), cond))
            elif abs(angle := math.remainder(step, 2 * math.pi)) > TINY:
                self.out.append(Gate("rz", (qubit,), (angle,), cond))


def _qubits_before(item: Instruction, waiting: dict[int, tuple[Array, Cond | None]]) -> list[int]:
    """The qubits whose turns come before ``item``: its own, and those under a condition when a bit may change."""
    if isinstance(item, (Gate, Barrier, Noise)):
        return [qubit for qubit in item.qubits if qubit in waiting]
    own = getattr(item, "qubit", None)
    return [qubit for qubit, (_, cond) in list(waiting.items()) if qubit == own or cond is not None]
