"""The router's decision as text: doubt, rewrites, engines left, the time taken beside the prediction."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls.q_result import Change, Fallback, Provenance
from qmk.cli import decision


def provenance(**fields: Any) -> Provenance:
    return Provenance(digest="d", engine="aer", method="statevector", seed=1, **fields)


def test_a_candidate_is_shown_with_its_doubt() -> None:
    (line,) = decision.candidate_lines([{"engine": "aer", "chosen": True, "seconds": 2.0, "uncertainty": 3.0}])
    assert line.startswith("-> aer")
    assert "(within x3)" in line


def test_the_time_taken_stands_beside_the_prediction() -> None:
    told = provenance(predicted_seconds=0.5, uncertainty=2.0)
    (line,) = decision.outcome_lines(told, {"engine_seconds": 1.0})
    assert line == "   took 1.00 s, predicted 500.0 ms within a factor of 2, 2 times the prediction"


def test_rewrites_are_told_only_where_there_were_any() -> None:
    report = {
        "fired": {"cancelled": 4},
        "order": "greedy",
        "ops_before": 9,
        "ops_after": 5,
        "width_before": 7,
        "width_after": 2,
    }
    assert decision.rewrite_texts(report) == [
        "cancelled 4 times",
        "9 operations to 5",
        "in another order (greedy)",
        "7 qubits alive at a time to 2",
    ]
    assert decision.rewrite_texts({}) == decision.rewrite_texts(None) == []


def test_engines_left_and_earlier_results_are_told() -> None:
    left = Fallback(engine="quimb", method="mps", why="memory", message="engine 'quimb': full", seconds=1.0)
    assert decision.surprise_lines(provenance(fallbacks=[left])) == ["   left quimb:mps: engine 'quimb': full"]
    told = provenance(cached_from="job_1", predicted_seconds=1.0)
    (line,) = decision.outcome_lines(told, {"engine_seconds": 0.0})
    assert "job_1" in line


def test_changes_of_the_distance_are_told_and_those_that_were_refused() -> None:
    told = {"epoch": 2, "calibrated_s": 60.0, "from_distance": 3, "to_distance": 5}
    changes = [Change(**told, made=made, reason="grow: it errs") for made in (False, True)]
    assert decision.change_lines(provenance(changes=changes)) == [
        "  after epoch 2: distance 3 to 5 was refused: grow: it errs",
        "  after epoch 2: distance 3 to 5: grow: it errs",
    ]
