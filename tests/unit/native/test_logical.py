"""The kernel of Pauli frames, native and in numpy: exact distributions, stim, its refusals and its replays."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from msgspec.structs import replace
from qmk_native import FramePlan, LogicalPlan

from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import (
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
from tests.unit.native import frames_reference as frames
from tests.unit.native.frame_programs import assert_drawn_from, random_program
from tests.unit.native.test_frame_clifford import random_clifford

SHOTS = 20_000
CLIFFORD = ["h", "s", "sdg", "sx", "sxdg", "x", "y", "z", "id", "cnot", "cy", "cz", "swap", "iswap", "iswapdg"]
BRANCHES = 9


def followed(program: Program) -> Program:
    """Only Paulis and logic stay under conditions."""
    items = [
        item
        if isinstance(item, Noise | Logic) or (isinstance(item, Gate) and item.name in ("x", "y", "z"))
        else replace(item, cond=None)
        for item in program.instructions
    ]
    return replace(program, instructions=tuple(items))


def cases(count: int):
    dice = random.Random("logical kernel")
    while count:
        made = random_program(
            dice, dice.randint(1, 5), dice.randint(1, 50), gates=CLIFFORD, conditions=0.5, dynamic=0.3, noise=0.1
        )
        program = followed(made)
        events = sum(isinstance(item, Measure | Reset | Noise) for item in program.instructions)
        if events - program.n_qubits <= BRANCHES:
            count -= 1
            yield program


def test_random_programs_have_their_exact_distribution():
    for at, program in enumerate(cases(60)):
        counts = LogicalPlan(circuit_of(program)).run(SHOTS, at).counts()
        assert_drawn_from(exact_distribution(program), counts, SHOTS)


def test_the_reference_in_numpy_has_it_too():
    for at, program in enumerate(cases(20)):
        bits = frames.sample(program, SHOTS, at)
        counts: dict[str, int] = {}
        for row in bits.tolist():
            key = "".join(map(str, row))
            counts[key] = counts.get(key, 0) + 1
        assert_drawn_from(exact_distribution(program), counts, SHOTS)


def test_both_agree_on_the_run_without_errors():
    dice = random.Random("reference run")
    for _ in range(10):
        program, _ = random_clifford(dice, 40, 800, 0.0)
        _, coins, _ = frames.reference(program)
        assert LogicalPlan(circuit_of(program)).coins == sum(
            coin for coin, item in zip(coins, program.instructions, strict=True) if isinstance(item, Measure)
        )


def rank(rows: np.ndarray) -> int:
    values = [int.from_bytes(np.packbits(row).tobytes(), "big") for row in rows]
    found: list[int] = []
    for value in values:
        for pivot in found:
            value = min(value, value ^ pivot)
        if value:
            found.append(value)
    return len(found)


@pytest.mark.parametrize("qubits", [70, 300])
def test_outcomes_span_what_stims_do(qubits):
    """A false alarm needs a dimension that 2 x dimensions shots miss: below 2^-100."""
    program, text = random_clifford(random.Random(f"span {qubits}"), qubits, 12 * qubits, 0.0)
    shots = 2 * program.n_cbits + 200
    bits = LogicalPlan(circuit_of(program)).run(shots, 3).bits()
    ours = np.frombuffer(bits, dtype=np.uint8).reshape(shots, -1)[:, : program.n_cbits]
    theirs = text.compile_sampler(seed=5).sample(shots).astype(np.uint8)
    ours_rank, theirs_rank = rank(ours ^ ours[0]), rank(theirs ^ theirs[0])
    both = np.concatenate([ours ^ ours[0], theirs ^ ours[0]])
    assert ours_rank == theirs_rank == rank(both)


def noisy(shots_are: float, count: int) -> Program:
    items = (*(PauliNoise(q, shots_are, 0.0, 0.0) for q in range(count)), *(Measure(q, q) for q in range(count)))
    return Program(count, count, items, (Register("c", tuple(range(count))),), {})


def test_errors_come_as_often_as_they_should():
    """Binomial, 8 standard deviations: a false alarm in 1e15."""
    for shots, count, p in ((1, 40_000, 0.02), (64, 700, 1e-3), (70_000, 3, 0.3), (5_000, 20, 1e-4)):
        if count > 16_384:
            count = 16_384
        bits = LogicalPlan(circuit_of(noisy(p, count))).run(shots, 9).bits()
        total = sum(bits)
        mean = shots * count * p
        assert abs(total - mean) < 8 * math.sqrt(mean * (1 - p)) + 8
    assert LogicalPlan(circuit_of(noisy(1.0, 5))).run(100, 1).counts() == {"11111": 100}


def test_a_seed_gives_the_same_bits_and_another_one_others():
    program, _ = random_clifford(random.Random("replay"), 50, 900, 0.1)
    plan, again = (LogicalPlan(circuit_of(program)) for _ in "ab")
    for shots in (1, 65, 300, 3000):
        assert plan.run(shots, 11).bits() == again.run(shots, 11).bits()
    assert plan.run(65, 11).bits() != plan.run(65, 12).bits()


def test_frames_take_the_memory_of_one_batch_however_many_shots_there_are():
    """131,072 shots of 4,096 qubits: outcomes of 16 kB, and frames of 1,024 shots, 1 MB."""
    program = Program(4096, 1, (*(Gate("h", (q,)) for q in range(4096)), Measure(0, 0)), (Register("c", (0,)),), {})
    plan = LogicalPlan(circuit_of(program))
    needed = (1 << 17) // 8 + 16 * 8 * 2 * 4096
    assert len(plan.run(1 << 17, 1, needed).counts()) == 2
    with pytest.raises(MemoryError, match=f"{needed} bytes"):
        plan.run(1 << 17, 1, needed - 1)


def test_what_no_frame_follows_is_named():
    def of(*items: Instruction) -> Program:
        return Program(2, 1, (Measure(0, 0), *items), (Register("c", (0,)),), {})

    refused = (
        (Gate("t", (0,)), "op 1 (t) is no Clifford gate"),
        (Gate("h", (1,), cond=("bit", 0)), "op 1 (h) is under a condition, and no Pauli"),
        (Reset(1, ("bit", 0)), "op 1 (reset) is under a condition, and no Pauli"),
    )
    for item, text in refused:
        with pytest.raises(ValueError, match="op 1") as refusal:
            LogicalPlan(circuit_of(of(item)))
        assert str(refusal.value) == text
        with pytest.raises(QmkError, match="nothing that a Pauli frame follows"):
            frames.sample(of(item), 1, 1)


def test_the_frame_simulator_hands_large_clifford_programs_to_it():
    """10,000 qubits are more than its tableau with active states holds."""
    count = 10_000
    items: list[Instruction] = [Gate("h", (0,))]
    items += [Gate("cnot", (q, q + 1)) for q in range(count - 1)]
    items += [PauliNoise2((0, count - 1), (0.0,) * 4 + (1.0,) + (0.0,) * 10)]  # XX
    items += [Measure(0, 0), Gate("x", (count - 1,), cond=("bit", 0)), Measure(count - 1, 1)]
    program = Program(count, 2, tuple(items), (Register("c", (0, 1)),), {})
    counts = FramePlan(circuit_of(program)).run(2000, 4).counts()
    assert set(counts) == {"00", "10"}
    assert abs(counts["00"] - 1000) < 8 * math.sqrt(500)
