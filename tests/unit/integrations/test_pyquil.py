"""QMK behind pyQuil."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyquil import Program

from qmk.base.errors import QmkError
from qmk.integrations.pyquil import QMKQAM, get_qc

BELL = Program(
    "DECLARE ro BIT[2]", "DECLARE other BIT", "X 0", "MEASURE 0 ro[0]", "MEASURE 1 ro[1]"
).wrap_in_numshots_loop(7)
TURN = Program("DECLARE ro BIT", "DECLARE t REAL[2]", "RX(t[1]) 0", "MEASURE 0 ro").wrap_in_numshots_loop(500)


def test_a_program_runs_as_on_a_qvm() -> None:
    qc = get_qc("2q-qvm")
    found = qc.run(qc.compile(BELL)).get_register_map()
    assert found["ro"].tolist() == [[1, 0]] * 7  # column k is bit k
    assert found["other"].tolist() == [[0]] * 7
    assert qc.qubits() == [0, 1]


def test_memory_maps_are_one_batch_and_seeds_are_kept() -> None:
    qc = get_qc(1, seed=3)
    maps = [{"t": [0.0, x]} for x in np.linspace(0, np.pi, 5)]
    means = [r.get_register_map()["ro"].mean() for r in qc.run_with_memory_map_batch(qc.compile(TURN), maps)]
    assert means[0] == 0
    assert means[4] == 1
    assert means[2] == pytest.approx(0.5, abs=0.12)
    first, second = (QMKQAM(seed=5).run(TURN, {"t": [0.0, 1.0]}).get_register_map()["ro"] for _ in range(2))
    assert np.array_equal(first, second)
    assert QMKQAM().run(TURN).get_register_map()["ro"].sum() == 0  # memory that is not named is 0


def test_lengths_of_loops_come_from_memory() -> None:
    loop = Program(
        "DECLARE n INTEGER", "DECLARE ro BIT", "LABEL @a", "X 0", "SUB n 1", "JUMP-WHEN @a n", "MEASURE 0 ro"
    )
    assert get_qc(1).run(loop, {"n": [3]}).get_register_map()["ro"].tolist() == [[1]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(QmkError, match="declares no memory 'x'"):
        QMKQAM().run(TURN, {"x": [1.0]})
    with pytest.raises(QmkError, match="set at the start"):
        QMKQAM().run(TURN, {"ro": [1]})
    for name in ("qvm", 0, True):
        with pytest.raises(QmkError, match="does not say how many qubits"):
            get_qc(name)
