"""The two ways of the stabilizer engine agree, and each takes what it should."""

from __future__ import annotations

import numpy as np
import pytest

from qmk.engines.stabilizer import DECLARATION
from qmk.engines.stabilizer.engine import FramePlan, NotFrames, StabilizerEngine, branch_plan, frame_plan
from qmk.exact.branching import BranchingPlan
from qmk.exact.simulator import exact_distribution
from qmk.exact.tableau import TableauState
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Program
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.builder import Builder, all_of, when
from qmk.sdk.kit.random_programs import random_case
from qmk.sdk.kit.statistics import check


def program(b: Builder) -> Program:
    can = DECLARATION.methods[""]
    return lower(b.graph(), can.gates, clifford=True)


def feed_forward() -> Builder:
    """Parities, negations, logic that is a parity, resets: all within reach of Pauli frames."""
    b = Builder(4).op("h", 0).op("h", 1)
    x, y = b.measure(0), b.measure(1)
    b.op("lut", produces=("same",), inputs=(x, y), table=0b1001).op("lut", produces=("both",), inputs=(x, y), table=8)
    b.events += ["same", "both"]
    b.op("x", 2, guard=when("same")).op("y", 3, guard=when(x, 0)).op("condpauli", 2, 3, inputs=(x, "same"), paulis="ZX")
    b.op("reset", 0).op("h", 0)
    return b.measure_all()


def test_parities_go_by_frames_and_the_rest_by_branches() -> None:
    engine = StabilizerEngine()
    assert isinstance(engine.prepare(program(feed_forward()), ""), FramePlan)
    b = Builder(3).op("h", 0).op("h", 1)
    x, y = b.measure(0), b.measure(1)
    b.op("x", 2, guard=all_of(when(x), when(y)))
    assert isinstance(engine.prepare(program(b.measure_all()), ""), BranchingPlan)


def test_both_ways_follow_the_exact_distribution() -> None:
    """Two comparisons of 4000 shots, each failing by chance with probability at most 1e-9."""
    found = program(feed_forward())
    exact = exact_distribution(found)
    for plan in (frame_plan(found), branch_plan(found)):
        counts = bits.counts(found.registers, plan.run(4000, 5).bits)
        assert check(counts, exact, 1e-9) == ""


@pytest.mark.parametrize("seed", range(10))
def test_branches_follow_random_dynamic_programs(seed: int) -> None:
    """Ten comparisons, each failing by chance with probability at most 1e-9."""
    case = random_case(1000 + seed, clifford=True, dynamic=True, qubits=5, nodes=40)
    found = lower(case.graph, DECLARATION.methods[""].gates, clifford=True)
    counts = bits.counts(found.registers, branch_plan(found).run(3000, seed).bits)
    assert check(counts, exact_distribution(found), 1e-9) == ""


def test_conditions_without_frames_say_why() -> None:
    b = Builder(2).op("h", 0)
    e = b.measure(0)
    b.op("h", 1, guard=when(e)).measure_all()
    with pytest.raises(NotFrames, match="gate h under a condition"):
        frame_plan(program(b))


def test_gates_it_does_not_know_are_refused() -> None:
    with pytest.raises(Unsupported, match="gate t is not a Clifford gate"):
        StabilizerEngine().prepare(Program(1, 0, (Gate("t", (0,)),), (), {}), "")


def test_a_surface_of_many_qubits_is_one_sample_matrix() -> None:
    """Two hundred qubits in a GHZ state: every row is constant, and both rows occur."""
    b = Builder(200).op("h", 0)
    for q in range(199):
        b.op("cnot", q, q + 1)
    matrix = StabilizerEngine().prepare(program(b.measure_all()), "").run(300, 2).bits
    assert np.ptp(matrix, axis=1).max() == 0
    assert set(matrix[:, 0].tolist()) == {0, 1}


def test_shots_of_one_history_share_a_tableau(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand shots over three measured bits need at most eight tableaus."""
    b = Builder(4)
    for q in range(3):
        b.op("h", q)
    x, y, z = (b.measure(q) for q in range(3))
    b.op("x", 3, guard=all_of(when(x), when(y), when(z))).measure_all()
    copies = 0
    original = TableauState.copy

    def counted(state: TableauState) -> TableauState:
        nonlocal copies
        copies += 1
        return original(state)

    plan = branch_plan(program(b))
    monkeypatch.setattr(TableauState, "copy", counted)
    plan.run(1000, 3)
    assert copies == 7


def test_samples_come_in_pieces_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.engines.stabilizer.engine.CHUNK_BYTES", 4)
    seen: list[int] = []
    plan = frame_plan(program(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all()))
    matrix = plan.run(1000, 3, lambda done, bits=None: seen.append(done)).bits
    assert seen == [256, 512, 768, 1000]
    assert (matrix[:, 0] == matrix[:, 1]).all()
    assert 350 < matrix[:, 0].sum() < 650  # ten standard deviations
