"""What the frame simulator's plans promise: width, seeds, bounds, and work that is never done."""

from __future__ import annotations

import math
import random
import signal

import pytest
from qmk_native import KINDS, Circuit, FramePlan

from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, Instruction, Measure, Program, Register
from tests.unit.native.frame_programs import random_program

NUMBERS = {name: number for number, (name, _, _) in enumerate(KINDS)}


def plan_of(qubits: int, items: list[Instruction], cbits: int) -> FramePlan:
    return FramePlan(circuit_of(Program(qubits, cbits, tuple(items), (Register("c", tuple(range(cbits))),), {})))


def w_state(qubits: int) -> list[Instruction]:
    """One excitation shared by all qubits, handed down a chain."""
    items: list[Instruction] = [Gate("x", (0,))]
    for q in range(qubits - 1):
        angle = 2 * math.acos(math.sqrt(1 / (qubits - q)))
        items += [Gate("cry", (q, q + 1), (angle,)), Gate("cnot", (q + 1, q))]
    return items


def test_a_w_state_needs_few_active_qubits_and_has_one_excitation():
    qubits = 60
    plan = plan_of(qubits, w_state(qubits) + [Measure(q, q) for q in range(qubits)], qubits)
    assert plan.width <= 2
    counts = plan.run(6000, 1).counts()
    assert all(text.count("1") == 1 for text in counts)
    assert len(counts) == qubits  # each has a hundred shots: one is missed with a chance below 60 e^-100


def test_angles_of_quarter_turns_and_rotations_of_known_bits_cost_no_state():
    items: list[Instruction] = [Gate("x", (0,))]
    for name in ("rx", "ry", "rz", "p"):
        items.append(Gate(name, (1,), (5 * math.pi / 2,)))
    items += [Gate("toffoli", (0, 2, 3)), Gate("cp", (0, 2), (0.3,)), Gate("h", (2,)), Gate("cswap", (0, 2, 3))]
    plan = plan_of(4, [*items, *(Measure(q, q) for q in range(4))], 4)
    assert plan.width == 0
    assert plan.stats()["rotations"] == 0


def test_what_no_measurement_asks_for_is_never_run():
    dice = random.Random(1)
    hidden = random_program(dice, 12, 200, conditions=0, dynamic=0, noise=0, read_all=False)
    items = [Gate("h", (12,)), Measure(12, 0), *hidden.instructions]
    plan = plan_of(13, items, 1)
    assert plan.stats()["rotations"] == 0
    assert plan.run(64, 1).counts().keys() == {"0", "1"}


def test_equal_rotations_merge_across_those_they_commute_with():
    items: list[Instruction] = [Gate("h", (0,)), Gate("t", (0,)), Gate("t", (1,)), Gate("rzz", (0, 1), (0.4,))]
    items += [Gate("tdg", (0,))]
    items += [Gate("rzz", (0, 1), (-0.4,)), Gate("h", (0,)), Measure(0, 0)]
    plan = plan_of(2, items, 1)
    assert (plan.width, plan.run(50, 1).counts()) == (0, {"0": 50})


def test_a_seed_gives_the_same_bits_and_another_seed_gives_others():
    program = random_program(random.Random(3), 6, 60, dynamic=0.2)
    plan = FramePlan(circuit_of(program))
    assert plan.run(1000, 7).bits() == plan.run(1000, 7).bits()
    assert plan.run(1000, 7).bits() != plan.run(1000, 8).bits()


@pytest.mark.parametrize("shots", [0, 1, 63, 64, 65])
def test_any_number_of_shots_is_given(shots):
    plan = plan_of(2, [Gate("h", (0,)), Gate("t", (0,)), Gate("h", (0,)), Measure(0, 0), Measure(1, 1)], 2)
    samples = plan.run(shots, 1)
    assert samples.shots == shots == sum(samples.counts().values())


def deep(qubits: int, layers: int) -> FramePlan:
    """As many active qubits as there are."""
    dice = random.Random(qubits)
    items: list[Instruction] = []
    for _ in range(layers):
        items += [Gate("u", (q,), (dice.random(), dice.random(), dice.random())) for q in range(qubits)]
        items += [Gate("cz", tuple(dice.sample(range(qubits), 2))) for _ in range(qubits)]
    return plan_of(qubits, items + [Measure(q, q) for q in range(qubits)], qubits)


def test_states_beyond_the_memory_are_refused_with_the_bytes_they_need():
    plan = deep(16, 12)
    assert plan.width == 16
    with pytest.raises(MemoryError, match=r"\d+ bytes of states are needed, 4096 are allowed"):
        plan.run(10, 1, memory=4096)


def test_parts_that_no_machine_holds_are_refused():
    plan = deep(45, 12)
    assert plan.width > 34
    assert plan.cost(1) == math.inf
    with pytest.raises(MemoryError):
        plan.run(1, 1)


def test_too_many_qubits_in_use_are_refused():
    ops = [(NUMBERS["measure"], [q], [], -1, -1, -1) for q in range(8193)]
    with pytest.raises(ValueError, match="more than 8192 qubits in use"):
        FramePlan(Circuit(8193, 0, ops))
    assert FramePlan(Circuit(1_000_000, 0, ops[:10])).width == 0


def test_a_run_can_be_interrupted():
    plan = deep(20, 40)

    def ring(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(TimeoutError):
            plan.run(1000, 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_cost_grows_with_shots_and_width():
    small, large = deep(8, 6), deep(16, 6)
    assert small.cost(10) < small.cost(100_000)
    assert small.cost(100) < large.cost(100)


def test_an_unread_measurement_only_disturbs():
    ops = [(NUMBERS["h"], [0], [], -1, -1, -1), (NUMBERS["measure"], [0], [], -1, -1, -1)]
    ops += [(NUMBERS["h"], [0], [], -1, -1, -1), (NUMBERS["measure"], [0], [], -1, 0, -1)]
    counts = FramePlan(Circuit(1, 1, ops, registers=[("c", [0], False)])).run(4000, 1).counts()
    assert abs(counts["0"] - 2000) < 9 * 32  # 9 standard deviations: 1e-18
