"""Levels of isolation through the daemon: the level of a result, floors, one tenant a worker, nothing left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.isolation import descendants
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.client.operator import Operator
from qmk.client.sync import Client
from qmk.host.audit import read_entry
from qmk.host.audit_reader import AuditReader
from qmk.host.config import JOURNAL_NAME
from qmk.host.isolation.drivers.microvm.image import VARIABLE
from qmk.host.isolation.drivers.sandbox import PREFIX
from qmk.sdk.kit.builder import Builder
from tests.isolation.conftest import require
from tests.isolation.test_attempts import SANDBOXES

ENGINES = Path(__file__).resolve().parents[1] / "engines"
Eventually = Callable[[Callable[[], bool], str], None]
GRAPH = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()


def test_the_same_bits_at_both_levels_and_the_level_in_the_result(make_daemon: Any) -> None:
    counts = []
    for level, asked in (("process", "process"), ("jail", "jail")):
        daemon = make_daemon(isolation=asked)
        with Client(daemon.socket) as client:
            result = client.run(GRAPH, shots=500, seed=11, cache=False)
        assert result.provenance.isolation == level
        counts.append(result.counts)
        daemon.stop()
    assert counts[0] == counts[1]


@pytest.mark.conformance
@pytest.mark.parametrize("level", SANDBOXES)
def test_a_sandbox_gives_the_same_bits_to_one_tenant_and_leaves_nothing(
    make_daemon: Any, eventually: Eventually, level: Level
) -> None:
    require(level)
    before, found = held_folders(), []
    for asked in ("process", level):
        daemon = make_daemon(isolation=asked, cache_bytes=0, workers=1)
        with Client(daemon.socket) as client:
            results = [client.run(GRAPH, shots=500, seed=seed) for seed in (1, 2)]
        assert {result.provenance.isolation for result in results} == {asked}
        found.append([result.counts for result in results])
        seen = set(descendants(daemon.pid))
        if asked == level:
            operator = Operator(daemon.folder / "state")
            operator.call("op_tenant_add", tenant="b")
            with Client(daemon.socket, token=operator.call("op_token_issue", tenant="b").token) as client:
                client.run(GRAPH, shots=10)
            rows = operator.call("op_metrics").samples
            starts = sum(row.value for row in rows if row.name == "qmk_worker_starts_total")
            assert starts == 2, "a worker served two tenants"
            seen |= set(descendants(daemon.pid))
        daemon.stop()
        eventually(lambda seen=seen: not any(map(is_there, seen)), "the end of what it started")
    assert found[0] == found[1]
    assert held_folders() == before


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def held_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"))


def test_a_floor_that_cannot_be_given_refuses_with_the_reason_and_the_fix(
    make_daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    daemon = make_daemon(isolation="process")
    with Client(daemon.socket) as client:
        assert client.run(GRAPH, shots=10, isolation="jail").provenance.isolation == "jail"
        with pytest.raises(QmkError, match="may not run below isolation level 'microvm', and 'microvm' is not") as told:
            client.run(GRAPH, shots=10, isolation="microvm")
        assert told.value.kind.name == "UNSUPPORTED"
        assert told.value.fields["help"]
        with pytest.raises(QmkError, match="isolation"):
            client.run(GRAPH, shots=10, isolation="bunker")


def test_the_floor_of_a_tenant_holds_for_its_jobs(make_daemon: Any) -> None:
    daemon = make_daemon(isolation="process")
    Operator(daemon.folder / "state").call("op_tenant_set", tenant="local", isolation="jail")
    with Client(daemon.socket) as client:
        assert client.run(GRAPH, shots=10).provenance.isolation == "jail"


@pytest.mark.parametrize(("level", "shared"), [("process", True), ("jail", False)])
def test_a_jail_serves_one_tenant(make_daemon: Any, level: str, shared: bool) -> None:
    daemon = make_daemon(isolation=level, cache_bytes=0, workers=1)
    operator = Operator(daemon.folder / "state")
    seen: list[set[int]] = []
    for name in ("a", "b"):
        operator.call("op_tenant_add", tenant=name)
        with Client(daemon.socket, token=operator.call("op_token_issue", tenant=name).token) as client:
            client.run(GRAPH, shots=10)
        seen.append(set(descendants(daemon.pid)))
    assert (seen[1] <= seen[0]) == shared


def test_many_jobs_and_an_end_by_force_leave_nothing(make_daemon: Any, eventually: Eventually) -> None:
    daemon = make_daemon(isolation="jail", cache_bytes=0)
    with Client(daemon.socket) as client:
        for _ in range(3):
            client.run(GRAPH, shots=10)
        files, mounts = len(os.listdir(f"/proc/{daemon.pid}/fd")), Path("/proc/mounts").read_text()
        before = descendants(daemon.pid)
        for _ in range(40):
            client.run(GRAPH, shots=10)
        assert descendants(daemon.pid) == before
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) == files
        assert Path("/proc/mounts").read_text() == mounts
    daemon.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before), "the end of what it had started")


def test_calls_that_a_jail_refuses_are_counted_for_the_tenant_and_told_once(
    make_daemon: Any, eventually: Eventually
) -> None:
    daemon = make_daemon(engines={"attempts": ("attempts:ENGINE", str(ENGINES))}, isolation="jail")
    operator = Operator(daemon.folder / "state")
    with Client(daemon.socket) as client:
        job = client.submit(GRAPH, shots=2_000, seed=0, engine="attempts").job_id
        client.wait(job)

        def refused() -> float:
            rows = operator.call("op_metrics").samples
            return sum(row.value for row in rows if row.name == "qmk_sandbox_denials_total" and "local" in row.labels)

        eventually(lambda: refused() == 2_000, "the count of the refused calls")
        eventually(lambda: client.status(job).refused_calls == {"socket": 2_000}, "the calls in the job's record")
    log = daemon.log.read_text()
    daemon.stop()
    with AuditReader(daemon.folder / "state" / JOURNAL_NAME) as reader:
        entries = [read_entry(data) for _, data, _ in reader.audit_entries()]
    told = [entry for entry in entries if entry.kind == "job.calls_refused"]
    assert [entry.fields["calls"] for entry in told] == [{"socket": 2_000}]
    assert told[0].fields == {"job": job, "engine": "attempts", "calls": {"socket": 2_000}, "count": 2_000}
    assert log.count("call socket refused") == 1
