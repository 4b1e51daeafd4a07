"""Stopping a run at its fences, in any way and on any engine, changes none of its bits; the bits have the exact
distribution. The kit's fence checks, run on every engine by tests/conformance, cover random programs; here are the ways
the engines run them, several chunks, other processes, and how exactly gates are undone.

Each statistical test fails by chance with probability at most 1e-9.
"""

from __future__ import annotations

import hashlib
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmk.engines.stabilizer.fenced_frames import FencedFramePlan
from qmk.exact import chunks
from qmk.exact.branching import BranchingPlan
from qmk.exact.simulator import exact_distribution
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.random_programs import add_fences, random_case
from qmk.sdk.kit.statistics import check

PlanOf = Callable[[Graph, str], Any]
SHOTS, SEED = 400, 5


def parities(seed: int) -> Graph:
    """A random Clifford program of five epochs that Pauli frames can follow."""
    dice = random.Random(seed)
    b = Builder(4)
    for _ in range(5):
        for _ in range(6):
            kind = dice.choice(("h", "s", "sx", "y", "cnot", "cy", "cz", "swap", "iswap"))
            b.op(kind, *dice.sample(range(4), 2 if kind in ("cnot", "cy", "cz", "swap", "iswap") else 1))
        event = b.measure(dice.randrange(4), basis=dice.choice(("mz", "mx")))
        if dice.random() < 0.5:
            b.op("reset", dice.randrange(4))
        b.op(dice.choice("xyz"), dice.randrange(4), guard=when(event, dice.randrange(2)))
        b.op("fence")
    return b.measure_all().graph()


@pytest.mark.parametrize("seed", range(12))
def test_frames_follow_the_exact_distribution(plan_of: PlanOf, seed: int) -> None:
    graph = parities(seed)
    plan = plan_of(graph, "stabilizer")
    assert isinstance(plan, FencedFramePlan)
    seen = bits.counts(plan.program.registers, plan.run(4000, seed).bits)
    assert not check(seen, exact_distribution(lower(graph, ALL_GATES)))


def test_several_chunks_give_the_exact_distribution_and_resume(
    plan_of: PlanOf, teleport: Callable[[bool], Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few bytes of states make many chunks; bits then differ, their distribution does not."""
    monkeypatch.setattr(chunks, "STATES_BYTES", 3 * (16 << 3))
    graph = teleport(False)
    plan = plan_of(graph, "reference")
    assert plan.chunk(2000) == 3
    whole = plan.run(2000, SEED)
    assert not check(bits.counts(plan.program.registers, whole.bits), exact_distribution(plan.program))
    execution, done = plan.start(50, SEED), list[int]()
    while True:
        execution = plan.resume(execution.save())
        if not execution.advance():
            break
        done.append(execution.shots_done)
    assert done == sorted(done)
    assert len(set(done)) == 18
    assert np.array_equal(execution.samples().bits, plan.run(50, SEED).bits)


def test_frames_in_several_chunks(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.engines.stabilizer.fenced_frames.STATES_BYTES", 1 << 9)
    graph = parities(3)
    plan = plan_of(graph, "stabilizer")
    assert plan.chunk(4000) == 64 * ((1 << 9) // (8 * plan.rows))
    execution = plan.start(1000, SEED)
    while True:
        execution = plan.resume(execution.save())
        if not execution.advance():
            break
    samples = execution.samples().bits
    assert np.array_equal(samples, plan.run(1000, SEED).bits)
    assert not check(bits.counts(plan.program.registers, samples), exact_distribution(plan.program))


def uncompute(plan: Any, shots: int, seed: int) -> list[tuple[int, float]]:
    """Drive a run to its end; from every fence go back, where the segment before it can be undone, compare with the
    state that was there, and go on: the fences with the largest distance over all branches, 0.0 where it is exact."""
    found: list[tuple[int, float]] = []
    execution = plan.start(shots, seed)
    while True:
        before = plan.resume(execution.save())
        if not execution.advance():
            break
        if execution.epoch == before.epoch + 1 and execution.rewind(before.epoch):
            found.append((before.epoch, execution.distance(before)))
            execution.advance()
    same = np.array_equal(execution.samples().bits, plan.run(shots, seed).bits)
    assert same, "going back changed the samples"
    return found


def test_undone_gates_give_the_state_back(plan_of: PlanOf) -> None:
    """Exactly for stabilizer states, to 1e-12 in every amplitude for state vectors."""
    undone: dict[str, int] = dict.fromkeys(("reference", "stabilizer", "aer"), 0)
    for seed in range(8):
        for engine in undone:
            clifford = engine == "stabilizer"
            case = add_fences(random_case(seed, clifford=clifford, dynamic=True), seed)
            for epoch, distance in uncompute(plan_of(case.graph, engine), 60, seed):
                undone[engine] += 1
                assert distance <= (0.0 if clifford else 1e-12), (engine, case.name, epoch, distance)
    assert min(undone.values()) >= 8


@pytest.mark.parametrize("seed", range(4))
def test_undone_frames_are_the_frames_that_were(plan_of: PlanOf, seed: int) -> None:
    case = add_fences(random_case(seed, clifford=True, dynamic=False), seed)
    plan = plan_of(case.graph, "stabilizer")
    assert isinstance(plan, FencedFramePlan)
    rows = uncompute(plan, 100, seed)
    assert rows == [(epoch, 0.0) for epoch in range(4)]


def test_rewinding_stops_at_a_measurement_and_changes_nothing(plan: Any) -> None:
    execution = plan.start(SHOTS, SEED)
    execution.advance()
    execution.advance()
    before = execution.save()
    assert not execution.rewind(1)
    assert not execution.rewind(0)
    assert not execution.rewind(3)
    assert not execution.rewind(-1)
    assert execution.rewind(2)
    assert execution.save() == before


def test_a_resumed_run_saves_the_same_state(plan: Any) -> None:
    execution = plan.start(SHOTS, SEED)
    while execution.advance():
        state = execution.save()
        assert plan.resume(state).save() == state


def test_plans_pickle_with_what_they_have_compiled(plan: Any) -> None:
    want = plan.run(SHOTS, SEED).bits
    assert np.array_equal(pickle.loads(pickle.dumps(plan)).run(SHOTS, SEED).bits, want)


def test_no_shots_and_no_bits(plan_of: PlanOf) -> None:
    graph = Builder(1).op("h", 0).op("fence").graph()
    for engine in ("reference", "stabilizer", "aer"):
        plan = plan_of(graph, engine)
        assert plan.run(5, 1).bits.shape == (5, 0)
        execution = plan.start(5, 1)
        assert execution.advance()
        execution = plan.resume(execution.save())
        assert execution.advance()
        assert not execution.advance()
        assert plan.run(0, 1).bits.shape == (0, 0)
        assert not plan.resume(plan.start(0, 1).save()).advance()


ELSEWHERE = """
import hashlib, pickle, sys
from pathlib import Path
plan, state = pickle.loads(Path(sys.argv[1]).read_bytes())
execution = plan.resume(state)
while execution.advance():
    pass
print(hashlib.sha256(execution.samples().bits.tobytes()).hexdigest())
"""


def test_another_process_goes_on_with_the_same_bits(plan: Any, tmp_path: Path) -> None:
    execution = plan.start(SHOTS, SEED)
    execution.advance()
    execution.advance()
    (tmp_path / "saved").write_bytes(pickle.dumps((plan, execution.save())))
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "saved")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert said.strip() == hashlib.sha256(plan.run(SHOTS, SEED).bits.tobytes()).hexdigest()


def test_wide_read_out_of_a_tableau_is_uniform_over_what_is_possible(plan_of: PlanOf) -> None:
    """A chain of 40 entangled pairs read out from tableaus: the two bits of a pair agree, pairs are independent."""
    b = Builder(80)
    for k in range(0, 80, 2):
        b.op("h", k).op("cnot", k, k + 1)
    event = b.measure(0)
    b.op("s", 1, guard=when(event))
    plan = plan_of(b.op("fence").measure_all().graph(), "stabilizer")
    assert isinstance(plan, BranchingPlan)
    seen = plan.run(4000, SEED).bits[:, 1:]
    assert np.array_equal(seen[:, ::2], seen[:, 1::2])
    ones = seen[:, ::2].astype(int).sum(axis=0)
    agree = (seen[:, :-2:2] == seen[:, 2::2]).astype(int).sum(axis=0)
    assert np.abs(ones - 2000).max() < 253  # 8 standard deviations: 1e-14 for each of 79 sums
    assert np.abs(agree - 2000).max() < 253


def test_programs_without_fences_keep_their_plans(plan_of: PlanOf) -> None:
    case: Case = random_case(1, clifford=True, dynamic=True)
    assert not hasattr(plan_of(case.graph, "aer"), "start")
    for engine in ("reference", "stabilizer"):
        assert isinstance(plan_of(case.graph, engine), BranchingPlan), "these have one plan, fences or not"
