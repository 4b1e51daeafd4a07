"""The daemon and the commands that talk to it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_submit_status_result(qmk: Qmk, daemon: subprocess.Popen[str]) -> None:
    submitted = qmk("submit", "examples/bell.qasm", "--shots", "1000", "--seed", "7")
    assert submitted.returncode == 0, submitted.stderr
    job = submitted.stdout.strip()
    waited = json.loads(qmk("result", job, "--wait", "--json").stdout)
    assert json.loads(qmk("result", job, "--json").stdout)["counts"] == waited["counts"]
    assert qmk("status", job).stdout.startswith(f"{job}: COMPLETED")
    assert json.loads(qmk("status", job, "--json").stdout)["state"] == "COMPLETED"
    embedded = json.loads(qmk("run", "examples/bell.qasm", "--shots", "1000", "--seed", "7", "--json").stdout)
    assert embedded["counts"] == waited["counts"]


def test_submit_and_wait_prints_the_result(qmk: Qmk, daemon: subprocess.Popen[str]) -> None:
    done = qmk("submit", "examples/ghz.qasm", "--seed", "3", "--wait")
    assert done.returncode == 0, done.stderr
    assert "0" * 16 in done.stdout
    through = qmk("run", "examples/ghz.qasm", "--seed", "3", "--socket", str(Path("s")))
    assert through.returncode == 0, through.stderr
    assert through.stdout == done.stdout


def test_a_running_job_is_cancelled(qmk: Qmk, daemon: subprocess.Popen[str]) -> None:
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
def test_unknown_jobs(qmk: Qmk, daemon: subprocess.Popen[str], command: str) -> None:
    done = qmk(command, "job_nosuch", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["data"]["name"] == "JOB_NOT_FOUND"


def test_a_wrong_program_never_becomes_a_job(qmk: Qmk, daemon: subprocess.Popen[str]) -> None:
    done = qmk("submit", "-", stdin="OPENQASM 2.0; qreg q[1]; hh q[0];")
    assert done.returncode == 1
    assert "hh" in done.stderr


@pytest.mark.parametrize("arguments", [("submit", "examples/bell.qasm"), ("status", "job_x"), ("result", "job_x")])
def test_without_a_daemon(qmk: Qmk, arguments: tuple[str, ...]) -> None:
    done = qmk(*arguments)
    assert done.returncode == 3
    assert "qmk serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_daemon_is_refused(qmk: Qmk, daemon: subprocess.Popen[str]) -> None:
    done = qmk("serve", "--socket", "other")
    assert done.returncode in (2, 3)
    assert "another" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_daemon_stops_cleanly(daemon: subprocess.Popen[str], folder: Path, number: signal.Signals) -> None:
    daemon.send_signal(number)
    assert daemon.wait(20) == 0
    assert not (folder / "s").exists()
    assert daemon.stderr is not None
    assert "Traceback" not in daemon.stderr.read()
