"""A data folder of the last release opens with this one: nothing that it promised is lost, and it can be backed up."""

from __future__ import annotations

import asyncio
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.client import Client
from qmk.client.operator import Operator
from qmk.gateway.records import Records
from qmk.host import backup
from qmk.host.audit import verify as verify_log
from qmk.host.audit_reader import AuditReader
from qmk.host.survey import survey
from qmk.rpc.keys import public_key

RELEASE = Path(__file__).parents[1] / "data" / "release-0.2.0"
TOLD = json.loads((RELEASE / "told.json").read_text())
KEEP: dict[str, Any] = {"keep": {"results_s": 0}}  # however long ago it was made
KEY = bytes(range(32))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder ``old`` with the state of the release."""
    with tarfile.open(RELEASE / "state.tar.xz") as packed:
        packed.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


def check(client: Client) -> None:
    """What the release said of its jobs holds; those that had not ended do with the bits of their seeds."""
    keys = TOLD["keys"]
    assert {client.status(job).state for job in TOLD["counts"]} == {"COMPLETED"}
    assert {job: client.result(job).counts for job in TOLD["counts"]} == TOLD["counts"]
    assert {job: ",".join(client.result(job).rows()) for job in TOLD["rows"]} == TOLD["rows"]
    assert client.status(keys["key-cancelled"]).state == "CANCELLED"
    bell = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
    assert client.wait(keys["key-queued"]).state == "COMPLETED"
    assert client.result(keys["key-queued"]).counts == qmk.run(bell, shots=50, seed=11, engine="stabilizer").counts
    assert client.wait(keys["key-running"]).state == "COMPLETED"
    assert sum(client.result(keys["key-running"]).counts.values()) == 2_000_000
    again = client.submit(bell, shots=200, seed=7, engine="stabilizer", idempotency_key="key-counts")
    assert again.job_id == keys["key-counts"], "a key of the release is still its job's"
    assert len(client.program(keys["key-blob"]).text) > 10_000


def check_lab(socket: Path, state: Path) -> None:
    """The tenant, its token and what a gateway kept of it."""
    with Client(socket, token=TOLD["token"]) as lab:
        assert lab.wait(TOLD["lab_job"]).state == "COMPLETED"
    (row,) = (row for row in Operator(state).call("op_tenant_list").tenants if row.tenant == "lab")
    assert (row.weight, row.quotas["queued_jobs"]) == (2.0, 10)


def check_files(state: Path) -> None:
    with AuditReader(state / "journal.sqlite") as log:
        report = verify_log(log, public_key(state / "keys" / "audit.pub"))
    assert not report.faults
    assert report.entries > 10
    found = survey(state)
    assert (found.faults, found.losses) == ([], [])
    records = Records(state / "gateway.db")
    record = asyncio.run(records.with_member("braket", "lab", "member-1"))
    records.close()
    assert record is not None
    assert (record.id, record.body) == ("task-1", b"{}")


def test_a_daemon_goes_on_where_the_release_stopped(make_daemon: Callable[..., Any], old: Path) -> None:
    daemon = make_daemon("old", **KEEP)
    with Client(daemon.socket) as client:
        check(client)
        check_lab(daemon.socket, old / "state")
    assert daemon.stop() == 0
    check_files(old / "state")
    daemon = make_daemon("old", **KEEP)  # and once more, from what this release wrote
    with Client(daemon.socket) as client:
        check(client)


def test_a_backup_of_the_folder_restores(make_daemon: Callable[..., Any], old: Path, tmp_path: Path) -> None:
    made = backup.create(old / "state", tmp_path / "backup", key=KEY)
    assert not made.missing
    backup.restore(tmp_path / "backup", tmp_path / "again" / "state", key=KEY)
    daemon = make_daemon("again", **KEEP)
    with Client(daemon.socket) as client:
        check(client)
        check_lab(daemon.socket, tmp_path / "again" / "state")
    daemon.stop()
    check_files(tmp_path / "again" / "state")


def test_the_release_before_this_one_is_frozen() -> None:
    """Whoever releases adds a folder: that of the newest release named in the changelog."""
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    newest = next(line for line in changelog.splitlines() if line.startswith("## [") and "Unreleased" not in line)
    assert f"[{TOLD['version']}]" in newest
