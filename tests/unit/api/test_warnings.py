"""Python warnings about what a call asks for, at the caller's line, and only where they are true."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

import qmk

W = qmk.Parameter("w")
TURN = qmk.Circuit(1).rx(W, 0).measure_all()
POINT = {"w": 0.1}
BRANCH = """include "stdgates.inc"; qubit[2] q; h q[0]; bit c = measure q[0]; if (c) x q[1];"""


def told(call: Callable[[], object]) -> set[str]:
    """The texts of the warnings, each of which is at a line of this file."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    ours = [row for row in found if row.category is qmk.ProgramWarning]
    assert all(row.filename == __file__ for row in ours)
    return {str(row.message) for row in ours}


VALUES: dict[str, Callable[[str], object]] = {
    "expectation": lambda noise: qmk.expectation(TURN, "Z", params=POINT, noise=noise),
    "drawn": lambda noise: qmk.expectation(TURN, "Z", params=POINT, noise=noise, shots=10, seed=1),
    "batch": lambda noise: qmk.expectation(TURN, "Z", {"w": [0.1, 0.2]}, noise=noise),
    "probabilities": lambda noise: qmk.probabilities(TURN.bind(POINT), noise=noise),
    "sweep": lambda noise: qmk.sweep(TURN, {"w": [0.1, 0.2]}, "Z", noise=noise),
    "gradient": lambda noise: qmk.gradient(TURN, "Z", params=POINT, noise=noise),
    "value_and_grad": lambda noise: qmk.value_and_grad(TURN, "Z", [0.1], noise=noise),
}


@pytest.mark.parametrize("call", VALUES.values(), ids=VALUES)
def test_readout_errors_that_no_value_sees_are_told(call: Callable[[str], object]) -> None:
    for noise in ("readout=0.1", "uniform=1e-3"):
        assert [text.partition(" -> ")[0] for text in told(lambda: call(noise))] == [  # noqa: B023
            "readout errors have no effect on a value, which is of the state before the read-out"
        ]
    assert told(lambda: call("depolarizing=1e-3")) == set()


def test_readout_errors_of_what_is_not_measured_are_told_too() -> None:
    assert len(told(lambda: qmk.expectation(qmk.Circuit(1).x(0), "Z", noise="readout=0.1"))) == 1


def test_readout_errors_that_matter_are_not_told() -> None:
    assert told(lambda: qmk.run(TURN, params=POINT, noise="readout=0.1", seed=1)) == set()
    assert told(lambda: qmk.sweep(TURN, {"w": [0.1]}, noise="readout=0.1", seed=1)) == set()
    assert told(lambda: qmk.expectation(BRANCH, "ZZ", noise="readout=0.1")) == set()  # decides on a gate


UNREAD: dict[str, Callable[[qmk.Circuit], object]] = {
    "run": lambda c: qmk.run(c, seed=1),
    "sample": lambda c: qmk.sample(c, seed=1),
    "sweep": lambda c: qmk.sweep(c, {"w": [0.1, 0.2]}, seed=1),
}


@pytest.mark.parametrize(("name", "call"), UNREAD.items(), ids=UNREAD)
def test_counts_of_a_program_that_measures_nothing_are_told(name: str, call: Callable[[qmk.Circuit], object]) -> None:
    open_circuit = qmk.Circuit(1).rx(W, 0)
    circuit = open_circuit if name == "sweep" else open_circuit.bind(POINT)
    assert told(lambda: call(circuit)) == {
        "nothing is measured -> add .measure_all(), in OpenQASM 3 such as: c = measure q;"
    }
    assert told(lambda: call(circuit.copy().measure_all())) == set()


def test_values_need_no_measurement() -> None:
    circuit = qmk.Circuit(1).h(0)
    _, asked = qmk.outputs(circuit, expect="X")
    assert told(lambda: (qmk.run(circuit, outputs=asked, seed=1), qmk.expectation(circuit, "X"))) == set()


def test_dir_lists_the_public_names() -> None:
    assert dir(qmk) == sorted(qmk.__all__)
