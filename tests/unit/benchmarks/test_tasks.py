"""The ten everyday tasks: QMK's scripts print the right numbers, and the values that outputs are judged by are right.

Sampled shares are judged at five standard deviations, about 6e-7 for each of the dozen, with fixed seeds: a failure
follows a change of the bits. The values themselves are computed here, most of them in another way.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import random
from typing import Any

import numpy as np
import pytest

import qmk
from benchmarks.tasks import LIBRARIES, RESULTS, SCRIPTS, TASKS, Task, lines_of, numbers

BY_NAME = {task.name: task for task in TASKS}


def run(source: str) -> tuple[str, dict[str, Any]]:
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, "script", "exec"), names)
    return printed.getvalue(), names


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_script_of_qmk_prints_the_right_numbers(task: Task) -> None:
    output, _ = run((SCRIPTS / f"{task.scripts['QMK']}.py").read_text())
    assert task.deviations(output) == ""


def test_the_result_is_complete_and_its_outputs_are_right() -> None:
    rows = json.loads(RESULTS.read_text())["rows"]
    assert rows.keys() == {script for task in TASKS for script in task.scripts.values()}
    for task in TASKS:
        for library in LIBRARIES:
            row = rows[task.scripts[library]]
            assert task.deviations(row["output"]) == ""
            assert row["lines"] == lines_of(task.scripts[library])


def test_every_script_belongs_to_a_task_and_parses() -> None:
    found = {path.stem: path.read_text() for path in SCRIPTS.glob("*.py")}
    assert found.keys() == {script for task in TASKS for script in task.scripts.values()}
    assert all(ast.parse(text).body for text in found.values())


def test_qmk_has_the_shortest_script_of_each_task() -> None:
    for task in TASKS:
        ours, *theirs = (lines_of(task.scripts[name]) for name in LIBRARIES)
        assert ours <= min(theirs), task.name


def test_numbers_are_read_as_each_library_prints_them() -> None:
    assert numbers("{'11': 30, '00': 10}") == [0.25, 0.75]
    assert numbers("{np.str_('0'): np.int64(1000)}") == [1.0]
    assert numbers("20 [0.5, 1e-05]\n-3.25") == [20, 0.5, 1e-5, -3.25]


def test_wrong_outputs_are_found() -> None:
    assert "not 0.5" in BY_NAME["bell"].deviations("{'00': 900, '11': 100}")
    assert "1 numbers, not 2" in BY_NAME["qaoa"].deviations("6.0")
    assert BY_NAME["vqe"].deviations("nan") != ""


def test_the_share_of_the_ghz_state() -> None:
    """A chain: whether qubit k was flipped after its last gate, against its neighbour; a flip has chance 2p/3."""
    flip = np.array([1 - 0.02 / 3, 0.02 / 3])
    relative = np.array([[flip[a ^ b] for b in range(2)] for a in range(2)])
    left = flip
    for _ in range(18):
        left = (left @ relative) * flip
    assert (left @ relative)[0] == pytest.approx(BY_NAME["ghz"].values[0], abs=1e-5)


def test_the_value_of_the_hamiltonian() -> None:
    _, names = run((SCRIPTS / "hamiltonian_qmk.py").read_text())
    vector = qmk.state(names["circuit"])
    paulis = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    total = 0.0
    for string, factor in names["terms"].items():
        moved = vector.reshape((2,) * len(string))
        for k, letter in enumerate(string):
            moved = np.moveaxis(np.tensordot(paulis[letter], moved, (1, k)), 0, k)
        total += factor * np.vdot(vector, moved.reshape(-1)).real
    assert total == pytest.approx(BY_NAME["hamiltonian"].values[0], abs=1e-9)


def test_the_share_of_ones_of_500_circuits() -> None:
    source = (SCRIPTS / "many_qmk.py").read_text().partition("counts =")[0]
    _, names = run(source)
    weights = np.array([k.bit_count() for k in range(32)])
    exact = [qmk.probabilities(names["random_circuit"]()).values @ weights for _ in range(500)]
    assert np.sum(exact) / 2500 == pytest.approx(BY_NAME["many"].values[0], abs=1e-5)


def test_the_shares_of_benchmarking() -> None:
    """Every gate, and every gate of the inverse, shrinks the Bloch vector by 1 - 4p/3."""
    _, names = run((SCRIPTS / "rb_qmk.py").read_text().partition("random.seed")[0])
    random.seed(7)
    for length, back in zip(*(iter(BY_NAME["rb"].values[k::2]) for k in range(2)), strict=True):
        gates = [2 * sum(map(len, random.choices(names["cliffords"], k=int(length)))) for _ in range(100)]
        assert np.mean([0.5 + 0.5 * (1 - 4 * 2e-3 / 3) ** g for g in gates]) == pytest.approx(back, abs=1e-5)
