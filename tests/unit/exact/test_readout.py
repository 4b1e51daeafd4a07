"""Drawing outcomes from amplitudes, and refusing what is not gates and one read-out."""

from __future__ import annotations

import numpy as np
import pytest

from qmk.exact.readout import BLOCK, bits_of, outcomes, readout_of
from qmk.exact.rng import Rng
from qmk.ir.program import Gate, Logic, Measure, PauliNoise, Program, Reset
from qmk.ir.resolver import ALL_GATES
from qmk.sdk.engine import Capabilities, Unsupported
from qmk.sdk.kit.statistics import check

CAN = Capabilities(
    gates=ALL_GATES, mid_circuit=False, reset=False, feed_forward="none", logic=False, max_qubits=20, method="m"
)


def state(qubits: int, dtype: type = np.complex128, empty: float = 0.3) -> np.ndarray:
    """A random state, part of whose amplitudes are exactly zero."""
    rng = np.random.Generator(np.random.PCG64(qubits))
    found = rng.normal(size=1 << qubits) + 1j * rng.normal(size=1 << qubits)
    found[rng.random(1 << qubits) < empty] = 0
    return (found / np.linalg.norm(found)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("qubits", [1, 4, 7, 9])
def test_outcomes_follow_the_amplitudes(qubits: int, dtype: type) -> None:
    """Eight comparisons, each failing by chance with probability at most 1e-9."""
    amplitudes = state(qubits, dtype)
    found = outcomes(amplitudes, 20_000, Rng(5, "test"))
    exact = {str(k): float(p) for k, p in enumerate(abs(amplitudes.astype(complex)) ** 2) if p}
    seen = {str(k): int(n) for k, n in zip(*np.unique(found, return_counts=True), strict=True)}
    assert check(seen, exact, 1e-9) == ""


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_blocks_of_a_large_state_are_drawn_by_their_weight(dtype: type) -> None:
    """Fifteen qubits in bins of 2048: one comparison a type, each failing by chance with probability at most 1e-9."""
    amplitudes = state(15, dtype)
    found = outcomes(amplitudes, 50_000, Rng(6, "test"))
    weights = (abs(amplitudes.astype(complex)) ** 2).reshape(16, -1).sum(axis=1)
    seen = {str(k): int(n) for k, n in zip(*np.unique(found // 2048, return_counts=True), strict=True)}
    assert check(seen, {str(k): float(w) for k, w in enumerate(weights)}, 1e-9) == ""
    assert (abs(amplitudes[found]) > 0).all()


def test_an_outcome_that_only_rounding_left_never_happens() -> None:
    amplitudes = np.full(4 * BLOCK, 3e-9, dtype=np.complex64)
    amplitudes[[5, 2 * BLOCK + 7]] = 0.5**0.5
    found = outcomes(amplitudes, 5000, Rng(1, "test"))
    assert set(found.tolist()) == {5, 2 * BLOCK + 7}


def test_the_same_dice_give_the_same_outcomes() -> None:
    amplitudes = state(12)
    first, again, other = (outcomes(amplitudes, 500, Rng(seed, "test")) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_single_and_double_precision_fall_alike() -> None:
    """The same throws on the same state differ only where a throw lies within rounding of a boundary."""
    single, double = (outcomes(state(12, dtype), 2000, Rng(3, "test")) for dtype in (np.complex64, np.complex128))
    assert (single != double).mean() < 0.01


def test_bits_are_read_by_place() -> None:
    assert bits_of(np.array([0b011, 0b100]), [0, 2]).tolist() == [[1, 0], [0, 1]]


def test_what_is_read_where() -> None:
    program = Program(3, 2, (Gate("h", (0,)), Gate("gphase", (), (0.3,)), Measure(2, 0), Measure(0, 1)), (), {})
    found = readout_of(program, "engine", CAN)
    assert (found.qubits, found.cbits) == ((2, 0), (0, 1))
    assert [gate.name for gate in found.gates] == ["h"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ((Measure(0, 0), Gate("x", (0,))), "after its measurement"),
        ((Measure(0, 0), Measure(0, 1)), "after its measurement"),
        ((Measure(0, 0), Gate("x", (1,), (), ("bit", 0))), "no feed-forward"),
        ((Measure(0, 0, ("bit", 1)),), "no feed-forward"),
        ((Reset(0), Measure(0, 0)), "a reset"),
        ((PauliNoise(0, 0.1, 0, 0), Measure(0, 0)), "an error channel"),
        ((Measure(0, 0), Logic(1, (0,), 1)), "event logic"),
        ((Gate("no_such", (0,)), Measure(0, 0)), "gate no_such"),
    ],
)
def test_everything_else_is_refused_by_name(bad: tuple[object, ...], why: str) -> None:
    with pytest.raises(Unsupported, match=why):
        readout_of(Program(2, 2, bad, (), {}), "engine", CAN)  # type: ignore[arg-type]


def test_too_many_qubits_are_refused() -> None:
    with pytest.raises(Unsupported, match="engine:m holds at most 20"):
        readout_of(Program(21, 0, (), (), {}), "engine", CAN)
