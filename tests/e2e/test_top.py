"""``qmk top``: once, as JSON, as a tenant, and live on a terminal that changes its size."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_once_as_json_and_as_a_tenant(qmk: Qmk, daemon: object, environment: dict[str, str]) -> None:
    job = qmk("submit", "examples/bell.qasm", "--wait", "--name", "pair", "--json")
    assert job.returncode == 0
    once = qmk("top")
    assert "all tenants" in once.stdout
    assert "pair" in once.stdout
    found = json.loads(qmk("top", "--json").stdout)
    assert (found["tenant"], found["running"], found["rates"]["ended"]) == (None, 0, 1)
    assert [row["name"] for row in found["jobs"]] == ["pair"]
    assert json.loads(qmk("top", "--json", "--tenant", "nobody").stdout)["jobs"] == []
    mine = json.loads(qmk("top", "--json", "--socket", environment["QMK_SOCKET"]).stdout)
    assert (mine["tenant"], mine["tenants"]) == ("local", [])
    _live(environment)


def _live(environment: dict[str, str]) -> None:
    ours, its = pty.openpty()
    size = struct.pack("HHHH", 20, 70, 0, 0)
    fcntl.ioctl(ours, termios.TIOCSWINSZ, size)
    given = {**environment, "TERM": "xterm"}
    command = [sys.executable, "-m", "qmk", "top", "--every", "100ms"]
    process = subprocess.Popen(command, env=given, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    try:
        _read_until(ours, b"by state")
        os.write(ours, b"s")
        _read_until(ours, b"by newest")
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 44, 0, 0))
        os.write(ours, b"t")
        _read_until(ours, b"tenant local")
        os.write(ours, b"q")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(fd: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += os.read(fd, 1 << 16)  # the test's time limit ends what never comes


def test_without_a_daemon_it_says_so(qmk: Qmk) -> None:
    refused = qmk("top")
    assert refused.returncode == 3
    assert "no daemon listens" in refused.stderr
