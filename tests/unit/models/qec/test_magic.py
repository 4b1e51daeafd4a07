"""Magic states: distillation exactly, supply and stalls, teleported T gates, distance by policy.

False-failure rate of the statistical tests: below 1e-8 together (six standard errors).
"""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.qec import magic
from qmk.models.qec.magic import Measured, distill, exact
from qmk.models.qec.rates import flip_per_round
from qmk.models.qec.surgery import programs
from qmk.models.qec.tables import default


@pytest.mark.parametrize("p", [1e-5, 1e-4, 1e-3])
def test_15_to_1_leaves_35_p_cubed(p: float) -> None:
    protocol = magic.protocol("15-to-1")
    assert protocol.leading == (35, 3)
    assert protocol.output_error(p) == pytest.approx(35 * p**3, rel=0.05)
    assert 1 - protocol.acceptance(p) == pytest.approx(15 * p, rel=0.05)


def test_15_to_1_is_the_closed_form() -> None:
    """Bravyi, Kitaev, Phys. Rev. A 71, 022316 (2005)."""
    for p in (1e-3, 1e-2, 0.1, 0.3):
        q = 1 - 2 * p
        assert magic.protocol("15-to-1").acceptance(p) == pytest.approx((1 + 15 * q**8) / 16, rel=1e-12)
        closed = (1 - 15 * q**7 + 15 * q**8 - q**15) / (2 * (1 + 15 * q**8))
        assert magic.protocol("15-to-1").output_error(p) == pytest.approx(closed, rel=1e-9)


def test_ccz_from_8_t_leaves_28_p_squared() -> None:
    protocol = magic.protocol("8T-to-CCZ")
    assert protocol.leading == (28, 2)
    assert protocol.output_error(1e-3) == pytest.approx(28e-6, rel=0.05)
    assert 1 - protocol.acceptance(1e-3) == pytest.approx(8e-3, rel=0.05)


@pytest.mark.parametrize("name", ["15-to-1", "8T-to-CCZ"])
def test_monte_carlo_agrees_with_the_enumeration(name: str) -> None:
    found, protocol = magic.sample(name, 0.03, 300_000, seed=1), magic.protocol(name)
    assert abs(found.output_error - protocol.output_error(0.03)) < 6 * found.standard_error
    accepted = protocol.acceptance(0.03)
    assert abs(found.passed / found.runs - accepted) < 6 * (accepted * (1 - accepted) / found.runs) ** 0.5


def run_rotations(errors: int = 0) -> tuple[float, float]:
    """The 15-to-1 protocol as fifteen rotations by pi/8 on five qubits in ``|+>``, run as a state vector: chance that
    the four checks pass, and infidelity of the output with T. ``errors``: a bit for each input state with a Z error.

    Rotations are about products of Z (Litinski, Quantum 3, 205 (2019)); the five rows of the code's triorthogonal
    matrix say which. The output is ``T^dagger |+>``, as the code's transversal T is the inverse of the logical one.
    """
    indices = np.arange(32, dtype=np.uint32)
    state = np.full(32, 32**-0.5, dtype=np.complex128)
    for at in range(15):
        axis = sum((row >> at & 1) << bit for bit, row in enumerate((*distill.HAMMING_15, (1 << 15) - 1)))
        sign = 1 - 2 * distill._odd(indices, axis).astype(float)
        state *= np.exp(-1j * np.pi / 8 * sign)
        if errors >> at & 1:
            state *= sign
    kept = state.reshape(2, 16).sum(axis=1) / 4  # the four checks found +
    passing = float(np.vdot(kept, kept).real)
    if passing < 1e-12:
        return 0.0, 1.0
    ideal = np.array([np.exp(1j * np.pi / 8), np.exp(-1j * np.pi / 8)]) / 2**0.5
    overlap = abs(np.vdot(ideal, kept)) ** 2 / passing
    return passing, float(1 - overlap)


def test_the_rotations_of_15_to_1_do_what_the_enumeration_says() -> None:
    dice = np.random.default_rng(3)
    patterns = [0, 0b111, *(1 << at for at in range(15)), *(int(x) for x in dice.integers(1 << 15, size=200))]
    for pattern in patterns:
        passing, infidelity = run_rotations(pattern)
        passes, spoils = distill._outcome(15, np.array([pattern], dtype=np.uint32))
        assert passing == pytest.approx(float(passes[0]), abs=1e-9)
        if passes[0]:
            assert infidelity == pytest.approx(float(spoils[0]), abs=1e-9)


def test_factories_say_what_they_make_and_where_it_is_from() -> None:
    for built in magic.FACTORIES:
        assert built.source
        assert built.states_per_round(11, 1e-3) > 0
        assert built.physical_qubits(11) > 400
    unit = magic.factory("15-to-1")
    assert unit.physical_qubits(11) == 11 * 2 * 121
    assert unit.output_error(1e-3, 1e-6) == pytest.approx(35e-9 + 7.1e-6, rel=1e-3)
    assert unit.rejection(1e-3, 1e-6) == pytest.approx(15e-3 + 356e-6, rel=0.01)
    assert magic.factory("cultivation(5)", 1e-3).output_error() == 2.1e-9


def test_cultivation_is_not_interpolated() -> None:
    with pytest.raises(QmkError, match=r"at a physical error rate of 0\.0007") as caught:
        magic.factory("cultivation(5)", 7e-4)
    assert caught.value.fields["help"] == "it is known at 0.001, 0.0005"
    with pytest.raises(QmkError, match="no 'oracle'"):
        magic.factory("oracle")
    with pytest.raises(QmkError, match=r"an error rate of 0\.7"):
        magic.factory("15-to-1").output_error(0.7)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_t_starvation_stalls_as_predicted(count: int) -> None:
    program, unit, gates, d = programs.t_gates(100), magic.factory("15-to-1"), 100, 5
    stalls = [magic.schedule(program, unit, count, d, input_error=5e-3, seed=seed).stalled_rounds for seed in range(12)]
    expected = magic.expected_stall(magic.plant(unit, count, d, 5e-3), gates, 2 * d)
    assert statistics.mean(stalls) == pytest.approx(expected, rel=0.10, abs=6 * statistics.stdev(stalls) / 12**0.5)


def test_the_formula_where_nothing_fails() -> None:
    plant = magic.Plant(count=2, period=10.0)
    assert magic.expected_stall(plant, 50, 5.0) == 0
    assert magic.expected_stall(plant, 50, 4.0) == pytest.approx(50 * 5 - 50 * 4)
    assert magic.expected_makespan(plant, 50, 4.0) == pytest.approx(50 * 5 + 4)


def test_enough_factories_leave_only_the_first_waits() -> None:
    run = magic.schedule(programs.t_gates(100), magic.factory("15-to-1"), 40, 5, input_error=1e-3)
    assert run.rounds == run.ideal_rounds
    assert run.states == 100


def test_operations_that_err_reject_more_states_and_spoil_more() -> None:
    unit, program = magic.factory("15-to-1"), programs.t_gates(100)
    clean, worse = (
        magic.schedule(program, unit, 2, 5, input_error=1e-3, clifford_error=error, seed=1) for error in (0.0, 1e-3)
    )
    assert worse.attempts / clean.attempts == pytest.approx((1 - 0.015) / (1 - 0.371), rel=0.25)
    for reaction in (-1.0, float("nan"), float("inf")):
        with pytest.raises(QmkError, match="a reaction of"):
            magic.schedule(program, unit, 2, 5, reaction_rounds=reaction)


def test_the_same_seed_stalls_the_same() -> None:
    runs = [
        magic.schedule(programs.t_gates(30), magic.factory("15-to-1"), 2, 5, input_error=2e-2, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_a_small_buffer_makes_nothing_faster() -> None:
    def makespan(buffer: int) -> float:
        program = programs.t_gates(100)
        return magic.schedule(program, magic.factory("15-to-1"), 8, 5, input_error=2e-2, buffer=buffer, seed=4).rounds

    times = [makespan(buffer) for buffer in (1, 2, 8, 100)]
    assert times == sorted(times, reverse=True)
    assert times[0] > times[-1]


def test_a_plant_of_nothing() -> None:
    with pytest.raises(QmkError, match="count=0") as caught:
        magic.Plant(0, 1.0)
    assert "1 to 100000 factories" in caught.value.fields["help"]
    for plant in ((10**9, 1.0), (1, float("inf")), (1, 1.0, 1.0), (1, 1.0, float("nan"))):
        with pytest.raises(QmkError, match="magic states"):
            magic.Plant(*plant)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("count", range(1, 9))
def test_teleported_t_gates_with_their_s_are_t_gates(count: int) -> None:
    wanted = np.array([1, np.exp(0.25j * np.pi * count)]) / 2**0.5
    branches = set()
    for seed in range(6):
        run = exact.run(programs.t_gates(count), seed)
        branches.add(tuple(run.outcomes.values()))
        assert abs(np.vdot(wanted, run.state)) == pytest.approx(1, abs=1e-12)
    assert len(branches) > 1


def test_a_t_without_its_s_is_wrong_half_the_time() -> None:
    program = programs.t_gates(1)
    bare = type(program)("bare", program.floor, program.ops[:-1])
    wanted = np.array([1, np.exp(0.25j * np.pi)]) / 2**0.5
    for seed in range(6):
        run = exact.run(bare, seed)
        overlap = abs(np.vdot(wanted, run.state)) ** 2
        assert overlap == pytest.approx(0.5 if run.outcomes["zz0"] else 1.0)


def test_certain_parities_hold_in_exact_runs() -> None:
    from qmk.models.qec.surgery import certain

    for program in programs.held_out()[:10]:
        outcomes = exact.run(program, 5).outcomes
        for parity in certain(program):
            assert sum(outcomes[key] for key in parity) % 2 == parity.value


def test_a_chain_of_t_gates_waits_for_its_decoder() -> None:
    rate = magic.reaction_limited_rate_hz(11, 1e-6, 63e-6)
    assert rate == pytest.approx(13.5e3, rel=0.01)
    run = magic.schedule(programs.t_gates(50), magic.factory("15-to-1"), 60, 11, reaction_rounds=63)
    assert (run.rounds - 22) / 50 == 11 + 63 + 11


QUIET = {3: Measured(9e-5, 1.1e-4, 0.2), 5: Measured(9e-6, 1.1e-5, 0.4), 7: Measured(9e-7, 1.1e-6, 0.8)}


def test_distance_grows_when_the_noise_drifts() -> None:
    assert magic.choose(QUIET, 5, 2e-5).action == "keep"
    assert magic.choose(QUIET, 5, 2e-6) == magic.choose(dict(reversed(QUIET.items())), 5, 2e-6)
    assert (magic.choose(QUIET, 5, 2e-6).action, magic.choose(QUIET, 5, 2e-6).d) == ("grow", 7)
    assert (magic.choose(QUIET, 5, 1e-3).action, magic.choose(QUIET, 5, 1e-3).d) == ("shrink", 3)


def test_an_overloaded_decoder_never_gets_a_larger_distance() -> None:
    """Drift raises errors and load at once, and a larger distance raises the load again (Terhal's backlog)."""
    noisy = {3: Measured(4e-3, 5e-3, 0.5), 5: Measured(1e-3, 1.2e-3, 0.95), 7: Measured(3e-4, 4e-4, 1.9)}
    assert magic.choose(noisy, 5, 5e-4).action == "throttle"
    assert (magic.choose(noisy, 5, 1e-2).action, magic.choose(noisy, 5, 1e-2).d) == ("shrink", 3)
    near = {5: Measured(1e-3, 1.2e-3, 0.6), 7: Measured(3e-4, 4e-4, 1.2)}
    told = magic.choose(near, 5, 5e-4)
    assert told.action == "throttle"
    assert "admit less" in told.reason


def test_a_code_without_threshold_goes_back_to_its_best_distance() -> None:
    """Bacon-Shor at 5e-3 errs least at distance 3, at 3e-3 at distance 5, by the counts of the table."""
    best = {}
    for noise in ("p=5e-3", "p=3e-3"):
        rows = default().of(noise, "bacon_shor", "matching")
        measured = {}
        for d in (3, 5, 7, 9):
            row = rows.row("memory", d, "Z")
            assert row is not None
            low, high = (flip_per_round(bound, row.rounds) for bound in row.interval_per_shot())
            measured[d] = Measured(low, high, 0.1)
        told = [magic.choose(measured, d, 1e-4) for d in (9, 7)]
        assert {decision.action for decision in told} == {"shrink"}
        best[noise] = {decision.d for decision in told}
    assert best == {"p=5e-3": {3}, "p=3e-3": {5}}


def test_above_threshold_a_larger_distance_is_no_help() -> None:
    above = {3: Measured(1e-2, 1.1e-2, 0.1), 5: Measured(2e-2, 2.2e-2, 0.2)}
    assert magic.choose(above, 3, 1e-3).action == "throttle"
    with pytest.raises(QmkError, match="no rates at distance 9"):
        magic.choose(above, 9, 1e-3)
