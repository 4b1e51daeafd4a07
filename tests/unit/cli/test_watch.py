"""What ``qmk watch`` shows of a job that runs."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls.q_result import Provenance, Reply
from qmk.cli import terminal, watch
from qmk.client.result import Result
from qmk.qvm.outputs import Estimate, Point, Values

STATUS: dict[str, Any] = {
    "state": "RUNNING",
    "engine": "native",
    "method": "auto",
    "place_in_queue": None,
    "estimated_start": None,
    "progress": {"shots_done": 100, "shots_total": 400, "rounds_total": 0, "total_epochs": 1},
    "physical_qubits": 0,
    "decoder_load": 0,
    "changes": 0,
    "refused_calls": {},
    "attempts": 0,
    "error": None,
    "name": "",
    "tags": [],
}


def result(counts: dict[str, int], notes: dict[str, Any] | None = None, values: Values | None = None) -> Result:
    made = Provenance(digest="", engine="native", method="auto", seed=1, notes=notes or {})
    return Result(
        Reply(
            job_id="job_1",
            shots=sum(counts.values()),
            seed=1,
            counts=counts,
            provenance=made,
            values=values,
            partial=True,
        )
    )


def test_shares_have_their_standard_errors() -> None:
    head, shots, *rows = watch.view_lines("job_1", STATUS, result({"00": 64, "11": 36}))
    assert head == "job_1: RUNNING on native auto, 100 of 400 shots"
    assert shots == "  100 shots so far"
    assert [row.split("  ")[-1].strip() for row in rows] == ["64.0 ± 4.8 %", "36.0 ± 4.8 %"]


def test_a_short_id_is_shown_in_full_once_there_is_more() -> None:
    assert next(watch.view_lines("b_1", STATUS, None)).startswith("b_1: ")
    assert next(watch.view_lines("b_1", STATUS, result({"0": 1}))).startswith("job_1: ")


def test_values_and_notes_are_shown() -> None:
    values = Values(exact=False, engine="native", shots=400, points=[Point(expectations=[Estimate(0.25, 0.1)])])
    found = result({"0": 10}, {"partial": "too many"}, values)
    told = list(watch.view_lines("job_1", STATUS, found))
    assert "  <observable 0> = 0.25" in "\n".join(told)
    assert told[-1] == "  note: too many"
    assert list(watch.view_lines("job_1", STATUS, None)) == told[:1]


def test_lines_are_drawn_over_the_last_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert terminal.redraw(["a", "b" * 60], 0) == 2
    assert terminal.redraw(["c"], 2) == 1
    assert terminal.redraw([], 1) == 0
    assert capsys.readouterr().out == "a\n" + "b" * 39 + "\n\x1b[2F\x1b[Jc\n\x1b[1F\x1b[J"
