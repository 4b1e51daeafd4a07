"""``qmk audit`` beside a running daemon and on the folder it left."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def report(qmk: Qmk) -> dict[str, Any]:
    return json.loads(qmk("audit", "verify", "--json").stdout)


def test_beside_a_daemon_and_after_it(
    qmk: Qmk, daemon: subprocess.Popen[str], folder: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    assert qmk("submit", "examples/bell.qasm", "--shots", "10", "--wait").returncode == 0
    eventually(lambda: report(qmk)["unsealed"] == 0, "the seal of the last entries")
    assert report(qmk)["ok"]
    assert report(qmk)["entries"] == 6
    shown = [json.loads(line) for line in qmk("audit", "show", "--kind", "job", "--json").stdout.splitlines()]
    assert [entry["kind"] for entry in shown] == ["job.admit", "job.launch", "job.end"]
    assert [line.split()[0] for line in qmk("audit", "show", "--from", "2", "--to", "3").stdout.splitlines()] == [
        "2",
        "3",
    ]
    assert qmk("audit", "show", "--tenant", "nobody").stdout == ""

    proof = qmk("audit", "prove", "4").stdout
    public = folder / "state" / "keys" / "audit.pub"
    checked = qmk("audit", "check", "-", "--public-key", str(public), "--json", stdin=proof)
    assert json.loads(checked.stdout)["seq"] == 4
    assert qmk("audit", "prove", "99").returncode == 2

    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    assert qmk("audit", "verify").stdout.startswith("intact: 7 entries, ")

    with sqlite3.connect(folder / "state" / "journal.sqlite") as journal:
        journal.execute("DELETE FROM audit WHERE seq = 3")
    journal.close()
    wrong = qmk("audit", "verify")
    assert wrong.returncode == 1
    assert wrong.stdout.splitlines()[0] == "missing: entry 3 is missing"
    assert qmk("audit", "verify", "--public-key", str(folder / "examples" / "bell.qasm")).returncode == 2
    assert qmk("audit", "verify", "--data-dir", str(folder / "nowhere")).returncode == 2
