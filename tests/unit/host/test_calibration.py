"""The fit finds rates again that made the times, and says how far it is to be believed; every program is one."""

from __future__ import annotations

import random

import pytest

from qmk.host import calibration
from qmk.host.calibration import Measured, error_factor, fit, measure, solve
from qmk.host.calibration_programs import SIZES, Size, program
from qmk.qvm.verify import verify
from qmk.router.features import features
from qmk.sdk import discovery

ENGINES = discovery.engines()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_programs_are_valid_and_variants_differ_in_angles_only(size: Size) -> None:
    first = program(size, 0)
    assert verify(first).ok
    facts = features(first)
    assert facts.n_qubits == size.n_qubits
    assert (facts.n_non_clifford == 0) is size.clifford
    assert facts.mid_circuit is size.dynamic
    other = program(size, 1)
    assert first != other
    assert len(first.nodes) == len(other.nodes)


@pytest.mark.parametrize("name", ["reference", "qsim", "stabilizer", "lightning"])
def test_the_fit_finds_the_rates_that_made_the_times(name: str) -> None:
    declaration = ENGINES[name]
    rng = random.Random(7)
    truth = {rate: value * rng.choice((0.3, 0.5, 2.0, 5.0)) for rate, value in declaration.rates.items()}
    rows = []
    for method in declaration.methods:
        for size in SIZES:
            if size.clifford is declaration.methods[method].clifford and not size.dynamic:
                known = features(program(size, 0))
                seconds = declaration.predict(method, known, size.shots, truth).seconds
                rows.append(Measured(method, size, known, seconds))
    found, doubt = fit(declaration, rows)
    for row in rows:
        again = declaration.predict(row.method, row.features, row.size.shots, found).seconds
        assert error_factor(again, row.seconds) < 1.25
    assert all(calibration.SURE <= factor < 1.6 for factor in doubt.values())


def test_a_model_that_does_not_fit_says_so() -> None:
    declaration = ENGINES["reference"]
    known = features(program(Size(4, 600, 1), 0))
    rows = [Measured("", Size(4, 600, 1), known, seconds) for seconds in (1e-3, 1e-1)]
    assert fit(declaration, rows)[1][""] > 8


def test_rates_that_nothing_measures_stay() -> None:
    declaration = ENGINES["lightning"]
    known = features(program(Size(4, 600, 1), 0))
    found, _ = fit(declaration, [Measured("f32", Size(4, 600, 1), known, 1.0)])
    assert found["f64.memory_s"] == pytest.approx(declaration.rates["f64.memory_s"])
    assert found["op_s"] > 10 * declaration.rates["op_s"]


def test_a_system_of_equations_is_solved() -> None:
    assert solve([[2.0, 1.0], [1.0, 3.0]], [4.0, 7.0]) == pytest.approx([1.0, 2.0])


def test_a_worker_is_measured_within_its_budget() -> None:
    start_s, rows = measure(ENGINES["reference"], 2.0)
    assert start_s > 0
    assert {row.method for row in rows} == {""}
    assert all(row.seconds > 0 for row in rows)


def test_an_engine_of_evolutions_is_told_as_such() -> None:
    report = calibration.calibrate(["rydberg"], 1.0, 5.0)
    why = "its rates are those of evolutions, and the programs of a calibration are made of gates"
    assert report.skipped == {"rydberg": why}


def test_engines_that_cannot_be_measured_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "measure", lambda declaration, budget_s: (0.1, []))
    report = calibration.calibrate(["reference", "stabilizer"], 1.0, 5.0)
    assert report.skipped == {"reference": "no time was left", "stabilizer": "no time was left"}
    assert (report.fits, report.calibration.engines, report.calibration.made) == ([], {}, 5.0)
