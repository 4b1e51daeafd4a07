"""Engine ``photonic``: the kit on each method, its choice, its predictions and its refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.engines.photonic import DECLARATION
from qmk.router.features import features
from qmk.sdk.kit import engine_kit
from qmk.sdk.kit.report import as_tests

test_kit = as_tests([check for method in DECLARATION.methods for check in engine_kit.checks(DECLARATION, method)])


def test_each_program_goes_to_the_method_that_fits() -> None:
    def chosen(program: qmk.Program) -> str:
        return qmk.run(program, shots=10, seed=1).method

    assert chosen(qmk.Program(modes=2).squeeze_two(0.3, 0, 1).count_photons([0, 1])) == "gaussian"
    assert chosen(qmk.Program(modes=1).prepare_coherent(0.3, 0).kerr(0.1, 0).count_photons(0)) == "fock"
    many = qmk.Program(modes=9).prepare_fock(1, range(6)).interferometer(np.eye(9), *range(9)).count_photons(range(9))
    assert chosen(many) == "bosonsampling"


def test_predictions_grow_with_photons_and_counters() -> None:
    def cost(method: str, program: qmk.Program) -> Any:
        return DECLARATION.predict(method, features(program.to_graph()), 100)

    def photons(n: int) -> qmk.Program:
        return qmk.Program(modes=4).prepare_fock(n, 0).beam_splitter(0.3, 0, 1).count_photons([0, 1])

    assert cost("bosonsampling", photons(18)).seconds > 100 * cost("bosonsampling", photons(8)).seconds
    assert cost("fock", photons(40)).memory_bytes > 40**4
    few, more = (qmk.Program(modes=5).squeeze(0.1, 0).count_photons(range(n)) for n in (2, 5))
    assert cost("gaussian", more).memory_bytes > 64 * 50**5
    assert cost("gaussian", few).memory_bytes < 1 << 24


def test_no_other_engine_takes_modes_and_it_takes_no_qubits() -> None:
    light = qmk.Program(modes=1).prepare_vacuum(0).count_photons(0)
    for engine in ("native", "stabilizer", "reference", "aer"):
        with pytest.raises(qmk.QmkError, match=r"photonic\.count_photons"):
            qmk.run(light, engine=engine, shots=1)
    with pytest.raises(qmk.QmkError, match="photonic"):
        qmk.run(qmk.Circuit(1).h(0).measure_all(), engine="photonic", shots=1)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda p: qmk.expectation(p, "ZZ"), "'Z' is none of I, N, X, P"),
        (lambda p: qmk.expectation(p, "NI", shots=10), "sampled values"),
        (lambda p: qmk.state(p), "no state"),
        (lambda p: qmk.probabilities(p), "no probabilities"),
        (lambda p: qmk.run(p.h(0), shots=1), "is a mode of light, and core.h acts on qubits"),
        (lambda p: qmk.run(qmk.Program(1).kerr(0.1, 0), shots=1), "is a qubit, and photonic.kerr acts on modes"),
        (lambda p: qmk.expectation(qmk.Circuit(1), "N"), "'N' is none of I, X, Y, Z"),
    ],
)
def test_what_is_of_qubits_is_refused_by_name(ask: Any, message: str) -> None:
    with pytest.raises(qmk.QmkError) as caught:
        ask(qmk.Program(modes=2).squeeze_two(0.1, 0, 1))
    assert message in str(caught.value)
    assert caught.value.fields.get("help") or caught.value.findings


def test_numbers_are_registers_of_any_program() -> None:
    result = qmk.run(qmk.Circuit(3, {"a": 2, "b": 1}).x(0).x(2).measure([0, 1], "a").measure(2, "b"), shots=4, seed=1)
    assert result.numbers().tolist() == [[1, 1]] * 4
    assert result.numbers("b", "a").shape == (4, 2)
    with pytest.raises(qmk.QmkError):
        result.numbers("z")


def test_points_of_a_parameter() -> None:
    theta = qmk.Parameter("theta")
    program = qmk.Program(modes=2).prepare_fock(1, 0).beam_splitter(theta, 0, 1)
    values = qmk.expectation(program, "NI", points=[{"theta": 0.1}, {"theta": 0.5}])
    assert np.allclose(np.asarray(values.values, dtype=float).ravel(), [math.cos(0.1) ** 2, math.cos(0.5) ** 2])
