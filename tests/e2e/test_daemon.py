"""The daemon and the commands that talk to it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import Started

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_submit_status_result(qmk: Qmk, daemon: Started) -> None:
    submitted = qmk("submit", "examples/bell.qasm", "--shots", "1000", "--seed", "7")
    assert submitted.returncode == 0, submitted.stderr
    job = submitted.stdout.strip()
    waited = json.loads(qmk("result", job, "--wait", "--json").stdout)
    assert json.loads(qmk("result", job, "--json").stdout)["counts"] == waited["counts"]
    assert qmk("status", job).stdout.startswith(f"{job}: COMPLETED")
    shown = qmk("result", job[-8:], "--top", "1").stdout
    assert qmk("watch", job, "--top", "1").stdout == shown
    assert (shown.split(":")[0], "1 more" in shown) == (job, True)
    assert json.loads(qmk("watch", job, "--json").stdout)["result"]["counts"] == waited["counts"]
    assert json.loads(qmk("status", job, "--json").stdout)["state"] == "COMPLETED"
    embedded = json.loads(qmk("run", "examples/bell.qasm", "--shots", "1000", "--seed", "7", "--json").stdout)
    assert embedded["counts"] == waited["counts"]


def test_submit_and_wait_prints_the_result(qmk: Qmk, daemon: Started) -> None:
    done = qmk("submit", "examples/ghz.qasm", "--seed", "3", "--wait")
    assert done.returncode == 0, done.stderr
    assert "0" * 16 in done.stdout
    through = qmk("run", "examples/ghz.qasm", "--seed", "3", "--socket", str(Path("s")))
    assert through.returncode == 0, through.stderr
    assert through.stdout == done.stdout


def test_submit_and_explain_take_logical_qubits(qmk: Qmk, daemon: Started) -> None:
    wish = ("examples/ghz.qasm", "--qec", "surface(d=3)", "--noise", "p=1e-3")
    done = qmk("submit", *wish, "--shots", "100", "--seed", "3", "--wait")
    assert done.returncode == 0, done.stderr
    explained = qmk("explain", *wish)
    told = [line.removeprefix("qec: ") for line in explained.stdout.splitlines() if line.startswith("qec: ")]
    assert told[0].startswith("tier logical: surface(d=3)")
    assert all(f"note: qec: {line}" in done.stdout for line in told)
    assert json.loads(qmk("explain", *wish, "--json").stdout)["logical"]["code"] == "surface(d=3)"


def test_a_running_job_is_cancelled(qmk: Qmk, daemon: Started) -> None:
    rounds = "for int r in [0:400] { for int i in [0:21] { rx(0.1) q[i]; cx q[i], q[i + 1]; t q[i]; } }"
    text = f'OPENQASM 3.0; include "stdgates.inc"; qubit[23] q; bit[23] c; {rounds} c = measure q;'
    job = qmk("submit", "-", "--engine", "aer", stdin=text).stdout.strip()
    assert json.loads(qmk("result", job, "--json").stdout)["error"]["data"]["name"] == "NOT_COMPLETED"
    assert qmk("cancel", job, "--reason", "enough").stdout.startswith(f"{job}: CANCELLED")
    again = qmk("cancel", job)
    assert again.returncode == 2
    assert "ALREADY_COMPLETED" in again.stderr
    assert qmk("result", job).returncode == 3


@pytest.mark.parametrize("command", ["status", "result", "cancel"])
def test_unknown_jobs(qmk: Qmk, daemon: Started, command: str) -> None:
    done = qmk(command, "job_nosuch", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["data"]["name"] == "JOB_NOT_FOUND"


def test_a_wrong_program_never_becomes_a_job(qmk: Qmk, daemon: Started) -> None:
    done = qmk("submit", "-", stdin="OPENQASM 2.0; qreg q[1]; hh q[0];")
    assert done.returncode == 1
    assert "hh" in done.stderr


@pytest.mark.parametrize("arguments", [("submit", "examples/bell.qasm"), ("status", "job_x"), ("result", "job_x")])
def test_without_a_daemon(qmk: Qmk, arguments: tuple[str, ...]) -> None:
    done = qmk(*arguments)
    assert done.returncode == 3
    assert "qmk serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_daemon_is_refused(qmk: Qmk, daemon: Started) -> None:
    done = qmk("serve", "--socket", "other")
    assert done.returncode in (2, 3)
    assert "another" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_daemon_stops_cleanly(whole_daemon: subprocess.Popen[str], folder: Path, number: signal.Signals) -> None:
    whole_daemon.send_signal(number)
    assert whole_daemon.wait(20) == 0
    assert not (folder / "s").exists()
    assert whole_daemon.stderr is not None
    assert "Traceback" not in whole_daemon.stderr.read()


def test_usage_sums_up_what_jobs_used(qmk: Qmk, daemon: Started) -> None:
    for seed in ("1", "2"):
        assert qmk("submit", "examples/bell.qasm", "--shots", "500", "--seed", seed, "--wait").returncode == 0
    head, line = qmk("usage").stdout.splitlines()
    assert " ".join(head.split()) == "tenant launches completed shots gates engine s CPU s bytes stored rounds"
    assert line.split()[:5] == ["local", "2", "2", "1,000", "2,000"]
    listed = json.loads(qmk("usage", "--json", "--tenant", "local").stdout)
    assert [row["shots"] for row in listed["rows"]] == [500, 500]
    assert listed["totals"]["local"]["engine_seconds"] == sum(row["engine_seconds"] for row in listed["rows"])
    rows = list(csv.DictReader(qmk("usage", "--csv").stdout.splitlines()))
    assert [(row["tenant"], row["outcome"], row["engine"], row["gates"]) for row in rows] == [
        ("local", "completed", "native", "1000")
    ] * 2
    assert rows[0]["time"].endswith("Z")
    day = rows[0]["time"][:10]
    assert qmk("usage", "--to", day).stdout == "no launch ended in this time\n"
    assert len(qmk("usage", "--from", day, "--csv").stdout.splitlines()) == 3
    assert qmk("usage", "--tenant", "nobody", "--json").stdout == '{\n  "rows": [],\n  "totals": {}\n}\n'


def test_usage_says_what_is_wrong(qmk: Qmk, folder: Path) -> None:
    missing = qmk("usage", "--data-dir", str(folder / "nowhere"))
    assert missing.returncode != 0
    assert "there is no journal" in missing.stderr
    assert "is not a date" in qmk("usage", "--from", "yesterday").stderr
    assert "exclude each other" in qmk("usage", "--csv", "--json").stdout


def test_serve_takes_quotas(qmk: Qmk, folder: Path) -> None:
    wrong = qmk("serve", "--quota", "queued_job=1")
    assert wrong.returncode != 0
    assert "did you mean 'queued_jobs'" in wrong.stderr
    assert "write name=limit" in qmk("serve", "--quota", "queued_jobs=many").stderr


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("aer", "ENGINE=DEVICE"),
        ("aer=/dev/sda", "neither a file of an NVIDIA card nor a PCI address"),
        ("aer=ffff:1f:1f.7", "there is no /sys/bus/pci/devices/ffff:1f:1f.7"),
    ],
)
def test_serve_does_not_start_without_the_device_that_it_is_given(qmk: Qmk, given: str, hint: str) -> None:
    done = qmk("serve", "--gpu", given)
    assert done.returncode != 0
    assert hint in done.stderr
