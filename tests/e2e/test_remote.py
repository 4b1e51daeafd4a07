"""A daemon with a gateway beside it, and the command line on another machine."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Qmk = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


def listening(process: subprocess.Popen[str]) -> str:
    """The URL that ``qmk serve --http`` says it listens at."""
    assert process.stderr is not None
    assert "listening on" in process.stderr.readline()
    found = re.match(r"listening on (http://127\.0\.0\.1:\d+);", line := process.stderr.readline())
    assert found, line
    return found[1]


def gateway_of(daemon: subprocess.Popen[str]) -> int | None:
    for task in Path(f"/proc/{daemon.pid}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if "--beside" in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    return None


def test_commands_go_to_a_server(
    qmk: Qmk,
    start: Start,
    folder: Path,
    environment: dict[str, str],
    eventually: Callable[..., None],
    alive: Callable[[int], bool],
) -> None:
    daemon = start("serve", "--http", "127.0.0.1:0", "--require-token", "--workers", "1")
    url = listening(daemon)
    assert qmk("tenant", "add", "chem").returncode == 0
    assert qmk("tenant", "token", "chem", "--output", "chem.token").returncode == 0
    token = (folder / "chem.token").read_text()
    del environment["QMK_SOCKET"]
    assert qmk("submit", "examples/bell.qasm").returncode == 3, "there is no daemon of its own"

    refused = qmk("login", url, "--name", "lab", stdin="qmk1.none")
    assert (refused.returncode, "the token is not valid" in refused.stderr) == (2, True)
    assert not (folder / "config").exists(), "nothing is kept of it"
    done = qmk("login", url, "--name", "lab", stdin=token)
    assert f"tenant chem at {url}" in done.stdout
    assert token.strip() not in done.stdout + done.stderr
    kept = folder / "config" / "contexts.json"
    assert (stat.S_IMODE(kept.stat().st_mode), token.strip() in kept.read_text()) == (0o600, True)

    job = qmk("submit", "examples/bell.qasm", "--shots", "100").stdout.strip()
    assert job.startswith("job_")
    assert json.loads(qmk("result", job, "--wait", "--json").stdout)["shots"] == 100
    lines = [json.loads(line) for line in qmk("watch", job, "--json").stdout.splitlines()]
    assert lines[-1]["result"]["shots"] == 100
    assert job in qmk("jobs").stdout
    assert "tenant chem" in qmk("quota").stdout
    assert "100 shots" in qmk("run", "examples/bell.qasm", "--shots", "100", "--server", "lab").stdout
    assert "answers" in qmk("doctor").stdout
    assert "give either" in qmk("status", job, "--server", "lab", "--socket", "s").stderr

    assert qmk("context", "add", "other", "https://qmk.example", "--token-file", "chem.token").returncode == 0
    assert qmk("context", "list").stdout.splitlines() == [f"* lab    {url}", "  other  https://qmk.example"]
    assert token.strip() not in qmk("context", "show", "lab").stdout
    assert json.loads(qmk("context", "show", "other", "--json").stdout)["token"] == str(folder / "chem.token")
    assert qmk("context", "use", "other").returncode == 0
    assert qmk("status", job, "--server", "lab").returncode == 0
    assert qmk("context", "remove", "other").returncode == 0
    assert qmk("context", "use", "--none").returncode == 0
    assert "no context 'other'" in qmk("context", "use", "other").stderr
    assert qmk("status", job, "--server", url).returncode == 0, "the token that is kept for it"

    local = qmk("usage", "--server", "lab")
    assert (local.returncode, "on the machine of the daemon" in local.stderr) == (2, True)
    assert "on the machine of the daemon" in qmk("jobs", "--all-tenants", "--server", "lab").stderr
    assert qmk("context", "use", "lab").returncode == 0
    assert "not on the server 'lab'" in qmk("usage").stderr

    first = gateway_of(daemon)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert qmk("status", job).returncode == 0, "callers wait through a restart"
    second = gateway_of(daemon)
    assert second is not None
    assert second != first
    daemon.kill()
    daemon.wait()
    eventually(lambda: not alive(second), "the gateway's end")
    eventually(lambda: "nothing listens" in qmk("status", job).stderr, "the end of its socket")
    assert qmk("status", job).returncode == 3


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("login", "http://qmk.example"), "--allow-http"),
        (("login", "https://a:b@qmk.example"), "user name"),
        (("login", "qmk.example"), "https://host"),
        (("login", "https://qmk.example", "--name", "a b"), "letters, digits"),
        (("context", "show"), "on this machine"),
        (("context", "use"), "--none"),
        (("context", "remove", "lab"), "qmk login"),
        (("status", "job_0", "--server", "lab"), "qmk login"),
        (("serve", "--http", "nowhere:http"), "127.0.0.1:8451"),
        (("serve", "--tls-cert", "a"), "--http"),
        (("serve", "--http", "0", "--tls-cert", "a"), "go together"),
        (("gateway", "--tls-cert", "a", "--tls-key", "b"), "cannot use a"),
    ],
)
def test_wrong_command_lines_say_what_is_right(qmk: Qmk, arguments: tuple[str, ...], hint: str) -> None:
    done = qmk(*arguments)
    assert done.returncode == 2, done.stderr
    assert hint in done.stderr
