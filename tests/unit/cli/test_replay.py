"""Two results are compared bit by bit, and the first difference is named."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls.q_result import EventPage, Provenance, Reply
from qmk.cli.replay import difference
from qmk.client.result import Result


def result(counts: dict[str, int], rows: list[str] | None, version: str = "1.0") -> Result:
    page = None if rows is None else EventPage(0, ["m"], [1], rows, None)
    reply = Reply(
        job_id="job_a",
        shots=sum(counts.values()),
        seed=1,
        counts=counts,
        events=page,
        provenance=Provenance(digest="d", engine="e", method="", version=version, seed=1),
        usage={},
    )
    return Result(reply)


def text(first: Result, second: Result) -> Any:
    found = difference(first, second)
    return None if found is None else found["text"]


def test_equal_results_have_no_difference() -> None:
    one = result({"0": 1, "1": 2}, ["1", "0", "1"])
    assert text(one, result({"1": 2, "0": 1}, ["1", "0", "1"])) is None
    assert text(result({"0": 1}, None), result({"0": 1}, None)) is None


def test_the_first_difference_is_named() -> None:
    one = result({"0": 1, "1": 2}, ["1", "0", "1"])
    assert text(one, result({"0": 2, "1": 1}, ["1", "0", "0"])) == "outcome 0 came 1 times, then 2"
    assert text(one, result({"0": 1, "1": 2}, ["1", "1", "0"])) == "shot 1 gave 0, then 1"
    assert text(one, result({"0": 1, "1": 2}, None)) == "only one of them kept events"
    newer = text(one, result({"1": 3}, ["1"] * 3, version="1.1"))
    assert newer == "outcome 0 came 1 times, then 0 (the engine was 1.0, now it is 1.1)"
