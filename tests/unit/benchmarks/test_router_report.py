"""The router benchmark's tables: who the oracle is, what counts as solved, how ratios are averaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import generate_speed
import pytest

from benchmarks import results
from benchmarks.router import report


def row(circuit: str, engine: str, seconds: float | None = None, **fields: Any) -> dict[str, Any]:
    return {"circuit": circuit, "engine": engine, **({} if seconds is None else {"cpu_s": seconds}), **fields}


ROWS = [
    row("ghz", "qmk", 0.001),
    row("ghz", "stim", 0.004),
    row("ghz", "aer:automatic", 0.040),
    row("deep", "qmk", 0.200),
    row("deep", "stim", error="Refused: gate t"),
    row("deep", "aer:automatic", 0.400),
    row("odd", "qmk", 0.010, disagrees="differs from aer:automatic"),
    row("odd", "aer:automatic", 0.020),
    row("lost", "qmk", error="more than 1 CPU seconds"),
    row("lost", "aer:automatic", 0.5),
    row("alone", "qmk", 0.3),
    row("alone", "aer:automatic", error="Insufficient memory"),
]


def test_the_oracle_is_the_fastest_peer_and_never_ourselves():
    table = report.cells(ROWS)
    assert report.oracle(table["ghz"]) == ("stim", 0.004)
    assert report.oracle(table["deep"]) == ("aer:automatic", 0.400)
    assert report.oracle(table["alone"]) is None


def test_ratios_average_over_circuits_that_both_solved():
    shown = report.show(ROWS)
    assert f"geometric mean over 2 circuits: {(0.25 * 0.5) ** 0.5:.3f}" in shown
    assert "at least 100 ms (1): 0.500" in shown


def test_what_is_wrong_lost_or_ours_alone_is_named():
    shown = report.show(ROWS)
    assert "wrong answers: qmk on odd" in shown
    assert "solved by a peer and not by QMK: odd, lost" in shown
    assert "solved by QMK and by no peer: alone" in shown


def test_the_mean_of_ratios_is_geometric():
    assert report.geometric_mean([0.1, 10.0]) == pytest.approx(1.0)


def test_figures_are_what_the_page_about_speed_is_made_of(tmp_path: Path) -> None:
    seconds = {"qmk": 1.0, "qmk:run": 1.5, "peer": 2.0}
    rows = [
        {"circuit": circuit, "engine": name, "cpu_s": time, "wall_s": time, "counts": {}}
        for circuit in ("a", "b")
        for name, time in seconds.items()
    ]
    found = report.figures(rows)
    assert found["circuits"] == 2
    assert [row["engine"] for row in found["rows"]] == ["peer", "qmk"]
    assert found["summary"]["sample"]["ratio"] == pytest.approx(0.5)
    assert found["summary"]["run"]["worst"]["ratio"] == pytest.approx(0.75)
    path = tmp_path / "router.json"
    results.write(path, versions={"peer": "1"}, **found)
    written = json.loads(path.read_text())
    assert {"command", "measured", "versions", "rows", "summary"} <= written.keys()
    assert "| 2 |" in generate_speed.engines(written)
    assert "**0.500**" in generate_speed.faces(written)
