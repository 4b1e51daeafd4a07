"""The parts of the branching walk: steps, chunks, rng, single branches, noise.

Each statistical test fails by chance with probability at most 1e-9.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import stim

from qmk.engines.stabilizer.fenced_frames import FencedFramePlan
from qmk.exact.branching import BranchingPlan
from qmk.exact.chunks import CHUNK_SHOTS, STATES_BYTES, chunk_shots, walk_size
from qmk.exact.dense import DenseBackend, NumpyCircuit
from qmk.exact.rng import POSITION_BYTES, Rng
from qmk.exact.tableau import TableauBackend
from qmk.exact.uncompute import inverse_gate
from qmk.ir import bits
from qmk.ir.program import Barrier, Fence, Gate, Logic, Measure, PauliNoise, Program, Register, Reset
from qmk.ir.steps import Observe, Run, steps_of
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.statistics import check

H, X, CNOT = Gate("h", (0,)), Gate("x", (0,)), Gate("cnot", (0, 1))
BIT = ("bit", 0)
FIRST_WORDS = [16894867218548480518, 701601888404367475]


def program(*instructions: object, qubits: int = 2, cbits: int = 3) -> Program:
    registers = (Register("", tuple(range(cbits))),)
    return Program(qubits, cbits, instructions, registers, {})  # type: ignore[arg-type]


def dense(made: Program) -> BranchingPlan[object]:  # pyright: ignore[reportInvalidTypeArguments]
    return BranchingPlan(made, DenseBackend(made.n_qubits, NumpyCircuit), "test")  # type: ignore[return-value]


def test_gates_of_one_condition_are_one_step_and_a_fence_ends_it() -> None:
    under = Gate("x", (1,), (), BIT)
    steps = steps_of(program(H, CNOT, Measure(0, 0), under, under, H, Barrier((0,)), X, Fence(epoch=1), X))
    first, second = steps.segments
    assert first == (Run((H, CNOT), None), Observe(0, 0, None), Run((under, under), BIT), Run((H, X), None))
    assert second == (Run((X,), None),)
    assert steps.final == ()
    assert steps.branch_points == 1
    assert (steps.reversible(0, 1), steps.reversible(1, 2)) == (False, True)


def test_the_final_read_out_takes_measurements_and_logic_but_no_fence() -> None:
    last = (Measure(0, 0), Logic(0b01, (0,), 1), Measure(1, 2))
    assert steps_of(program(H, *last)).final == last
    assert steps_of(program(H, *last, Fence(epoch=1))).final == ()
    assert steps_of(program(H, Measure(0, 1), Measure(0, 0))).final == (Measure(0, 0),)
    assert steps_of(program(H, Measure(1, 1, BIT), Measure(0, 0))).final == (Measure(0, 0),)


def test_logic_that_reads_a_bit_before_it_is_measured_reads_0() -> None:
    plan = dense(program(X, Fence(epoch=1), Logic(0b10, (0,), 1), Measure(0, 0), Logic(0b10, (0,), 2)))
    assert plan.run(3, 1).bits.tolist() == [[1, 0, 1]] * 3


def test_undoing_logic_clears_its_bit() -> None:
    """A gate before the logic that reads its bit sees the 0 again, on the way back as on the way there."""
    logic = Logic(0b1, (), 0)
    plan = dense(program(Gate("h", (0,), (), ("not", BIT)), logic, Gate("x", (0,), (), BIT), Fence(epoch=1), H))
    execution = plan.start(1, 1)
    before = plan.resume(execution.save())
    execution.advance()
    assert execution.rewind(0)
    assert execution.distance(before) < 1e-12


@pytest.mark.parametrize(
    "gate", [Gate("u", (0,), (0.3, 0.7, -1.1)), Gate("iswap", (0, 1)), Gate("rzz", (1, 0), (0.4,))]
)
def test_a_gate_and_its_inverse_are_nothing(gate: Gate) -> None:
    backend = DenseBackend(2, NumpyCircuit)
    state = backend.zero()
    state.apply(backend.compile((H, Gate("t", (0,)), CNOT)))
    before = state.copy()
    state.apply(backend.compile((gate, inverse_gate(gate))))
    assert state.distance(before) < 1e-15
    assert inverse_gate(inverse_gate(gate)) == gate


def test_chunks_follow_from_the_program() -> None:
    assert chunk_shots(1000, 3, 1 << 20) == 1000, "eight states fit"
    assert chunk_shots(1000, 9, 1 << 20) == STATES_BYTES >> 20, "512 do not: as many shots as fit"
    assert chunk_shots(1000, 1, STATES_BYTES) == 1
    assert chunk_shots(1000, 0, 1 << 40) == 1000, "one branch takes all shots"
    assert chunk_shots(10**8, 0, 16) == CHUNK_SHOTS
    assert chunk_shots(0, 5, 16) == 1
    assert walk_size(1000, 3, 1 << 20) == (8, 8)
    assert walk_size(1000, 9, 1 << 20) == (1024, 256)
    assert walk_size(1000, 5000, 1 << 10) == (1000, 1000)
    assert walk_size(0, 5, 16) == (0, 0)


def test_dice_go_on_from_a_position_and_follow_their_name() -> None:
    rng = Rng(5, "chunk", 0)
    rng.words(7)
    position = rng.position()
    assert len(position) == POSITION_BYTES
    want = rng.uniform(100).tolist()
    again = Rng(5, "chunk", 0)
    again.go_to(position)
    assert again.uniform(100).tolist() == want
    assert all(0 <= value < 1 for value in want)
    assert Rng(5, "chunk", 1).uniform(100).tolist() != Rng(5, "chunk", 0).uniform(100).tolist()
    with pytest.raises(ValueError, match="16 bytes, not 3"):
        rng.go_to(b"abc")


def test_dice_keep_their_stream() -> None:
    """These words are in saved states: they may not change with numpy."""
    assert Rng(1, "chunk", 0).words(2).tolist() == FIRST_WORDS


def test_noise_has_its_probabilities() -> None:
    """X and Y flip the bit of a qubit in 0, Y and Z that of a qubit in +."""
    noisy = program(
        Gate("h", (1,)), PauliNoise(0, 0.2, 0.1, 0.05), PauliNoise(1, 0.2, 0.1, 0.05), Fence(epoch=1),
        Gate("h", (1,)), Measure(0, 0), Measure(1, 1), cbits=2,
    )  # fmt: skip
    exact = {"00": 0.7 * 0.85, "01": 0.7 * 0.15, "10": 0.3 * 0.85, "11": 0.3 * 0.15}
    head = stim.Circuit("H 1\nPAULI_CHANNEL_1(0.2, 0.1, 0.05) 0 1")
    frames = FencedFramePlan(noisy, (head, stim.Circuit("H 1\nM 0 1")), np.zeros(2, dtype=np.uint8), (0, 1), (), "test")
    tableaus = BranchingPlan(noisy, TableauBackend(2), "test")
    for plan in (dense(noisy), tableaus, frames):
        samples = plan.run(20_000, 4)
        assert not check(bits.counts(noisy.registers, samples.bits), exact)
        execution = plan.start(100, 4)
        execution.advance()
        assert not execution.rewind(0), "rng were thrown"
        execution = plan.resume(execution.save())
        while execution.advance():
            pass
        assert np.array_equal(execution.samples().bits, plan.run(100, 4).bits)


def test_impossible_outcomes_never_happen_and_certain_ones_cost_no_dice() -> None:
    plan = dense(program(X, Measure(0, 0), Reset(0), Measure(0, 1), H, Gate("h", (0,)), Fence(epoch=1), Measure(0, 2)))
    execution = plan.start(50, 1)
    begun = Rng(1, "chunk", 0).position()
    execution.advance()
    assert execution.chunk is not None
    assert execution.chunk.rng.position() == begun  # pyright: ignore[reportAttributeAccessIssue]
    execution.advance()
    assert execution.samples().bits.tolist() == [[1, 0, 0]] * 50


def test_states_beyond_the_limit_are_refused_before_they_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("qmk.exact.chunked", fromlist=["LIMITS"]).LIMITS.__dict__, "checkpoint_bytes", 63)
    execution = dense(program(H, Fence(epoch=1), H)).start(5, 1)
    execution.save()
    execution.advance()
    with pytest.raises(Unsupported, match="takes 64 B, and the limit 'checkpoint_bytes' is 63 B"):
        execution.save()


def test_read_out_of_qubits_in_any_order() -> None:
    angle = 2 * math.asin(math.sqrt(0.1))
    made = program(
        Gate("ry", (0,), (angle,)), Gate("x", (2,)), Fence(epoch=1), Measure(2, 0), Measure(0, 1), qubits=3, cbits=2
    )
    seen = bits.counts(made.registers, dense(made).run(20_000, 3).bits)
    assert not check(seen, {"10": 0.9, "11": 0.1})
