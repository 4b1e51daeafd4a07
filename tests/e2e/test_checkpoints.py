"""Commands that stop, repeat and move jobs. Jobs in a queue stand still, so nothing here depends on speed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.commands import Started

Qmk = Callable[..., subprocess.CompletedProcess[str]]

LONG = """OPENQASM 3.0; include "stdgates.inc"; qubit[24] q; bit[24] c;
for int r in [0:100] { for int i in [0:22] { rx(0.1) q[i]; cx q[i], q[i + 1]; t q[i]; } } c = measure q;"""


@pytest.fixture
def busy(qmk: Qmk, start: Callable[..., Any]) -> Iterator[str]:
    """A daemon with one worker and a long job on it; the job."""
    process = start("serve", "--workers", "1")
    deadline = time.monotonic() + 60
    while "listening on" not in process.stderr.readline():
        assert time.monotonic() < deadline
        assert process.poll() is None
    job = qmk("submit", "-", "--engine", "aer:statevector", stdin=LONG).stdout.strip()
    yield job
    qmk("cancel", job)


def test_replay_compares_every_bit(qmk: Qmk, daemon: Started) -> None:
    job = qmk("submit", "examples/teleport.qasm", "--seed", "5", "--shots", "50").stdout.strip()
    done = qmk("replay", job, "--compare")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{job}: identical to job_")
    found = json.loads(qmk("replay", job, "--compare", "--json").stdout)
    assert (found["identical"], found["difference"]) == (True, None)
    again = qmk("replay", job).stdout.strip()
    assert again.startswith("job_")
    assert again != job


def test_a_waiting_job_is_saved_restored_and_taken_back(qmk: Qmk, busy: str) -> None:
    job = qmk("submit", "examples/bell.qasm", "--seed", "5").stdout.strip()
    saved = json.loads(qmk("checkpoint", job, "--json").stdout)
    assert (saved["job_id"], saved["epoch"], saved["size_bytes"]) == (job, 0, 0)
    assert qmk("checkpoint", job).stdout.rstrip().endswith("at its start")
    back = qmk("rollback", job, "0")
    assert back.stdout == f"{job}: goes on with 0 epochs behind it, from the start\n"
    restored = qmk("restore", saved["checkpoint_id"]).stdout.strip()
    refused = qmk("migrate", busy, "r7")
    assert refused.returncode == 2
    assert "r0" in refused.stderr or "no region" in refused.stderr
    unstoppable = qmk("checkpoint", busy)
    assert unstoppable.returncode == 2
    assert "NOT_CHECKPOINTABLE" in unstoppable.stderr
    qmk("cancel", busy)
    first = json.loads(qmk("result", job, "--wait", "--json").stdout)
    second = json.loads(qmk("result", restored, "--wait", "--json").stdout)
    assert first["counts"] == second["counts"]
    assert qmk("checkpoint", job).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("checkpoint", "job_none"),
        ("restore", "chk_none"),
        ("migrate", "job_none", "r0"),
        ("replay", "job_none"),
        ("rollback", "job_none", "0"),
    ],
)
def test_what_is_not_there_is_exit_code_2(qmk: Qmk, daemon: Started, arguments: tuple[str, ...]) -> None:
    done = qmk(*arguments)
    assert done.returncode == 2
    assert "NOT_FOUND" in done.stderr
