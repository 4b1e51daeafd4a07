"""Random programs for the native simulators: gates, measurements, resets, conditions, logic and noise. A generator
seeded by a number names a program."""

from __future__ import annotations

import math
from random import Random

from qmk_native import KINDS

from qmk.ir.program import (
    Cond,
    Gate,
    Instruction,
    Logic,
    Measure,
    Noise,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)

SIZES = {
    name: (qubits, angles)
    for name, qubits, angles in KINDS
    if name not in ("measure", "reset", "noise", "noise2", "logic")
}
ALL = tuple(SIZES)
FAMILIES = (
    ALL,
    ("h", "cz", "rx", "rz", "rzz"),
    ("ry", "cnot", "x", "h", "toffoli"),
    ("x", "cnot", "swap", "h", "cp"),
    ("u", "cnot"),
    ("cp", "h", "swap", "p", "ccz", "rzz"),
    ("ry", "cz", "swap"),
)
"""sets of gates that simulators treat differently: dense, diagonal, real, classical"""


def gate(dice: Random, n: int, names: tuple[str, ...], cond: Cond | None = None) -> Gate:
    name = dice.choice([name for name in names if SIZES[name][0] <= n])
    qubits, angles = SIZES[name]
    params = tuple(dice.choice((dice.uniform(-7, 7), 0.0, math.pi, math.pi / 2, -math.pi / 2)) for _ in range(angles))
    return Gate(name, tuple(dice.sample(range(n), qubits)), params, cond)


def gates(dice: Random, n: int, count: int) -> list[Gate]:
    names = dice.choice([f for f in FAMILIES if any(SIZES[name][0] <= n for name in f)])
    return [gate(dice, n, names) for _ in range(count)]


def condition(dice: Random, n_cbits: int, depth: int = 0) -> Cond:
    chance = dice.random()
    if depth > 2 or chance < 0.5:
        return ("bit", dice.randrange(n_cbits))
    if chance < 0.65:
        return ("not", condition(dice, n_cbits, depth + 1))
    parts = [condition(dice, n_cbits, depth + 1) for _ in range(dice.randint(1, 3))]
    return (dice.choice(("and", "or", "xor")), *parts)


def dynamic(seed: int) -> Program:
    """A program of at most 4 qubits, 7 cbits and 6 branch points before its read-out."""
    dice = Random(seed)
    n, n_cbits = dice.randint(1, 4), dice.randint(1, 7)
    names = dice.choice((ALL, ("x", "h", "cnot", "cz", "ry", "swap"), ("h", "t", "cnot", "cp", "x")))
    free = dice.sample(range(n_cbits), n_cbits)
    items: list[Instruction] = []
    for _ in range(dice.randint(1, 16)):
        cond = condition(dice, n_cbits) if dice.random() < 0.35 else None
        chance = dice.random()
        if chance < 0.55:
            items.append(gate(dice, n, tuple(name for name in names if SIZES[name][0] <= n), cond))
        elif chance < 0.75 and free:
            items.append(Measure(dice.randrange(n), free.pop(), cond))
        elif chance < 0.82:
            items.append(Reset(dice.randrange(n), cond))
        elif chance < 0.9 and free:
            inputs = tuple(dice.randrange(n_cbits) for _ in range(dice.randint(0, 3)))
            items.append(Logic(dice.getrandbits(1 << len(inputs)), inputs, free.pop(), cond))
        elif sum(isinstance(item, Noise) for item in items) < 3:
            items.append(noise(dice, n))
    for qubit in dice.sample(range(n), n):
        if free and dice.random() < 0.8:
            items.append(Measure(qubit, free.pop()))
    return Program(n, n_cbits, tuple(items), (Register("c", tuple(range(n_cbits))),), {})


def noise(dice: Random, n: int) -> PauliNoise | PauliNoise2:
    """Pauli errors on one qubit, or on two where there are two."""
    if n > 1 and dice.random() < 0.5:
        a, b = dice.sample(range(n), 2)
        which = dice.sample(range(15), 3)
        return PauliNoise2((a, b), tuple(0.1 * (1 + which.index(k)) if k in which else 0.0 for k in range(15)))
    return PauliNoise(dice.randrange(n), *(dice.choice((0, 0.1, 0.3)) for _ in range(3)))


def unitary(n: int, items: list[Gate]) -> Program:
    """Gates, then every qubit read."""
    read = tuple(Measure(qubit, qubit) for qubit in range(n))
    return Program(n, n, (*items, *read), (Register("c", tuple(range(n))),), {})
