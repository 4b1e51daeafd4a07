"""Circuits cut into blocks against a plain numpy state vector, and what cutting costs.

False failures: each comparison of samples fails by chance with probability below 1e-9 (total variation distance of N
shots over K outcomes, with McDiarmid's inequality), so below 1e-7 for the file.
"""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import qmk_native as native

from qmk.engines.native.engine import NativeEngine
from qmk.ir.program import Gate, Measure, Program, Register
from qmk.sdk.engine import Unsupported
from tests.unit.native.test_mps import GATES, KINDS, matrix, measured, row

FAMILIES = (
    tuple(GATES),
    ("h", "cnot", "t"),
    ("cz", "h", "rx"),
    ("cp", "h", "cnot", "swap"),
    ("ccz", "h", "rzz"),
    ("toffoli", "h"),
    ("rxx", "ryy", "rzz", "u"),
    ("iswap", "ry", "cry", "cy", "ch"),
)


def amplitudes(n: int, ops: list[tuple]) -> np.ndarray:
    """Of each basis state, qubit 0 = most significant bit."""
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1
    names = {number: name for name, (number, _, _) in KINDS.items()}
    for kind, qubits, params, *_ in ops:
        k = len(qubits)
        gate = matrix(names[kind], params).reshape((2,) * (2 * k))
        state = np.moveaxis(np.tensordot(gate, state, axes=(range(k, 2 * k), qubits)), range(k), qubits)
    return state.reshape(-1)


def random_ops(dice: random.Random, n: int) -> list[tuple]:
    names = [name for name in dice.choice(FAMILIES) if KINDS[name][1] <= n]
    ops = []
    for _ in range(dice.randint(1, 20)):
        name = dice.choice(names)
        angles = [dice.choice((dice.uniform(-4, 4), math.pi / 2, math.pi)) for _ in range(KINDS[name][2])]
        ops.append(row(name, dice.sample(range(n), KINDS[name][1]), angles))
    return ops


def two_blocks(size: int, links: int, seed: int) -> native.Circuit:
    """Two entangled blocks, the qubits of both mixed up, joined by ``links`` gates between layers."""
    dice = random.Random(seed)
    order = list(range(2 * size))
    dice.shuffle(order)
    halves = (order[:size], order[size:])
    ops: list[tuple] = []

    def layers(count: int) -> None:
        for half in halves:
            for _ in range(count):
                ops.extend(row("u", [q], [dice.uniform(0, 6) for _ in range(3)]) for q in half)
                dice.shuffle(half)
                ops.extend(row("cz", half[k : k + 2]) for k in range(0, size - 1, 2))

    layers(3)
    for _ in range(links):
        pair = [dice.choice(halves[0]), dice.choice(halves[1])]
        ops.append(row("cnot", pair))
        ops.extend(row("u", [q], [dice.uniform(0, 6) for _ in range(3)]) for q in pair)
    layers(3)
    return measured(2 * size, ops)


@pytest.mark.parametrize("seed", range(80))
def test_random_circuits_in_random_blocks_have_the_state_vectors_amplitudes_and_samples(seed: int) -> None:
    dice = random.Random(seed)
    n, shots = dice.randint(2, 7), 4000
    ops = random_ops(dice, n)
    halves = dice.sample(range(n), n)
    middle = dice.randint(1, n - 1)
    plan = native.CutPlan(measured(n, ops), 1 << 34, [halves[:middle], halves[middle:]])
    if plan.paths[0] > 8:
        plan = native.CutPlan(measured(n, ops), 1 << 28)
    expected = amplitudes(n, ops)
    found = plan.amplitudes([format(x, f"0{n}b") for x in range(2**n)])
    assert np.abs(np.array(found) - expected).max() < 1e-5
    weights = np.abs(expected) ** 2
    counts = np.zeros(2**n)
    for key, count in plan.run(shots, seed).counts().items():
        counts[int(key, 2)] = count
    assert counts.sum() == shots
    assert not counts[weights < 1e-10].any()
    distance = 0.5 * np.abs(counts / shots - weights).sum()
    assert distance <= math.sqrt(2**n / (4 * shots)) + math.sqrt(math.log(1e9) / (2 * shots))


@pytest.mark.parametrize("seed", range(30))
def test_a_chain_of_three_blocks_has_the_state_vectors_amplitudes(seed: int) -> None:
    dice = random.Random(1000 + seed)
    sizes = [dice.randint(1, 3) for _ in range(3)]
    n = sum(sizes)
    starts = [0, sizes[0], sizes[0] + sizes[1], n]
    blocks = [list(range(a, b)) for a, b in itertools.pairwise(starts)]
    ops = []
    for _ in range(14):
        first = dice.randrange(n)
        home = next(k for k in range(3) if first in blocks[k])
        near = [q for k in range(max(home - 1, 0), min(home + 2, 3)) for q in blocks[k] if q != first]
        ops.append(row("u", [first], [dice.uniform(0, 6) for _ in range(3)]))
        ops.append(row(dice.choice(("cnot", "cz", "cry", "ch")), [first, dice.choice(near)], []))
        if KINDS["cry"][0] == ops[-1][0]:
            ops[-1] = row("cry", ops[-1][1], [dice.uniform(0, 6)])
    plan = native.CutPlan(measured(n, ops), 1 << 36, blocks)
    if max(plan.paths) <= 7:
        found = plan.amplitudes([format(x, f"0{n}b") for x in range(2**n)])
        assert np.abs(np.array(found) - amplitudes(n, ops)).max() < 1e-5
        assert sum(plan.run(300, seed).counts().values()) == 300


def test_gates_that_share_a_control_are_one_sum() -> None:
    fan = [row("h", [0]), *(row("cnot", [0, k]) for k in range(3, 6)), row("cp", [0, 4], [0.3])]
    assert native.CutPlan(measured(6, fan), blocks=[[0, 1, 2], [3, 4, 5]]).paths == [1]
    onto = [row("h", [k]) for k in range(3)] + [row("cnot", [k, 4]) for k in range(3)]
    assert native.CutPlan(measured(6, onto), blocks=[[0, 1, 2], [3, 4, 5]]).paths == [1]
    apart = [row("h", [0]), row("cnot", [0, 3]), row("h", [0]), row("cnot", [0, 4])]
    assert native.CutPlan(measured(6, apart), blocks=[[0, 1, 2], [3, 4, 5]]).paths == [2]


def test_hidden_blocks_are_found_and_routed_to() -> None:
    circuit = two_blocks(17, 3, 5)
    plan = native.CutPlan(circuit)
    assert sorted(map(len, plan.blocks)) == [17, 17]
    assert plan.paths == [3]
    routed = native.Plan(circuit, 200, memory=1 << 30)
    assert routed.method == "cut"
    samples, method = routed.run(200, 3)
    assert method == "cut"
    assert sum(samples.counts().values()) == 200


def test_blocks_that_nothing_joins_cost_no_more_than_the_blocks() -> None:
    dice = random.Random(3)
    ops = []
    for block in range(6):
        for _ in range(8):
            qubits = dice.sample(range(10 * block, 10 * block + 10), 10)
            ops.extend(row("u", [q], [dice.uniform(0, 6) for _ in range(3)]) for q in qubits)
            ops.extend(row("cz", qubits[k : k + 2]) for k in range(0, 10, 2))
    plan = native.Plan(measured(60, ops), 100, memory=1 << 30)
    assert plan.candidates[0]["width"] <= 10


def test_the_same_seed_gives_the_same_bits() -> None:
    plan = native.CutPlan(two_blocks(6, 2, 1))
    assert plan.run(500, 9).bits() == plan.run(500, 9).bits()
    assert plan.run(500, 9).bits() != plan.run(500, 10).bits()


def test_blocks_that_outgrow_the_memory_are_refused_before_the_run() -> None:
    circuit = two_blocks(10, 3, 2)
    halves = native.CutPlan(circuit).blocks
    with pytest.raises(MemoryError, match=r"take \d+ bytes; 4096 are allowed"):
        native.CutPlan(circuit, 4096, halves)
    with pytest.raises(ValueError, match="no cut leaves blocks that fit the memory"):
        native.CutPlan(circuit, 4096)
    plan = native.CutPlan(circuit, 1 << 22)
    assert plan.memory_bytes(10**6) > 1 << 22
    with pytest.raises(MemoryError, match="bytes"):
        plan.run(10**6, 1)


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([[0, 1], [1, 2]], "qubit 1 is in two blocks"),
        ([[0], [1]], "qubit 2 is in no block"),
        ([[0], [1], [2]], "a gate joins wires 0 and 2, whose blocks are no neighbours"),
    ],
)
def test_blocks_that_make_no_chain_are_refused(blocks: list[list[int]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        native.CutPlan(measured(3, [row("cz", [0, 2])]), blocks=blocks)


def test_what_has_no_single_final_state_is_refused_by_name() -> None:
    program = Program(1, 1, (Measure(0, 0), Gate("x", (0,))), (Register("c", (0,)),), {})
    with pytest.raises(Unsupported, match="method cut takes gates and one final read-out: op 1"):
        NativeEngine().prepare(program, "cut")
