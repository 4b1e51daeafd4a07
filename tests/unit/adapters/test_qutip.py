"""QuTiP's objects as models, and back from QMK what QuTiP gives for them."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.integrations.qutip import Model

qutip: Any = importlib.import_module("qutip")  # it has no types
A = qutip.tensor(qutip.destroy(5), qutip.qeye(2))
SM = qutip.tensor(qutip.qeye(5), qutip.sigmam())
PSI = qutip.tensor(qutip.basis(5, 0), (qutip.basis(2, 0) + 1j * qutip.basis(2, 1)).unit())
TIMES = np.linspace(0.5, 4.0, 29)
H0 = A.dag() * A + 0.7 * (A.dag() * SM + A * SM.dag())
H1 = A + A.dag()
E_OPS = {"n": A.dag() * A, "a": A, "sz": qutip.tensor(qutip.qeye(5), qutip.sigmaz())}
EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12, "nsteps": 100_000, "progress_bar": ""}


def rotating(t: float, w: float = 2.0) -> complex:
    return complex(np.exp(1j * w * t) * np.exp(-((t - 2.0) ** 2)))


def pulse(t: float) -> float:
    return math.exp(-2 * (t - 2.0) ** 2) * math.sin(3 * t)


MODELS: dict[str, tuple[Any, Any]] = {
    "constant": (H0, ()),
    "array": ([H0, [H1, np.sin(TIMES) ** 2]], [0.3 * A]),
    "function": ([H0, [H1, pulse]], [[SM, lambda t: math.exp(-t)]]),
    "complex": ([H0, [0.5 * A, lambda t: rotating(t).conjugate()], [0.5 * A.dag(), rotating]], ()),
    "evolving": (qutip.QobjEvo([H0, [H1, pulse]]), [0.3 * A, 0.2 * SM]),
    "coefficient": ([H0, [H1, qutip.coefficient(np.cos(TIMES), tlist=TIMES)]], [[A, lambda t: 0.4 * math.cos(t)]]),
}


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_qutip(name: str) -> None:
    energy, losses = MODELS[name]
    found = qmk.run(Model(energy, PSI, TIMES, losses, E_OPS), shots=20, seed=1).trajectory
    want = qutip.mesolve(energy, PSI, TIMES, list(losses), e_ops=list(E_OPS.values()), options=EXACT).expect
    assert list(found) == ["n", "re(a)", "im(a)", "sz"]
    assert list(found.times) == list(TIMES)
    for key, values in zip(found, (want[0], want[1].real, want[1].imag, want[2]), strict=True):
        assert found[key] == pytest.approx(values, abs=1e-6)


def test_a_density_matrix_is_read_and_given() -> None:
    start = qutip.tensor(qutip.thermal_dm(5, 0.3), qutip.ket2dm(qutip.basis(2, 1)))
    model = Model(H0, start, TIMES, 0.5 * A)
    graph, wanted = qmk.outputs(model, density=True)
    found = qmk.run(graph, outputs=wanted, shots=20, seed=1).density
    want = qutip.mesolve(H0, start, TIMES, [0.5 * A], options={**EXACT, "store_states": True}).states[-1].full()
    held = [2 * level + k for level in range(5) for k in range(2)]  # of eight levels of three qubits
    assert found[np.ix_(held, held)] == pytest.approx(want, abs=1e-6)


def test_texts_are_read_by_our_own_evaluator_and_sampled_with_a_stated_error(tmp_path: Path) -> None:
    model = Model([H0, [H1, "g * exp(-(t - 2)**2) * cos(3 * t)"]], PSI, TIMES, e_ops=[E_OPS["n"]], args={"g": 0.4})
    assert 0 < model.sampled["H[1]"] <= 1e-9

    def same(t: float) -> float:
        return 0.4 * math.exp(-((t - 2) ** 2)) * math.cos(3 * t)

    want = qutip.sesolve([H0, [H1, same]], PSI, TIMES, e_ops=[E_OPS["n"]], options=EXACT).expect[0]
    path = tmp_path / "driven.dynamics.json"
    model.save(path)
    assert json.loads(path.read_text()) == json.loads(model.to_qmk())
    assert qmk.run(path, shots=20, seed=1).trajectory["e0"] == pytest.approx(want, abs=1e-6)


def test_what_is_measured_can_be_chosen() -> None:
    still = Model(0 * H0, qutip.tensor(qutip.basis(5, 3), qutip.basis(2, 1)), [0, 1], measure=[1])
    assert qmk.run(still, shots=5, seed=1).counts == {"1": 5}


def fails(t: float) -> float:
    raise OSError("no such thing")


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "not Hermitian": (lambda: Model(A, PSI, TIMES), "not Hermitian"),
    "other levels": (lambda: Model(qutip.sigmaz(), PSI, TIMES), r"H: .*not an operator on levels \[5, 2\]"),
    "no operator": (lambda: Model(H0, PSI, TIMES, [3]), r"c_ops\[0\]: a int is not an operator"),
    "superoperator": (lambda: Model(qutip.liouvillian(H0), PSI, TIMES), "superoperators"),
    "bra": (lambda: Model(H0, PSI.dag(), TIMES), "psi0: .*neither a state vector"),
    "one time": (lambda: Model(H0, PSI, [0.0]), "tlist: "),
    "times fall": (lambda: Model(H0, PSI, [1.0, 0.0]), "its times do not rise"),
    "short array": (lambda: Model([H0, [H1, [1.0, 2.0]]], PSI, TIMES), r"H\[1\]: its values are not one for each"),
    "text with a call": (lambda: Model([H0, [H1, "__import__('os').system('true')"]], PSI, TIMES), "has no value"),
    "complex text": (lambda: Model([H0, [H1, "exp(1j * t)"]], PSI, TIMES), "what is complex as a function"),
    "jump": (lambda: Model([H0, [H1, lambda t: float(t > 2)]], PSI, TIMES), "samples leave an error"),
    "failing": (lambda: Model([H0, [H1, fails]], PSI, TIMES), "cannot be used as a coefficient|no such thing"),
    "infinite": (lambda: Model([H0, [H1, lambda t: math.inf]], PSI, TIMES), "not finite"),
    "evolving times a coefficient": (lambda: Model([[qutip.QobjEvo(H0), "t"]], PSI, TIMES), "a QobjEvo times"),
    "sum of losses": (lambda: Model(H0, PSI, TIMES, [qutip.QobjEvo([A, [SM, "t"]])]), "a sum with coefficients"),
    "args": (lambda: Model(H0, PSI, TIMES, args=cast("Any", [1])), "args: "),
    "error": (lambda: Model(H0, PSI, TIMES, error=math.nan), "error: "),
    "measure": (lambda: Model(H0, PSI, TIMES, measure=[True]), "measure: "),
    "times": (lambda: Model(H0, PSI, object()), "tlist: "),
    "operator alone": (lambda: qmk.run(H0), "a Qobj alone is not a program"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_said_is_refused_with_its_place(name: str) -> None:
    make, why = WRONG[name]
    with pytest.raises(QmkError, match=why) as refused:
        make()
    assert refused.value.kind.name == "UNSUPPORTED"
    assert refused.value.fields["help"]
