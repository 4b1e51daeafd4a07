"""``qmk doctor --data-dir``: damage, what it says of it, the repair, and a daemon that goes on from there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from qmk.host.sql.library import sqlite_module
from tests.e2e.conftest import Qmk

SHOTS = 4000


def serve(start: Callable[..., subprocess.Popen[str]]) -> subprocess.Popen[str]:
    daemon = start("serve", "--workers", "1")
    assert daemon.stderr is not None
    assert "listening" in daemon.stderr.readline()
    return daemon


def end(daemon: subprocess.Popen[str]) -> None:
    daemon.terminate()
    assert daemon.wait(20) == 0


def answers(qmk: Qmk, jobs: list[str]) -> dict[str, str]:
    return {job: qmk("result", job, "--json").stdout for job in jobs}


def damage(path: Path, text: bytes) -> None:
    """Fills the page of the file that has this text with zeros."""
    data = path.read_bytes()
    at = data.index(text) // 4096 * 4096
    path.write_bytes(data[:at] + bytes(4096) + data[at + 4096 :])


def events_of(path: Path, job: str) -> bytes:
    connection = sqlite_module().connect(f"{path.as_uri()}?immutable=1", uri=True)
    ((bits,),) = connection.execute("SELECT bits FROM page WHERE job=?", (job,))
    connection.close()
    return bits


def test_a_damaged_folder_is_examined_repaired_and_served(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    state = folder / "state"
    daemon = serve(start)
    names = [
        qmk("submit", "examples/ghz.qasm", "--shots", str(SHOTS), "--seed", str(seed)).stdout.strip()
        for seed in range(4)
    ]
    assert all(qmk("result", name, "--wait").returncode == 0 for name in names)
    before = answers(qmk, names)
    held = qmk("doctor", "--data-dir", str(state))
    assert held.returncode == 3
    assert "another daemon" in held.stderr
    end(daemon)

    whole = qmk("doctor", "--data-dir", str(state))
    assert (whole.returncode, whole.stdout) == (
        0,
        f"ok       {state}/journal.sqlite\nwhole    all 4 jobs of 1 tenant\n",
    )
    lost = names[2]
    journal = state / "journal.sqlite"
    damage(journal, events_of(journal, lost)[6000:6032])
    damage(journal, b"completed")

    refused = qmk("serve")
    assert refused.returncode == 3
    assert refused.stderr.startswith(f"error: the journal {state}/journal.sqlite is damaged: ")
    assert "the ledger's row of job_" in refused.stderr
    assert refused.stderr.endswith(f"  fix: run 'qmk doctor --repair --data-dir {state}', or restore a backup\n")
    sick = qmk("doctor", "--data-dir", str(state))
    assert sick.returncode == 1
    assert sick.stdout.startswith(f"damaged  {state}/journal.sqlite\nfault    page ")
    assert f" part of the result of {lost} (tenant local)\n" in sick.stdout
    assert sick.stdout.endswith(f"fix      qmk doctor --repair --data-dir {state}\n")
    found = json.loads(qmk("doctor", "--data-dir", str(state), "--json").stdout)
    assert {loss["job"]: loss["part"] for loss in found["losses"]} == {
        name: "result" if name == lost else "charge" for name in names
    }

    done = qmk("doctor", "--repair", "--data-dir", str(state))
    assert done.returncode == 0, done.stderr
    assert "kept     the damaged files, in " in done.stdout
    assert qmk("doctor", "--data-dir", str(state)).returncode == 0
    again = qmk("doctor", "--repair", "--data-dir", str(state))
    assert (again.returncode, "kept" in again.stdout) == (0, False), "there is nothing to repair any more"

    daemon = serve(start)
    after = answers(qmk, names)
    assert [after[name] == before[name] for name in names] == [name != lost for name in names]
    error = json.loads(after[lost])["error"]["data"]["error"]
    assert error["data"]["retryable"] is True
    assert error["message"].startswith(
        f"part of the result of {lost} (tenant local) was lost when the journal was damaged"
    )
    told = qmk("audit", "show", "--kind", "journal.repair")
    assert "journal.repair" in told.stdout
    assert qmk("audit", "verify").returncode == 0
    end(daemon)


def test_a_folder_without_a_journal_is_named(qmk: Qmk, folder: Path) -> None:
    done = qmk("doctor", "--data-dir", str(folder / "nowhere"))
    assert done.returncode == 2
    assert f"there is no journal {folder}/nowhere/journal.sqlite" in done.stderr
    assert not (folder / "nowhere").exists()
