"""The operator's commands and the holder's."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.commands import Started

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_from_no_tenant_to_a_job_and_back(qmk: Qmk, folder: Path, daemon: Started) -> None:
    assert qmk("tenant", "add", "chem", "--quota", "running_jobs=2", "--allow", "alloc,measure").returncode == 0
    done = qmk("tenant", "token", "chem", "--expires", "1h", "--output", "chem.token")
    serial = done.stdout.strip()
    assert serial.startswith("tok_")
    assert stat.S_IMODE((folder / "chem.token").stat().st_mode) == 0o600
    assert qmk("tenant", "token", "chem", "--output", "chem.token").returncode == 2, "a file is not written over"
    job = qmk("submit", "examples/bell.qasm", "--token-file", "chem.token").stdout.strip()
    assert job.startswith("job_")
    assert "JOB_NOT_FOUND" in qmk("status", job).stderr
    narrow = qmk("token", "attenuate", "chem.token", "--rights", "status", "--shots", "10").stdout
    assert "CAP_RESULT" in qmk("result", job, "--token-file", "/dev/stdin", stdin=narrow).stderr
    shown = json.loads(qmk("token", "show", "-", "--json", stdin=narrow).stdout)
    assert (shown["tenant"], shown["serial"], shown["rights"], shown["shots"]) == ("chem", serial, ["CAP_STATUS"], 10)
    assert serial in qmk("tenant", "tokens", "chem").stdout
    assert qmk("tenant", "suspend", "chem").returncode == 0
    assert "TENANT_SUSPENDED" in qmk("status", job, "--token-file", "chem.token").stderr
    assert qmk("tenant", "resume", "chem").returncode == 0
    assert qmk("tenant", "revoke", "chem", serial).stdout.startswith("1 token revoked")
    refused = qmk("status", job, "--token-file", "chem.token")
    assert (refused.returncode, "AUTH_FAILED" in refused.stderr) == (2, True)


def test_the_operator_needs_no_daemon(qmk: Qmk) -> None:
    assert qmk("tenant", "add", "chem", "--weight", "2").returncode == 0
    again = qmk("tenant", "add", "chem", "--json")
    assert again.returncode == 2
    assert json.loads(again.stdout)["error"]["data"]["name"] == "INVALID_PARAMS"
    assert qmk("tenant", "set", "chem", "--quota", "queued_jobs=7").returncode == 0
    (row,) = json.loads(qmk("tenant", "list", "--json").stdout)
    assert (row["tenant"], row["weight"], row["quotas"]["queued_jobs"]) == ("chem", 2.0, 7)
    assert qmk("tenant", "token", "chem", "--never-expires").stdout.startswith("qmk1.")
    assert "never" in qmk("tenant", "tokens", "chem").stdout


def test_wrong_command_lines_say_what_is_right(qmk: Qmk) -> None:
    for arguments, hint in (
        (("tenant", "token", "chem", "--rights", "stauts"), "did you mean 'CAP_STATUS'?"),
        (("tenant", "token", "chem", "--expires", "soon"), "12h, 30d or 2030-01-31"),
        (("tenant", "revoke", "chem"), "--all"),
        (("tenant", "token", "nobody"), "qmk tenant add"),
        (("tenant", "add", "chem", "--quota", "beans=3"), "queued_jobs"),
        (("tenant", "add", "chem", "--quota", "beans"), "name=limit"),
        (("token", "show"), "QMK_TOKEN"),
        (("token", "show", "-"), "qmk1."),
        (("tenant", "add", "a b"), "letters, digits"),
        (("token", "attenuate", "examples/bell.qasm", "--shots", "1"), "qmk1."),
        (("serve", "--socket-mode", "9"), "660"),
        (("serve", "--socket-mode", "066"), "660"),
        (("status", "job_x", "--token-file", "nowhere"), "nowhere"),
    ):
        done = qmk(*arguments)
        assert done.returncode == 2, arguments
        assert hint in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_serve_can_ask_everybody_for_a_token(qmk: Qmk, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("serve", "--require-token")
    assert process.stderr is not None
    while not process.stderr.readline().startswith("listening on "):
        assert process.poll() is None
    refused = qmk("submit", "examples/bell.qasm")
    assert refused.returncode == 2
    assert "QMK_TOKEN" in refused.stderr
