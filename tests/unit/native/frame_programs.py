"""Random programs for the frame simulator, and a program as rows of ``qmk_native.Circuit``."""

from __future__ import annotations

import math
import random
from typing import Any

import qmk_native

from qmk.sdk.program import Cond, Gate, Instruction, Logic, Measure, PauliNoise, Program, Register, Reset

KINDS: dict[str, tuple[int, int, int]] = {
    name: (number, qubits, params) for number, (name, qubits, params) in enumerate(qmk_native.KINDS)
}
GATES = [name for name in KINDS if name not in ("measure", "reset", "noise", "logic")]


class Rows:
    """The pools of a circuit while it is made."""

    def __init__(self) -> None:
        self.conds: list[tuple[str, list[int]]] = []
        self.tables: list[tuple[list[int], list[int]]] = []

    def cond(self, cond: Cond | None) -> int:
        if cond is None:
            return -1
        operands = [cond[1]] if cond[0] == "bit" else [self.cond(part) for part in cond[1:]]
        self.conds.append((cond[0], operands))
        return len(self.conds) - 1

    def op(self, item: Instruction) -> tuple[Any, ...]:
        match item:
            case Gate(name, qubits, params, cond):
                return (KINDS[name][0], list(qubits), list(params), self.cond(cond), -1, -1)
            case Measure(qubit, cbit, cond):
                return (KINDS["measure"][0], [qubit], [], self.cond(cond), cbit, -1)
            case Reset(qubit, cond):
                return (KINDS["reset"][0], [qubit], [], self.cond(cond), -1, -1)
            case PauliNoise(qubit, x, y, z):
                return (KINDS["noise"][0], [qubit], [x, y, z], -1, -1, -1)
            case Logic(table, inputs, cbit, cond):
                words = [(table >> k) & (2**64 - 1) for k in range(0, 1 << len(inputs), 64)]
                self.tables.append((list(inputs), words))
                return (KINDS["logic"][0], [], [], self.cond(cond), cbit, len(self.tables) - 1)
        raise AssertionError(item)


def circuit_of(program: Program) -> Any:
    rows = Rows()
    ops = [rows.op(item) for item in program.instructions]
    registers = [(r.name, list(r.cbits), r.descending) for r in program.registers]
    return qmk_native.Circuit(program.n_qubits, program.n_cbits, ops, rows.conds, rows.tables, registers)


def random_cond(dice: random.Random, cbits: int, depth: int = 2) -> Cond:
    kind = dice.choice(["bit", "bit", "not", "and", "or", "xor"]) if depth else "bit"
    if kind == "bit":
        return ("bit", dice.randrange(cbits))
    if kind == "not":
        return ("not", random_cond(dice, cbits, depth - 1))
    return (kind, *(random_cond(dice, cbits, depth - 1) for _ in range(dice.randint(2, 3))))


def random_angle(dice: random.Random) -> float:
    shape = dice.random()
    if shape < 0.35:
        return dice.randint(-4, 4) * math.pi / 2
    if shape < 0.7:
        return dice.randint(-8, 8) * math.pi / 4
    return dice.uniform(-7, 7)


def random_program(
    dice: random.Random,
    qubits: int,
    length: int,
    *,
    gates: list[str] | None = None,
    conditions: float = 0.2,
    dynamic: float = 0.2,
    noise: float = 0.05,
    read_all: bool = True,
) -> Program:
    """``conditions``: share of ops under one; ``dynamic``: share of measurements, resets and logic."""
    fitting = [name for name in gates or GATES if KINDS[name][1] <= qubits]
    items: list[Instruction] = []
    written: list[int] = []
    cbits = 0

    def cond() -> Cond | None:
        return random_cond(dice, cbits) if cbits and dice.random() < conditions else None

    for _ in range(length):
        draw = dice.random()
        if draw < dynamic * 0.5:
            items.append(Measure(dice.randrange(qubits), cbits, cond()))
            written.append(cbits)
            cbits += 1
        elif draw < dynamic * 0.8:
            items.append(Reset(dice.randrange(qubits), cond()))
        elif draw < dynamic and written:
            inputs = tuple(dice.sample(written, dice.randint(1, min(3, len(written)))))
            items.append(Logic(dice.getrandbits(1 << len(inputs)), inputs, cbits, cond()))
            written.append(cbits)
            cbits += 1
        elif draw < dynamic + noise:
            x, y, z = (dice.choice([0.0, dice.random() / 3]) for _ in range(3))
            items.append(PauliNoise(dice.randrange(qubits), x, y, z))
        else:
            name = dice.choice(fitting)
            _, n, angles = KINDS[name]
            params = tuple(random_angle(dice) for _ in range(angles))
            items.append(Gate(name, tuple(dice.sample(range(qubits), n)), params, cond()))
    if read_all:
        for qubit in range(qubits):
            items.append(Measure(qubit, cbits))
            cbits += 1
    shown = Register("c", tuple(range(cbits)))
    return Program(qubits, cbits, tuple(items), (shown,), {})
