"""Commands that show what there is: jobs, checkpoints, channels, quotas; and that leave no session behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import Started

Qmk = Callable[..., subprocess.CompletedProcess[str]]


def test_jobs_newest_first_and_by_state(qmk: Qmk, daemon: Started) -> None:
    assert qmk("jobs").stdout == "no jobs; 'qmk submit PROGRAM' makes one\n"
    made = [qmk("submit", "examples/bell.qasm", "--shots", "10").stdout.strip() for _ in range(3)]
    for job in made:
        qmk("result", job, "--wait")
    lines = qmk("jobs").stdout.splitlines()
    assert lines[0].split() == ["job", "state", "engine", "progress", "submitted", "ran"]
    assert [line.split()[0] for line in lines[1:]] == made[::-1]
    assert all("COMPLETED" in line and "10 of 10 shots" in line for line in lines[1:])
    cut = qmk("jobs", "--limit", "2", "--state", "completed", "--json")
    assert [row["job_id"] for row in json.loads(cut.stdout)] == made[:0:-1]
    assert "--limit" in qmk("jobs", "--limit", "2").stderr
    assert qmk("jobs", "--state", "failed").stdout == "no jobs failed\n"
    assert [line.split()[0] for line in qmk("jobs", "--since", "1h").stdout.splitlines()[1:]] == made[::-1]
    assert qmk("jobs", "--since", "2100-01-01").stdout == "no jobs since 2100-01-01 00:00 UTC\n"
    assert qmk("jobs", "--since", "soon").returncode == 2
    assert json.loads(qmk("status", made[0][-8:], "--json").stdout)["job_id"] == made[0]
    assert "may be any of" in qmk("status", made[0][4:10]).stderr


def test_jobs_by_tag_and_those_of_all_tenants(qmk: Qmk, daemon: Started) -> None:
    tagged = ("--shots", "10", "--name", "pair", "--tag", "scan", "--tag", "run:1")
    job = qmk("submit", "examples/bell.qasm", *tagged).stdout.strip()
    lines = qmk("jobs", "--tag", "scan", "--wait").stdout.splitlines()
    assert lines[0].split()[:4] == ["job", "name", "tags", "state"]
    assert lines[1].split()[:5] == [job, "pair", "scan,", "run:1", "COMPLETED"]
    assert ", named 'pair', tagged scan run:1" in qmk("status", job).stdout
    assert qmk("jobs", "--tag", "scan", "--tag", "none", "--name", "x").stdout == (
        "no jobs named 'x' with the tags scan, none\n"
    )
    assert qmk("jobs", "--not-tag", "run:1").stdout == "no jobs without the tag run:1\n"
    assert qmk("jobs", "--name", "pair", "--not-tag", "other").stdout.splitlines()[1].startswith(job)
    assert qmk("cancel", "--tag", "scan").stdout == "0 jobs cancelled\n"
    assert json.loads(qmk("cancel", "--tag", "scan", "--json").stdout) == {"cancelled": 0}
    assert "letters, digits and ._:/=-" in qmk("submit", "examples/bell.qasm", "--tag", "a b").stderr
    for wrong in (
        ("cancel",),
        ("cancel", job, "--tag", "scan"),
        ("jobs", "--wait"),
        ("jobs", "--wait", "--tenant", "x"),
    ):
        assert qmk(*wrong).returncode == 2
    qmk("tenant", "add", "chem")
    qmk("tenant", "token", "chem", "--output", "chem.token")
    theirs = qmk("submit", "examples/bell.qasm", "--tag", "scan", "--token-file", "chem.token").stdout.strip()
    rows = [line.split()[:2] for line in qmk("jobs", "--all-tenants", "--tag", "scan").stdout.splitlines()[1:]]
    assert rows == [[theirs, "chem"], [job, "local"]]
    (row,) = json.loads(qmk("jobs", "--tenant", "chem", "--json").stdout)
    assert (row["job_id"], row["tenant"]) == (theirs, "chem")
    assert "there is no tenant 'bio'" in qmk("jobs", "--tenant", "bio").stderr


def test_all_that_match_are_cancelled_labelled_and_deleted(qmk: Qmk, daemon: Started) -> None:
    """Three wait behind a long one: a filter takes two of them, and neither the one that it excludes nor others."""
    long = ("submit", "examples/bell.qasm", "--engine", "reference", "--shots", "100000000", "--no-cache")
    qmk(*long)
    old, kept, new = (
        qmk(*long, "--name", "scan", *tags).stdout.strip() for tags in ((), ("--tag", "keep"), ("--tag", "x"))
    )
    assert qmk("cancel", "--name", "scan", "--not-tag", "keep").stdout == "2 jobs cancelled\n"
    states = {row["job_id"]: row["state"] for row in json.loads(qmk("jobs", "--name", "scan", "--json").stdout)}
    assert {job: state == "CANCELLED" for job, state in states.items()} == {old: True, kept: False, new: True}
    assert qmk("label", kept, "--add", "seen", "--remove", "keep").stdout == f"{kept}: seen\n"
    assert qmk("label", "--name", "scan", "--state", "cancelled", "--add", "old").stdout == "2 jobs labelled\n"
    assert qmk("label", "--name", "scan", "--state", "cancelled", "--add", "old").stdout == "0 jobs labelled\n"
    assert "NOT_COMPLETED" in qmk("delete", kept).stderr
    assert qmk("delete", "--name", "scan").stdout == "2 jobs deleted\n"
    assert qmk("cancel", kept).stdout == f"{kept}: CANCELLED\n"
    assert qmk("delete", kept).stdout.startswith(f"{kept}: deleted, ")
    assert qmk("jobs", "--name", "scan").stdout == "no jobs named 'scan'\n"
    assert qmk("cancel", "--state", "queued").returncode == 0
    assert qmk("cancel", "--state", "running").stdout.endswith("cancelled\n")
    for wrong in (("label", kept), ("label", "--add", "x"), ("delete",), ("delete", kept, "--tag", "old")):
        assert qmk(*wrong).returncode == 2
    assert json.loads(qmk("jobs", "--state", "running", "--json").stdout) == []


def test_checkpoints_of_a_job(qmk: Qmk, daemon: Started) -> None:
    assert qmk("checkpoints").stdout == "no checkpoints; 'qmk checkpoint JOB' makes one\n"
    job = qmk("submit", "examples/bell.qasm").stdout.strip()
    assert qmk("checkpoints", job).stdout == f"no checkpoints of {job}\n"
    assert json.loads(qmk("checkpoints", "--json").stdout) == []
    refused = qmk("checkpoints", "job_absent")
    assert refused.returncode == 2
    assert "fix: 'qmk jobs' lists those of your tenant" in refused.stderr


def test_a_channel_from_proposal_to_its_end(qmk: Qmk, daemon: Started, folder: Path) -> None:
    for tenant in ("alice", "bob"):
        qmk("tenant", "add", tenant)
        qmk("tenant", "token", tenant, "--output", f"{tenant}.token")
    alice, bob = ("--token-file", "alice.token"), ("--token-file", "bob.token")
    proposed = qmk("channel", "open", "bob", "--fidelity", "0.9", "--pairs", "50", *alice)
    assert "PROPOSED between alice and bob, waits for 'qmk channel approve' by bob" in proposed.stdout
    (row,) = json.loads(qmk("channel", "list", "--json", *bob).stdout)
    channel = row["channel"]
    assert channel in qmk("channel", "list", *alice).stdout
    assert f"{channel}: OPEN" in qmk("channel", "approve", channel, "--pairs", "40", *bob).stdout
    assert "0 of 40 Bell pairs" in qmk("channel", "status", channel, *alice).stdout
    assert "CLOSED" in qmk("channel", "close", channel, *alice).stdout
    assert qmk("channel", "list").stdout.startswith("no channels")
    stranger = qmk("channel", "status", channel)
    assert "fix: 'qmk channel list' lists those of your tenant" in stranger.stderr
    listed = qmk("tenant", "list").stdout.splitlines()
    assert [line.split()[4] for line in listed] == ["sessions", "0", "0"], "every command has ended its session"


def test_submit_with_a_channel_a_deadline_and_a_key(qmk: Qmk, daemon: Started) -> None:
    wishes = ("--idempotency-key", "once", "--deadline", "900", "--priority", "3")
    first, second = (qmk("submit", "examples/bell.qasm", *wishes) for _ in range(2))
    assert first.stdout == second.stdout != ""
    assert json.loads(qmk("jobs", "--json").stdout)[0]["priority"] == 3
    absent = qmk("submit", "examples/bell.qasm", "--channel", "c=chan_absent")
    assert absent.returncode == 2
    assert "chan" in absent.stderr
    assert "HANDLE=CHANNEL" in qmk("submit", "examples/bell.qasm", "--channel", "c").stderr


def test_a_tenant_sees_its_quotas(qmk: Qmk, daemon: Started) -> None:
    qmk("tenant", "add", "chem", "--quota", "shots=777", "--quota", "engine_seconds=5")
    qmk("tenant", "token", "chem", "--output", "chem.token")
    lines = qmk("quota", "--token-file", "chem.token").stdout.splitlines()
    assert lines[0] == "tenant chem"
    assert lines[1].split() == ["quota", "used", "limit", "unit", "counts"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert rows["shots"] == ["-", "777", "shots", "of", "one", "job"]
    assert rows["engine_seconds"][:4] == ["0", "5", "seconds", "until"]
    found = json.loads(qmk("quota", "--json").stdout)
    assert found["tenant"] == "local"
    assert {row["name"] for row in found["quota"]} >= {"queued_jobs", "gates"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenant", "set", "chem"), "nothing to change"),
        (("tenant", "token", "chem", "--rights", ""), "good for nothing"),
        (("token", "attenuate", "chem.token"), "nothing to narrow"),
        (("token", "attenuate", "chem.token", "--rights", ""), "no right at all"),
        (("tenant", "token", "chem", "--output", "chem.token"), "fix: name another file"),
        (("rollback", "job_x", "-1"), "'-1' is not a number of epochs"),
        (("audit", "show", "--database", "nonsense"), "postgresql://"),
    ],
)
def test_what_would_do_nothing_says_so(qmk: Qmk, arguments: tuple[str, ...], said: str) -> None:
    qmk("tenant", "add", "chem")
    qmk("tenant", "token", "chem", "--output", "chem.token")
    refused = qmk(*arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_a_mistyped_data_folder_is_refused_and_not_made(qmk: Qmk, folder: Path) -> None:
    for command in (("tenant", "list"), ("tenant", "tokens", "chem"), ("tenant", "set", "chem", "--weight", "2")):
        refused = qmk(*command, "--data-dir", "mistyped")
        assert refused.returncode == 2
        assert "fix: name the daemon's with --data-dir" in refused.stderr
    assert not (folder / "mistyped").exists()
    assert "a new data folder: new" in qmk("tenant", "add", "chem", "--data-dir", "new").stderr
    assert qmk("tenant", "list", "--data-dir", "new").stdout.splitlines()[1].startswith("chem")
