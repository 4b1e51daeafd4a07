"""``qmk audit`` beside a running daemon and on the folder it left."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.commands import Started

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def report(qmk: Qmk) -> dict[str, Any]:
    return json.loads(qmk("audit", "verify", "--json").stdout)


def test_beside_a_daemon_and_after_it(
    qmk: Qmk, daemon: Started, folder: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    assert qmk("submit", "examples/bell.qasm", "--shots", "10", "--wait").returncode == 0
    eventually(lambda: report(qmk)["unsealed"] == 0, "the seal of the last entries")
    assert report(qmk)["ok"]
    assert report(qmk)["entries"] == 8
    shown = [json.loads(line) for line in qmk("audit", "show", "--kind", "job", "--json").stdout.splitlines()]
    assert [entry["kind"] for entry in shown] == ["job.admit", "job.launch", "job.end"]
    assert [line.split()[0] for line in qmk("audit", "show", "--from", "2", "--to", "3").stdout.splitlines()] == [
        "2",
        "3",
    ]
    nobody = qmk("audit", "show", "--tenant", "nobody", "--kind", "nonsense")
    assert nobody.stdout == ""
    assert nobody.stderr.splitlines()[:2] == [
        "no entry of tenant 'nobody' of kind 'nonsense' is there",
        "  tenants: local",
    ]
    assert "job.admit" in nobody.stderr
    assert "tenants in it: local" in qmk("usage", "--tenant", "nobody").stderr

    proof = qmk("audit", "prove", "4").stdout
    public = folder / "state" / "keys" / "audit.pub"
    checked = qmk("audit", "check", "-", "--public-key", str(public), "--json", stdin=proof)
    assert json.loads(checked.stdout)["seq"] == 4
    forged = qmk("audit", "check", "-", "--public-key", str(public), stdin=proof.replace("local", "chem_"))
    assert forged.returncode == 1
    assert forged.stdout.startswith("NOT PROVEN: entry 4 is not under the sealed root of epoch ")
    broken = proof.replace('"signature": "', '"signature": "x')
    garbled = qmk("audit", "check", "-", "--public-key", str(public), stdin=broken)
    assert garbled.returncode == 1
    assert "qmk audit prove" in garbled.stdout
    assert qmk("audit", "prove", "99").returncode == 2
    check_receipts(qmk, shown[0]["fields"]["job"], str(public), proof)

    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    assert qmk("audit", "verify").stdout.startswith("intact: 9 entries, ")

    with sqlite3.connect(folder / "state" / "journal.sqlite") as journal:
        journal.execute("DELETE FROM audit WHERE seq = 3")
    journal.close()
    wrong = qmk("audit", "verify")
    assert wrong.returncode == 1
    first = wrong.stdout.splitlines()[0]  # where an epoch ended with it, its seal is what tells
    assert first == "missing: entry 3 is missing" or first.startswith("cut: entry 3 is gone, which seal ")
    refused = {
        ("verify", "--public-key", "examples/bell.qasm"): "public halves of sealing keys are keys/*.pub",
        ("verify", "--public-key", "absent"): "cannot read absent: no such file or directory [",
        ("verify", "--witness", "examples/bell.qasm"): "a witness is a copy of audit.head",
        ("check", "absent", "--public-key", str(public)): "cannot read 'absent': no such file or directory [",
        ("check", "examples/bell.qasm", "--public-key", str(public)): "'qmk audit receipt JOB' print one",
        ("verify", "--data-dir", "absent"): "there is no journal absent/journal.sqlite",
    }
    for arguments, said in refused.items():
        answer = qmk("audit", *arguments)
        assert answer.returncode == 2
        assert said in answer.stderr
    assert qmk("audit", "verify", "--data-dir", str(folder / "nowhere")).returncode == 2


def check_receipts(qmk: Qmk, job: str, public: str, proof: str) -> None:
    """The receipt of a job tells its level; a stronger one is not proven, nor a level that somebody wrote into it."""
    receipt = qmk("audit", "receipt", job).stdout
    told = qmk("audit", "check", "-", "--public-key", public, "--json", stdin=receipt)
    proven = json.loads(told.stdout)
    level = proven["isolation"]
    assert level in ("process", "jail")
    assert (proven["job"], proven["shots"], proven["state"], proven["error"]) == (job, 10, "COMPLETED", "")
    assert proven["ended_ns"] > proven["admitted_ns"]
    assert qmk("audit", "check", "-", "--public-key", public, "--isolation", level, stdin=receipt).returncode == 0
    above = qmk("audit", "check", "-", "--public-key", public, "--isolation", "microvm", stdin=receipt)
    assert above.returncode == 1
    assert above.stdout == f"NOT PROVEN: {job} ran at isolation level '{level}', not at 'microvm' or a stronger one\n"
    better = receipt.replace(f'isolation\\":\\"{level}', 'isolation\\":\\"microvm')
    assert better != receipt
    lie = qmk("audit", "check", "-", "--public-key", public, "--isolation", "microvm", stdin=better)
    assert lie.returncode == 1
    assert "is not under the sealed root of epoch" in lie.stdout
    entry = qmk("audit", "check", "-", "--public-key", public, "--isolation", "jail", stdin=proof)
    assert (entry.returncode, "'qmk audit receipt JOB' prints one" in entry.stderr) == (2, True)
    assert "the audit log has no job 'job_none'" in qmk("audit", "receipt", "job_none").stderr
