"""``qmk estimate`` as a person runs it."""

from __future__ import annotations

import json
import os
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


@pytest.mark.parametrize("program", ["rsa2048.json", "bell.qasm"])
def test_standard_input_holds_counts_or_a_program(qmk: Qmk, folder: Path, program: str) -> None:
    text = (folder / "examples" / program).read_text()
    done = qmk("estimate", "-", "--plain", stdin=text)
    assert done.stdout == qmk("estimate", f"examples/{program}", "--plain").stdout != ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"numQubit": 3, "tCount": 9}', "did you mean 'numQubits'"),
        ('{"tCount": 9}', "missing numQubits"),
        ('{"numQubits": 3, "numQubits": 4}', "has the key 'numQubits' twice"),
        ('{"numQubits": NaN}', "nan is not a whole number"),
        ('{"numQubits": %s}' % ("9" * 5000), "a number of 5000 digits"),
        ('{"numQubits": 3, "\\ud800": 1}', "is not valid Unicode"),
    ],
)
def test_counts_that_are_none_are_told_as_counts(qmk: Qmk, folder: Path, text: str, said: str) -> None:
    (folder / "counts.txt").write_text(text)
    done = qmk("estimate", "counts.txt")
    assert done.returncode == 2
    assert said in done.stderr


def test_options_that_change_nothing_are_refused(qmk: Qmk) -> None:
    done = qmk("estimate", "examples/rsa2048.json", "--param", "theta=1")
    assert (done.returncode, "--param with logical counts" in done.stderr) == (2, True)
    done = qmk("estimate", "examples/bell.qasm", "--compare", "qubit_gate_ns_e33")
    assert (done.returncode, "did you mean 'qubit_gate_ns_e3'" in done.stderr) == (2, True)


def test_the_same_qubits_with_another_code_are_another_machine(qmk: Qmk) -> None:
    shown = qmk("estimate", "examples/bell.qasm", "--code", "qmk/surface", "--compare", "qubit_gate_ns_e3").stdout
    assert shown.count("qubit_gate_ns_e3") == 2
    same = qmk("estimate", "examples/bell.qasm", "--compare", "qubit_gate_ns_e3").stdout
    assert same.count("qubit_gate_ns_e3") == 1


def test_a_file_name_that_is_no_unicode_ends_no_command(qmk: Qmk) -> None:
    done = qmk("estimate", os.fsdecode(b"\xff.json"), "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, -32602)


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
