"""``qmk run`` of a short program starts no worker process, whatever is printed, and says what ``qmk.run`` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import qmk
from qmk.api.at_once import run_at_once
from qmk.cli.failure import Console
from qmk.cli.main import cli
from qmk.host import spawn
from qmk.request.options import RunOptions

BELL = Path(__file__).parents[3] / "examples/bell.qasm"


def told(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["run", str(BELL), *arguments], obj=Console(as_json=False, debug=False))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a worker process was started")

    monkeypatch.setattr(spawn, "worker", refuse)


def test_json_and_explain_start_no_worker() -> None:
    plain = told("--seed", "7")
    assert told("--seed", "7", "--explain").endswith(plain)
    assert json.loads(told("--seed", "7", "--json"))["counts"] == qmk.run(BELL, seed=7).counts


def test_a_whole_result_is_that_of_run() -> None:
    found = run_at_once(str(BELL), RunOptions(shots=100, seed=3), whole=True)
    assert found is not None
    here = {**found.to_dict(), "usage": {}}
    assert here == {**qmk.run(BELL, shots=100, seed=3).to_dict(), "usage": {}}
    assert len(here["provenance"]["digest"]) == 64
    assert here["registers"][0]["bits"] == ["c_1", "c_0"]


def test_the_prediction_is_that_of_the_reason_for_the_engine() -> None:
    provenance = qmk.run(BELL, shots=100, seed=3).provenance
    chosen = next(row for row in provenance.reasons if row["chosen"])
    assert (provenance.predicted_seconds, provenance.uncertainty) == (chosen["seconds"], chosen["uncertainty"])
