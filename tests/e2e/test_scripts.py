"""``qmk run --script`` by itself and with a daemon."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import qmk as library
from tests.e2e.commands import Started
from tests.isolation.conftest import require

pytest.importorskip("wasmtime")
Qmk = Callable[..., subprocess.CompletedProcess[str]]

LOOP = """import qmk
BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1]; bit[2] c = measure q;'
def main(given):
    qmk.log("begins\\x1b[2J")
    return [qmk.run(BELL, shots=given["shots"]), qmk.run(BELL)]
"""


def write(folder: Path, text: str = LOOP) -> None:
    (folder / "loop.py").write_text(text)
    (folder / "given.json").write_text('{"shots": 40}')


def test_a_script_runs_here_and_on_a_daemon_with_the_same_bits(qmk: Qmk, folder: Path, daemon: Started) -> None:
    write(folder)
    asked = ("run", "--script", "loop.py", "--input", "given.json", "--seed", "7", "--shots", "30")
    here = qmk(*asked)
    assert here.returncode == 0, here.stderr
    assert here.stderr.startswith("begins")
    assert "\x1b" not in here.stderr
    first, second = json.loads(here.stdout)
    assert (sum(first.values()), sum(second.values())) == (40, 30)
    there = json.loads(qmk(*asked, "--socket", "s", "--json").stdout)
    assert there["value"] == [first, second]
    assert there["provenance"]["isolation"] == "wasm"
    assert len(json.loads(qmk("jobs", "--json").stdout)) == 2


def test_quotas_of_the_caller_hold_for_the_runs_of_a_script(folder: Path, daemon: Started) -> None:
    wrong = pytest.raises(library.QmkError, match=r"loop.py:5: QUOTA_EXCEEDED: ")
    with library.Client(folder / "s", quota={"shots_period": 50}) as client, wrong as caught:
        library.run_script(LOOP, input={"shots": 40}, shots=30, file="loop.py", client=client)
    assert caught.value.fields["usage"]["runs"] == 2


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        ("x = 1\nx / 0", (), 3, "loop.py:2: ZeroDivisionError: division by zero"),
        ("open('x')", (), 3, "a script has no files"),
        ("while True: pass", ("--timeout", "500ms"), 3, "time limit of 500 ms"),
        ("", ("--noise", "depolarizing=1e-3"), 2, "does not apply to a script"),
    ],
)
def test_a_script_that_does_not_succeed(
    qmk: Qmk, folder: Path, text: str, options: tuple[str, ...], code: int, words: str
) -> None:
    write(folder, text)
    done = qmk("run", "--script", "loop.py", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_input_is_for_scripts(qmk: Qmk, folder: Path) -> None:
    write(folder)
    assert "--script" in qmk("run", "examples/bell.qasm", "--input", "given.json").stderr


def test_a_script_is_a_job_of_the_daemon(qmk: Qmk, folder: Path, daemon: Started) -> None:
    write(folder)
    asked = ("--script", "loop.py", "--input", "given.json", "--seed", "7", "--shots", "30")
    job = qmk("submit", *asked, "--name", "loop").stdout.strip()
    done = qmk("result", job, "--wait")
    assert done.returncode == 0, done.stderr
    assert "begins" in done.stderr
    assert "\x1b" not in done.stderr
    assert json.loads(done.stdout) == json.loads(qmk("run", *asked).stdout)
    shown = json.loads(qmk("result", job, "--json").stdout)["provenance"]["notes"]["script"]
    assert shown["provenance"]["isolation"] == "wasm"
    runs = json.loads(qmk("jobs", "--tag", f"script:{job}", "--json").stdout)
    assert [row["state"] for row in runs] == ["COMPLETED", "COMPLETED"]
    assert qmk("submit", *asked, "--wait").stdout == done.stdout


def test_a_script_that_fails_as_a_job_says_where(qmk: Qmk, folder: Path, daemon: Started) -> None:
    write(folder, "x = 1\nx / 0")
    done = qmk("submit", "--script", "loop.py", "--wait")
    assert done.returncode != 0
    assert "loop.py:2: ZeroDivisionError: division by zero" in done.stderr
    assert "--script" in qmk("submit", "loop.py", "--input", "given.json").stderr


def test_a_native_script_is_a_job_too(qmk: Qmk, folder: Path, daemon: Started) -> None:
    require("jail")
    write(folder, "import numpy\nresult = int(numpy.prod([6, 7]))")
    done = qmk("submit", "--script", "loop.py", "--isolation", "jail", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)["provenance"]["notes"]["script"]
    assert (notes["value"], notes["provenance"]["isolation"]) == (42, "jail")
    refused = qmk("submit", "--script", "loop.py", "--isolation", "process")
    assert "scripts do not run at isolation level 'process'" in refused.stderr
