"""Evolutions over an array namespace, here numpy, against the native core."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import qmk_native

from qmk.base.errors import QmkError
from qmk.engines.rydberg import arrays
from qmk.engines.rydberg.engine import RydbergPlan
from qmk.engines.rydberg.evolution import Evolution
from qmk.ir.fields import level, line


def crooked(atoms: int) -> Evolution:
    """Drives without any symmetry, with a jump of a detuning and a phase that changes."""
    pairs = [0.0 if i == j else 30.0 / abs(i - j) ** 6 + 0.1 * (i * j % 7) for i in range(atoms) for j in range(atoms)]
    weights = [((7 * i + 3) % 5) / 4.0 - 0.3 for i in range(atoms)]
    light: Any = (
        ([0.0, 0.2, 0.6], [0.0, 9.0, 4.0]),
        ([0.0, 0.3, 0.6], [0.0, 1.1, 1.1]),
        ([0.0, 0.25, 0.25, 0.6], [-8.0, 2.0, 5.0, 11.0]),
        [1.0] * atoms,
    )
    local: Any = (([0.0, 0.6], [2.5, 2.5]), ([0.0, 0.6], [-0.8, -0.8]), ([], []), weights)
    return Evolution(pairs, [light, local], 0.6)


def apart(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    overlap = np.vdot(a, b)
    return float(np.linalg.norm(a * overlap / abs(overlap) - b))


@pytest.mark.parametrize("atoms", [1, 3, 6])
def test_an_array_namespace_agrees_with_the_native_core(atoms: int) -> None:
    part = crooked(atoms)
    register = qmk_native.AtomRegister(atoms, 1 << 30)
    register.evolve(part.pairs, part.drives, part.duration, 1e-10)
    wanted = np.frombuffer(register.state(), dtype=np.complex128)
    found, told = arrays.evolve(np, np.eye(1, 1 << atoms, dtype=np.complex128)[0], part, 1e-6)
    assert told["error"] <= 1e-6
    assert apart(found, wanted) < 2e-6
    assert told["steps"] < told["all_steps"]


def test_energies_and_lines_are_those_of_the_core() -> None:
    pairs = np.array([[0.0, 5.0, 1.0], [5.0, 0.0, 3.0], [1.0, 3.0, 0.0]])
    assert arrays.energies(pairs).tolist() == [0.0, 0.0, 0.0, 3.0, 0.0, 1.0, 5.0, 9.0]
    jumps = ([0.0, 1.0, 1.0, 3.0], [0.0, 2.0, 5.0, 1.0])
    assert (line(jumps, 0.0, 2.0), line(jumps, 1.0, 2.0) - line(jumps, 0.0, 2.0)) == (7.0, -2.0)
    assert level(([0.0, 1.0], [0.5, 0.7]), 0.9) == 0.5


@pytest.mark.parametrize("amplitude", [0.0, 0.05, 1.2, 1.5, 3.0])
def test_two_runs_of_little_to_do_differ_in_their_steps(amplitude: float) -> None:
    """Runs of as many steps could not tell an error."""
    part = Evolution([0.0], [(([0.0, 1.0], [amplitude, amplitude]), ([], []), ([], []), [1.0])], 1.0)
    found, told = arrays.evolve(np, np.eye(1, 2, dtype=np.complex128)[0], part)
    assert abs(found[0]) == pytest.approx(np.cos(amplitude / 2), abs=1e-7)
    assert told["steps"] < told["all_steps"] < 40


def test_no_device_is_taken_unless_asked_for_and_one_that_is_missing_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(arrays.VARIABLE, raising=False)
    assert arrays.choose_namespace(30) is None
    monkeypatch.setenv(arrays.VARIABLE, "abacus")
    assert arrays.choose_namespace(arrays.ATOMS - 1) is None
    with pytest.raises(QmkError, match="QMK_RYDBERG_DEVICE=abacus: no namespace"):
        arrays.choose_namespace(arrays.ATOMS)
    absent: Any = ModuleType("cupy")
    absent.cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 0))
    monkeypatch.setitem(sys.modules, "cupy", absent)
    monkeypatch.setenv(arrays.VARIABLE, "cupy")
    with pytest.raises(QmkError, match="no device answers"):
        arrays.choose_namespace(arrays.ATOMS)


def test_a_plan_runs_on_the_namespace_that_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = RydbergPlan(3, 0, (crooked(3),), ())
    near = plan.state()[0].densities()
    monkeypatch.setattr("qmk.engines.rydberg.engine.choose_namespace", lambda n_qubits: np)
    register, notes = RydbergPlan(3, 0, (crooked(3),), ()).state()
    assert notes["device"] == "numpy"
    assert register.densities() == pytest.approx(near, abs=2e-8)
