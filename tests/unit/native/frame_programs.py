"""Random programs for the frame simulator, and a bound on how far samples may be from a distribution."""

from __future__ import annotations

import math
import random

import qmk_native

from qmk.ir.program import Cond, Gate, Instruction, Logic, Measure, PauliNoise, PauliNoise2, Program, Register, Reset

KINDS: dict[str, tuple[int, int]] = {name: (qubits, angles) for name, qubits, angles in qmk_native.KINDS}
"""qubits and angles of every kind of op"""

GATES = [name for name in KINDS if name not in ("measure", "reset", "noise", "noise2", "logic")]


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
    fitting = [name for name in gates or GATES if KINDS[name][0] <= qubits]
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
            if qubits > 1 and dice.random() < 0.5:
                a, b = dice.sample(range(qubits), 2)
                which = dice.sample(range(15), 3)
                items.append(
                    PauliNoise2((a, b), tuple((x, y, z)[which.index(k)] if k in which else 0 for k in range(15)))
                )
            else:
                items.append(PauliNoise(dice.randrange(qubits), x, y, z))
        else:
            name = dice.choice(fitting)
            n, angles = KINDS[name]
            params = tuple(random_angle(dice) for _ in range(angles))
            items.append(Gate(name, tuple(dice.sample(range(qubits), n)), params, cond()))
    if read_all:
        for qubit in range(qubits):
            items.append(Measure(qubit, cbits))
            cbits += 1
    shown = Register("c", tuple(range(cbits)))
    return Program(qubits, cbits, tuple(items), (shown,), {})


def assert_drawn_from(exact: dict[str, float], counts: dict[str, int], shots: int) -> None:
    """By Bernstein's inequality, each outcome is farther off with a chance below e^-36 = 2e-16: less than 1e-9 for the
    million outcomes that all tests together look at. Outcomes of chance 0 never come."""
    assert sum(counts.values()) == shots
    assert not set(counts) - set(exact), "impossible outcomes"
    for outcome, chance in exact.items():
        expected = chance * shots
        allowed = math.sqrt(2 * 36 * expected * (1 - min(chance, 1.0)) + 576) + 24
        assert abs(counts.get(outcome, 0) - expected) <= allowed, (outcome, expected, counts.get(outcome, 0))
