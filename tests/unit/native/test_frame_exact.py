"""The frame simulator against exact distributions: every gate, and random programs of many kinds."""

from __future__ import annotations

import random

import pytest
from qmk_native import FramePlan

from qmk.exact.simulator import exact_distribution
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, Instruction, Logic, Measure, Noise, Program, Register, Reset
from tests.unit.native.frame_programs import GATES, KINDS, assert_drawn_from, random_angle, random_program

SHOTS = 60_000
BRANCHES = 10
"""most random events of a program, beside its last measurements: the exact walk follows every branch"""

FAMILIES = {
    "anything": (range(1, 5), 40, {"conditions": 0.2, "dynamic": 0.2, "noise": 0.03}),
    "feed-forward": (range(1, 4), 24, {"conditions": 0.6, "dynamic": 0.25, "noise": 0.0}),
    "clifford and T": (range(2, 6), 60, {"gates": ["h", "s", "cnot", "t", "cz", "x"], "dynamic": 0.1}),
    "clifford": (range(2, 6), 40, {"gates": ["h", "sx", "s", "cy", "iswap", "swap", "z"], "dynamic": 0.3}),
    "arithmetic": (range(3, 7), 40, {"gates": ["x", "h", "cnot", "toffoli", "cswap", "ccz"], "dynamic": 0.15}),
    "static": (range(5, 9), 70, {"conditions": 0.0, "dynamic": 0.0, "noise": 0.0}),
    "rotations": (
        range(4, 8),
        50,
        {"gates": ["rx", "ry", "rzz", "rxx", "cp", "u"], "conditions": 0.0, "dynamic": 0.03},
    ),
}


def branches(program: Program) -> int:
    events = sum(isinstance(item, Measure | Reset | Noise) for item in program.instructions)
    return events - program.n_qubits


@pytest.mark.parametrize("family", FAMILIES)
def test_random_programs_have_their_exact_distribution(family):
    dice = random.Random(f"frame {family}")
    sizes, length, options = FAMILIES[family]
    checked = 0
    while checked < 90:
        program = random_program(dice, dice.choice(sizes), dice.randint(1, length), **options)
        if branches(program) > BRANCHES:
            continue
        checked += 1
        samples = FramePlan(circuit_of(program)).run(SHOTS, checked)
        assert_drawn_from(exact_distribution(program), samples.counts(), SHOTS)


def surrounded(gate: Gate, qubits: int, dice: random.Random) -> Program:
    """Random states before ``gate`` and random bases after it; a coin for its condition."""
    turns = [Gate("u", (q,), tuple(random_angle(dice) for _ in range(3))) for q in range(qubits) for _ in "ab"]
    coin: list[Instruction] = [Gate("h", (0,)), Measure(0, qubits), Reset(0)]
    read = [Measure(q, q) for q in range(qubits)]
    items = (*coin, *turns[::2], gate, *turns[1::2], *read)
    return Program(qubits, qubits + 1, items, (Register("c", tuple(range(qubits + 1))),), {})


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("conditional", [False, True], ids=["plain", "conditional"])
def test_every_gate_is_right_in_every_basis(name, conditional):
    dice = random.Random(f"{name} {conditional}")
    qubits, angles = KINDS[name]
    for seed in range(4):
        cond = ("bit", qubits) if conditional else None
        params = tuple(dice.uniform(-4, 4) for _ in range(angles))
        gate = Gate(name, tuple(dice.sample(range(qubits), qubits)), params, cond)
        program = surrounded(gate, qubits, dice)
        samples = FramePlan(circuit_of(program)).run(SHOTS, seed)
        assert_drawn_from(exact_distribution(program), samples.counts(), SHOTS)


def test_states_that_do_not_fit_the_memory_together_are_run_apart():
    dice = random.Random("apart")
    for seed in range(40):
        program = random_program(dice, 4, 30, conditions=0.3, dynamic=0.15, noise=0.0)
        if branches(program) > BRANCHES:
            continue
        samples = FramePlan(circuit_of(program)).run(SHOTS // 20, seed, memory=1 << 13)
        assert_drawn_from(exact_distribution(program), samples.counts(), SHOTS // 20)


def test_an_op_whose_condition_is_false_leaves_its_bit_0():
    items = (
        Gate("x", (0,)),
        Measure(0, 0),
        Measure(0, 1, ("not", ("bit", 0))),
        Logic(0b10, (0,), 2, ("bit", 1)),
        Logic(0b01, (1,), 3),
        Reset(0, ("bit", 1)),
        Measure(0, 4),
    )
    program = Program(1, 5, items, (Register("c", tuple(range(5))),), {})
    assert FramePlan(circuit_of(program)).run(100, 1).counts() == {"10011": 100}


def test_a_truth_table_of_many_inputs_is_looked_up():
    inputs = 9
    dice = random.Random(9)
    table = dice.getrandbits(1 << inputs)
    items: list[Instruction] = []
    for q in range(inputs):
        items += [Gate("h", (q,)), Measure(q, q)]
    items.append(Logic(table, tuple(range(inputs)), inputs))
    program = Program(inputs, inputs + 1, tuple(items), (Register("c", tuple(range(inputs + 1))),), {})
    for text in FramePlan(circuit_of(program)).run(4000, 3).counts():
        row = sum(int(bit) << at for at, bit in enumerate(text[:inputs]))
        assert int(text[inputs]) == (table >> row) & 1
