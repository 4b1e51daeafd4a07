"""``qmk qec``: codes, memories, thresholds, comparisons, profiles."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_codes_are_listed_and_checked(qmk: Qmk) -> None:
    rows = json.loads(qmk("qec", "codes", "--json").stdout)
    families = ["surface", "bacon_shor", "shyps", "honeycomb", "color", "bicycle", "repetition"]
    assert [row["family"] for row in rows] == families
    (row,) = json.loads(qmk("qec", "codes", "SHYPS (Hastings-Haah)", "--json").stdout)
    assert row["code"] == "shyps(r=3)"
    assert row["faults"] == []
    assert "two families" in row["note_of_name"]


def test_memory_has_units_and_a_noise_hash(qmk: Qmk) -> None:
    run = ("qec", "memory", "surface(d=3)", "--noise", "circuit=1e-2", "--shots", "2000", "--seed", "7", "--json")
    first, second = (json.loads(qmk(*run).stdout) for _ in range(2))
    assert set(first["bases"]) == {"X", "Z"}
    assert first["bases"]["X"]["errors_any"] == second["bases"]["X"]["errors_any"] > 0
    assert first["noise"] == "circuit=1e-2"
    assert len(first["noise_hash"]) == 64
    assert first["block_per_round"] < first["block_per_cycle"]


def test_threshold_draws_its_curves(qmk: Qmk, folder: Path) -> None:
    grid = ("--distances", "3,5", "--p", "5e-3:2e-2:2", "--shots", "1000", "--basis", "Z")
    done = qmk("qec", "threshold", "surface", *grid, "--plot", "t.svg")
    assert "best d" in done.stdout, done.stderr
    assert "written to t.svg" in done.stdout
    assert (folder / "t.svg").read_text().startswith("<?xml")
    found = json.loads(qmk("qec", "threshold", "surface", *grid, "--json").stdout)
    assert len(found["points"]) == 4
    assert [row["distance"] for row in found["best_distance"]] == [5, 3]


def test_compare_and_profile(qmk: Qmk, folder: Path) -> None:
    done = qmk("qec", "compare", "surface(d=3)", "bacon_shor(d=3)", "--shots", "500", "--basis", "Z", "--json")
    assert [row["physical_qubits"] for row in json.loads(done.stdout)] == [17, 21]
    (folder / "m.json").write_text('{"qec_scheme": {"code": "surface(d=9)", "physical_qubit_count": 162}}')
    done = qmk("qec", "profile", "m.json")
    assert done.returncode == 2
    assert "161" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("memory", "steane"), "there is no code 'steane'"),
        (("memory", "surface", "--noise", "circuit"), "is not a term of noise"),
        (("threshold", "surface", "--p", "1:2"), "is not a range"),
        (("threshold", "surface", "--plot", "t.pdf"), "is an SVG or a PNG"),
        (("threshold", "honeycomb", "--distances", "3"), "has distance 3"),
    ],
)
def test_wrong_calls_say_what_to_write(qmk: Qmk, arguments: tuple[str, ...], text: str) -> None:
    done = qmk("qec", *arguments)
    assert done.returncode == 2
    assert text in done.stderr
