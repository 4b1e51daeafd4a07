"""QMK in the place of QuTiP's solvers, against QuTiP at tight tolerances."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.integrations.qutip import mcsolve, mesolve, sesolve

qutip: Any = importlib.import_module("qutip")  # it has no types
A = qutip.tensor(qutip.destroy(3), qutip.qeye(2))
SM = qutip.tensor(qutip.qeye(3), qutip.sigmam())
H0 = A.dag() * A + 0.7 * (A.dag() * SM + A * SM.dag())
H = [H0, [A + A.dag(), lambda t, w: 0.3 * np.cos(w * t)]]
PSI = qutip.tensor(qutip.basis(3, 1), qutip.basis(2, 0))
TIMES = np.linspace(0.0, 2.0, 9)
E_OPS = {"n": A.dag() * A, 1: A}
EXACT: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-11, "nsteps": 100_000, "progress_bar": "", "store_final_state": True}


@pytest.mark.parametrize("losses", [None, [0.3 * A]], ids=["lossless", "lossy"])
def test_mesolve_gives_what_qutip_gives(losses: Any) -> None:
    given: dict[str, Any] = {"e_ops": E_OPS, "args": {"w": 2.0}, "options": EXACT}
    found, want = mesolve(H, PSI, TIMES, losses, **given), qutip.mesolve(H, PSI, TIMES, losses, **given)
    assert (found.solver, found.times, found.states) == (want.solver, want.times, want.states)
    assert list(found.e_data) == list(want.e_data)
    for ours, theirs in zip(found.expect, want.expect, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert found.final_state.dims == want.final_state.dims
    assert qutip.fidelity(found.final_state, want.final_state) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("losses", [None, [0.3 * A]], ids=["lossless", "lossy"])
def test_without_operators_there_are_the_states(losses: Any) -> None:
    found = mesolve(H0, PSI, TIMES, losses, options={"progress_bar": "tqdm"})
    want = qutip.mesolve(H0, PSI, TIMES, losses, options=EXACT)
    assert len(found.states) == len(want.states) == len(TIMES)
    for ours, theirs in zip([*found.states, found.final_state], [*want.states, want.final_state], strict=True):
        assert (ours.dims, ours.type) == (theirs.dims, theirs.type)
        assert qutip.fidelity(ours, theirs) == pytest.approx(1, abs=1e-6)


def test_states_are_stored_beside_values_where_they_are_asked_for() -> None:
    given: dict[str, Any] = {"e_ops": E_OPS, "options": {**EXACT, "store_states": True}}
    found, want = mesolve(H0, PSI, TIMES, 0.3 * A, **given), qutip.mesolve(H0, PSI, TIMES, [0.3 * A], **given)
    assert list(found.e_data) == list(want.e_data)
    assert found.e_data["n"] == pytest.approx(want.e_data["n"], abs=1e-6)
    assert max(abs((a - b).full()).max() for a, b in zip(found.states, want.states, strict=True)) < 1e-6


def test_a_large_model_has_its_final_state_alone() -> None:
    found = sesolve(qutip.num(17), qutip.basis(17, 3), TIMES)
    assert abs(found.final_state.overlap(qutip.basis(17, 3))) == pytest.approx(1)
    with pytest.raises(QmkError, match="at most 16 levels") as refused:
        _ = found.states
    assert refused.value.fields["help"]


def test_a_list_is_numbered_and_a_density_matrix_starts() -> None:
    start = qutip.ket2dm(PSI)
    found = mesolve(H0, start, TIMES, 0.3 * A, e_ops=[A.dag() * A])
    want = qutip.mesolve(H0, start, TIMES, [0.3 * A], e_ops=[A.dag() * A], options=EXACT)
    assert list(found.e_data) == [0]
    assert found.final_state is None
    assert found.expect[0] == pytest.approx(want.expect[0], abs=1e-6)


def test_trajectories_have_means_and_deviations() -> None:
    found = mcsolve(H0, PSI, TIMES, [0.8 * A], e_ops=[A.dag() * A], ntraj=60, seeds=2)
    again = mcsolve(H0, PSI, TIMES, [0.8 * A], e_ops=[A.dag() * A], ntraj=60, seeds=2)
    want = qutip.mesolve(H0, PSI, TIMES, [0.8 * A], e_ops=[A.dag() * A]).expect[0]
    assert found.num_trajectories == 60
    assert np.array_equal(found.average_expect[0], again.expect[0])
    assert (abs(found.expect[0] - want) <= 5 * found.std_e_data[0] / np.sqrt(60) + 1e-6).all()


def test_a_daemon_gives_the_same(daemon: Any) -> None:
    found = mesolve(H0, PSI, TIMES, [0.3 * A], e_ops=E_OPS, options=EXACT, server=str(daemon.socket))
    here = mesolve(H0, PSI, TIMES, [0.3 * A], e_ops=E_OPS, options=EXACT)
    assert [list(row) for row in found.expect] == [list(row) for row in here.expect]
    assert found.final_state == here.final_state


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "states": (
        lambda: sesolve(qutip.num(17), qutip.basis(17, 0), TIMES, options={"store_states": True}),
        r"options\['store_states'\]: the states on the way",
    ),
    "method": (lambda: mesolve(H0, PSI, TIMES, options={"method": "bdf"}), r"options\['method'\]"),
    "finer": (lambda: sesolve(H0, PSI, TIMES, options={"rtol": 1e-12}), r"options\['rtol'\]"),
    "unknown": (lambda: sesolve(H0, PSI, TIMES, options={"speed": 1}), "there is no such option"),
    "mixed": (lambda: sesolve(H0, qutip.ket2dm(PSI), TIMES), "psi0: "),
    "norm": (lambda: sesolve(H0, 2 * PSI, TIMES), "its norm is 2"),
    "function": (lambda: mesolve(H0, PSI, TIMES, e_ops=[lambda t, state: 1.0]), "is not an operator"),
    "seeds": (lambda: mcsolve(H0, PSI, TIMES, A, e_ops=[A], seeds=[1, 2]), "seeds: "),
    "timeout": (lambda: mcsolve(H0, PSI, TIMES, A, e_ops=[A], timeout=1), "timeout: "),
    "no values": (lambda: mcsolve(H0, PSI, TIMES, A), "e_ops: "),
    "runs": (lambda: mcsolve(H0, PSI, TIMES, A, e_ops=[A], options={"keep_runs_results": True}), "keep_runs_results"),
    "mean state": (lambda: mcsolve(H0, PSI, TIMES, A, e_ops=[A], options={"store_final_state": True}), "mean state"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_had_is_refused_by_its_name(name: str) -> None:
    make, why = WRONG[name]
    with pytest.raises(QmkError, match=why) as refused:
        make()
    assert refused.value.kind.name == "UNSUPPORTED"
