"""``qmk estimate`` as a person runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_json_is_the_published_sample(qmk: Qmk) -> None:
    done = qmk("estimate", "examples/rsa2048.json", "--budget", "0.3333333333333333", "--json")
    groups = json.loads(done.stdout)
    assert groups["physicalCounts"]["physicalQubits"] == 37_651_098
    assert groups["qmk"]["calibrated"]["codeDistance"]["value"] == 33


@pytest.mark.parametrize("columns", ["80", "120"])
def test_tables_fit_the_terminal(
    qmk: Qmk, environment: dict[str, str], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment["COLUMNS"] = columns
    for arguments in ((), ("--compare", "all"), ("--frontier",)):
        done = qmk("estimate", "examples/rsa2048.json", *arguments)
        assert done.returncode == 0
        assert max(len(line) for line in done.stdout.splitlines()) <= int(columns)
        assert "…" not in done.stdout


def test_a_batch_goes_on_after_an_error(qmk: Qmk, folder: Path) -> None:
    (folder / "p.json").write_text(json.dumps([{"errorBudget": 0.01}, {"errorBudget": 2}]))
    done = qmk("estimate", "examples/bell.qasm", "--params", "p.json", "--json")
    good, bad = json.loads(done.stdout)
    assert good["status"] == "success"
    assert bad["code"] == "InvalidErrorBudget"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("3", "holds no parameters"), ('{"errorBudgget": 1}', "did you mean 'errorBudget'")],
)
def test_bad_parameters_are_a_bad_call(qmk: Qmk, folder: Path, text: str, said: str) -> None:
    (folder / "p.json").write_text(text)
    done = qmk("estimate", "examples/bell.qasm", "--params", "p.json")
    assert done.returncode == 2
    assert said in done.stderr


def test_the_report_is_written(qmk: Qmk, folder: Path) -> None:
    assert qmk("estimate", "examples/bell.qasm", "--html", "r.html").returncode == 0
    text = (folder / "r.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "<svg" in text
    done = qmk("estimate", "examples/bell.qasm", "--html", "no/such/folder/r.html")
    assert done.returncode == 2


def test_calibrated_figures_are_of_a_single_point(qmk: Qmk) -> None:
    assert "Point" in qmk("estimate", "examples/teleport.qasm", "--frontier").stdout
    done = qmk("estimate", "examples/teleport.qasm", "--frontier", "--calibrated")
    assert done.returncode == 2
    assert "--calibrated together with --frontier" in done.stderr
