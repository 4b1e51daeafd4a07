"""Modes of light: Gaussian states, permanents and Fock space agree with each other and with what is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.exact.light import bosons, fock, gaussian
from qmk.exact.light.setup import Optics, optics
from qmk.ir.lower import lower
from qmk.qvm.families import photonic
from qmk.sdk.engine import Unsupported

ALL = frozenset(op.name for op in photonic.FAMILY.ops)
HALF = math.pi / 4


def light(program: qmk.Program) -> Optics:
    return optics(lower(program.to_graph(), ALL))


def table(program: qmk.Program) -> Any:
    found = light(program)
    return gaussian.distribution(gaussian.State.of(found), found.readings)


def unitary(modes: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(modes, modes)) + 1j * rng.normal(size=(modes, modes)))[0]


def test_two_photons_leave_a_beam_splitter_together() -> None:
    """Hong, Ou and Mandel: both photons are in one arm, never one in each."""
    program = qmk.Program(modes=2).prepare_fock(1, [0, 1]).beam_splitter(HALF, 0, 1).count_photons([0, 1], most=2)
    found, _ = fock.distribution(light(program))
    assert np.allclose(found, [[0, 0, 0.5], [0, 0, 0], [0.5, 0, 0]])
    numbers = qmk.run(program, shots=1000, seed=3).numbers()
    assert set(map(tuple, numbers.tolist())) == {(0, 2), (2, 0)}


def test_permanents_give_what_fock_space_gives() -> None:
    program = qmk.Program(modes=4).prepare_fock(1, [0, 1]).prepare_fock(2, 3)
    program.interferometer(unitary(4, 1), *range(4)).lose(0.7, 1).beam_splitter(0.4, 2, 0, phi=0.3)
    found = light(program.count_photons([2, 0, 1], most=4))
    exact, state = fock.distribution(found)
    by_permanents = bosons.probabilities(found)
    assert state.error == 0
    assert abs(sum(by_permanents.values()) - 1) < 1e-12
    assert max(abs(exact[key] - chance) for key, chance in by_permanents.items()) < 1e-12
    drawn = np.stack(bosons.sample(found, 4000, np.random.default_rng(5)), axis=1)
    mean = np.array([np.tensordot(exact.sum(axis=tuple({0, 1, 2} - {k})), np.arange(5), 1) for k in range(3)])
    assert np.abs(drawn.mean(axis=0) - mean).max() < 7 * 2 / math.sqrt(4000)  # a number's deviation is below 2


def test_the_permanent_is_the_sum_over_permutations() -> None:
    import itertools

    matrix = unitary(5, 2)
    slow = sum(math.prod(matrix[k, p[k]] for k in range(5)) for p in itertools.permutations(range(5)))
    assert abs(bosons.permanent(matrix) - slow) < 1e-14
    assert bosons.permanent(matrix[:0, :0]) == 1


def test_squeezed_pairs_have_equal_numbers() -> None:
    """The two-mode squeezed vacuum: n photons in each mode with probability tanh^2n / cosh^2."""
    found = table(qmk.Program(modes=2).squeeze_two(0.8, 0, 1).count_photons([0, 1], most=6))
    for n in range(6):
        assert abs(found[n, n] - math.tanh(0.8) ** (2 * n) / math.cosh(0.8) ** 2) < 1e-10
    assert found.sum() - np.trace(found) < 1e-9


def test_a_coherent_state_has_a_poisson_distribution() -> None:
    program = qmk.Program(modes=1).prepare_coherent(1.3, 0, phi=0.4).count_photons(0, most=9)
    mean = 1.3**2
    known = [math.exp(-mean) * mean**n / math.factorial(n) for n in range(9)]
    assert np.allclose(table(program)[:9], known, rtol=0, atol=1e-10)
    assert abs(table(program)[9] - (1 - sum(known))) < 1e-9
    exact, state = fock.distribution(light(program))
    assert np.allclose(exact[:9], known, rtol=0, atol=1e-8)
    assert state.error <= fock.TOLERANCE


def test_a_thermal_state_and_loss() -> None:
    program = qmk.Program(modes=1).prepare_thermal(0.6, 0).lose(0.5, 0).count_photons(0, most=5)
    known = [0.3**n / 1.3 ** (n + 1) for n in range(5)]
    assert np.allclose(table(program)[:5], known, rtol=0, atol=1e-10)
    assert np.allclose(fock.distribution(light(program))[0][:5], known, rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_gaussian_states_agree_with_fock_space(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, s, t = rng.uniform(0.05, 0.3, 3)
    program = qmk.Program(modes=2).prepare_squeezed(r, 0, phi=1.0).displace(s, 1, phi=2.0).squeeze_two(t, 0, 1, phi=0.7)
    program.beam_splitter(0.6, 0, 1, phi=0.4).mach_zehnder(0.3, 0.8, 1, 0).lose_thermal(0.9, 0.02, 1).squeeze(-0.1, 0)
    program.count_photons(0, most=3).detect_photons(1)
    exact, state = fock.distribution(light(program))
    assert np.abs(table(program) - exact).max() < 1e-7
    state_of, letters = gaussian.State.of(light(program)), ("NI", "NN", "XI", "PX", "IN", "PP")
    assert all(abs(state_of.expectation(each) - state.expectation(each)) < 1e-4 for each in letters)


def test_gaussian_boson_sampling_on_a_graph() -> None:
    """The graph with edges 01, 12, 23, 30, 02, each mode of mean photon number 0.5: probabilities by hafnians, of
    thewalrus 0.21.0 (``thewalrus.quantum.density_matrix_element`` of the state of Strawberry Fields 0.23.0)."""
    import json
    from pathlib import Path

    known = json.loads((Path(__file__).with_name("light_gbs.json")).read_text())
    program = qmk.Program(modes=4)
    for mode, r in enumerate(known["squeezing"]):
        program.squeeze(r, mode)
    matrix = [[complex(*entry) for entry in row] for row in known["unitary"]]
    found = table(program.interferometer(matrix, *range(4)).count_photons(range(4), most=3))
    for pattern, chance in known["probabilities"].items():
        assert abs(found[tuple(map(int, pattern))] - chance) < 1e-9


def test_quadratures_have_the_state_s_mean_and_variance() -> None:
    program = qmk.Program(modes=2).squeeze(0.5, 0).displace(0.7, 0).homodyne(0, digits=16).heterodyne(1, digits=16)
    numbers = qmk.run(program, shots=4000, seed=1).numbers()
    values = (numbers[:, 0] + 0.5) / 2**16 * 20 - 10
    assert abs(values.mean() - 1.4) < 7 * math.exp(-0.5) / math.sqrt(4000)
    assert abs(values.var() / math.exp(-1.0) - 1) < 7 * math.sqrt(2 / 4000)
    x = (numbers[:, 1] % 2**16 + 0.5) / 2**16 * 20 - 10
    assert abs(x.var() / 2 - 1) < 7 * math.sqrt(2 / 4000)  # the vacuum's variance, and one added


def test_a_mode_is_dark_after_it_was_measured_and_may_be_used_again() -> None:
    program = qmk.Program(modes=1).prepare_fock(2, 0).count_photons(0).count_photons(0).prepare_fock(1, 0)
    numbers = qmk.run(program.count_photons(0), shots=20, seed=1).numbers()
    assert numbers.tolist() == [[2, 0, 1]] * 20


def test_nonlinear_media_turn_phases_by_photon_numbers() -> None:
    """Kerr with kappa = pi/2 takes |1> + |2> to phases i and 1; two photons against one show it at a beam splitter."""

    def seen(kappa: float) -> float:
        program = qmk.Program(modes=2).prepare_fock(1, [0, 1]).beam_splitter(HALF, 0, 1).kerr(kappa, 0)
        return float(qmk.expectation(program.beam_splitter(HALF, 0, 1), "NN"))

    assert abs(seen(0.0) - 1) < 1e-12  # the second beam splitter undoes the first, up to a phase
    assert abs(seen(math.pi / 4)) < 1e-12  # 4 kappa = pi turns |20> against |02>


@pytest.mark.parametrize(
    ("method", "program"),
    [
        ("gaussian", lambda p: p.prepare_fock(1, 0).count_photons(0)),
        ("gaussian", lambda p: p.homodyne(0).count_photons(1)),
        ("bosonsampling", lambda p: p.squeeze(0.1, 0).count_photons(0)),
        ("fock", lambda p: p.prepare_fock(1, 0).homodyne(0)),
    ],
)
def test_what_a_method_cannot_run_is_refused(method: str, program: Any) -> None:
    made = program(qmk.Program(modes=2))
    with pytest.raises(qmk.QmkError, match=r"photonic|homodyne"):
        qmk.run(made, engine=f"photonic:{method}", shots=1)


def test_nothing_depends_on_a_measurement() -> None:
    program = qmk.Program(modes=2).detect_photons(0, "d")
    with program.if_("d"):
        program.displace(1.0, 1)
    with pytest.raises(qmk.QmkError, match="operations depend on measurements"):
        qmk.run(program, shots=1)
    with pytest.raises(Unsupported, match="under a condition"):
        light(program.count_photons(1))
