"""Who is let in, what a tenant sees of another's, and what a restart leaves: all protocols alike."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
import sqlite3
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import get
from litestar.testing import TestClient

from qmk.base.errors import QmkError
from qmk.client import Operator, attenuate
from qmk.gateway.app import make_app
from qmk.gateway.callers import KEPT_CLIENTS_OF_A_TENANT, Callers
from qmk.gateway.qlam import arguments, shapes
from qmk.gateway.records import Record, Records

Http = TestClient[Any]
Make = Callable[..., Any]
DATA = Path(__file__).resolve().parents[2] / "data" / "atoms" / "kirin"
TASKS = "/qlam/v2/squin-256q/tasks"
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
SEQUENCE = (DATA.parent / "phase_1.pulser.json").read_text()


def braket(token: str) -> dict[str, str]:
    return {"x-amz-security-token": token, "authorization": "AWS4-HMAC-SHA256 Credential=k/20261122/eu-west-2/braket/x"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def basic(token: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"alice:{token}".encode()).decode()}


def bell() -> dict[str, Any]:
    header = {"name": "braket.ir.openqasm.program", "version": "1"}
    source = "OPENQASM 3.0;\nbit[1] b;\nqubit[1] q;\nx q[0];\nb[0] = measure q[0];"
    return {
        "clientToken": str(uuid.uuid4()),
        "deviceArn": "arn:aws:braket:::device/quantum-simulator/qmk/gates",
        "outputS3Bucket": "bkt",
        "outputS3KeyPrefix": "tasks",
        "shots": 3,
        "action": json.dumps({"braketSchemaHeader": header, "source": source}),
    }


def squin() -> dict[str, Any]:
    content = gzip.decompress((DATA / "bell.kirin.json.gz").read_bytes()).decode()
    return {"programs": [{"content": content}], "subtasks": [{"program_index": 0, "num_shots": 3}]}


class Two:
    """A daemon that asks for tokens, two tenants, and a gateway on it that can be started anew."""

    def __init__(self, daemon: Any, records: Path) -> None:
        self.daemon, self.records = daemon, records
        operator = Operator(daemon.folder / "state")
        self.tokens: dict[str, str] = {}
        for name in ("chem", "bio"):
            operator.call("op_tenant_add", tenant=name)
            self.tokens[name] = operator.call("op_token_issue", tenant=name).token

    def gateway(self) -> Http:
        app = make_app(self.daemon.socket, self.records, needs_token=True)
        return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def two(make_daemon: Make, tmp_path: Path) -> Two:
    return Two(make_daemon(require_token=True), tmp_path / "records" / "gateway.db")


def test_a_tenant_sees_nothing_of_another(two: Two, until: Any) -> None:
    chem, bio = two.tokens["chem"], two.tokens["bio"]
    with two.gateway() as http:
        made = http.post("/braket/quantum-task", json=bell(), headers=braket(chem))
        arn = made.json()["quantumTaskArn"]
        assert arn.startswith("arn:aws:braket:eu-west-2:")
        task = until(
            lambda: http.get(f"/braket/quantum-task/{arn}", headers=braket(chem)),
            lambda row: row["status"] == "COMPLETED",
        )
        squins = http.post(TASKS, json=squin(), headers=bearer(chem)).json()["id"]
        object = f"/s3/bkt/{task['outputS3Directory']}/results.json"
        assert http.get(object, headers=braket(chem)).json()["measurements"] == [[1]] * 3
        unknown = arn[:-12] + "0" * 12
        for path, other in ((f"/braket/quantum-task/{arn}", f"/braket/quantum-task/{unknown}"), (object, "/s3/b/c")):
            absent, none = http.get(path, headers=braket(bio)), http.get(other, headers=braket(bio))
            assert (absent.status_code, none.status_code) == (404, 404)
        assert http.put(f"/braket/quantum-task/{arn}/cancel", headers=braket(bio)).status_code == 404
        for path in (squins, f"{squins}/results"):
            assert http.get(f"{TASKS}/{path}", headers=bearer(bio)).status_code == 404
        assert http.delete(f"{TASKS}/{squins}", headers=bearer(bio)).status_code == 404
        assert http.get(TASKS, headers=bearer(bio)).json()["elements"] == []
        assert http.get(TASKS, headers=basic(chem)).json()["total"] == 1
        groups = [http.get("/qlam/v2/groups", headers=bearer(token)).json()["elements"] for token in (chem, bio)]
        assert groups[0][0]["id"] != groups[1][0]["id"]


def test_without_a_good_token_nobody_is_let_in(two: Two) -> None:
    cases: list[tuple[str, dict[str, str], str]] = [
        ("/braket/devices", {}, "message"),
        ("/braket/devices", braket("qmk1.none"), "message"),
        (TASKS, {}, "messages"),
        (TASKS, bearer("none"), "messages"),
        (TASKS, {"authorization": "Basic x"}, "messages"),
        ("/pasqal/api/v1/batches", {}, "status"),
    ]
    with two.gateway() as http:
        for path, headers, form in cases:
            refused = http.request("POST" if path == "/braket/devices" else "GET", path, headers=headers)
            assert refused.status_code == 401, (path, headers)
            assert form in refused.json()
            if not headers:
                assert "-> show a QMK token" in refused.text


def test_narrower_tokens_do_less(two: Two) -> None:
    reader = attenuate(two.tokens["chem"], rights=["CAP_STATUS", "CAP_RESULT"])
    with two.gateway() as http:
        refused = http.post("/braket/quantum-task", json=bell(), headers=braket(reader))
        assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")


def test_a_token_that_is_revoked_is_good_no_longer(two: Two) -> None:
    with two.gateway() as http:
        assert http.get(TASKS, headers=bearer(two.tokens["chem"])).status_code == 200
        Operator(two.daemon.folder / "state").call("op_token_revoke", tenant="chem")
        assert http.get(TASKS, headers=bearer(two.tokens["chem"])).status_code == 401


def test_many_tokens_of_one_tenant_leave_the_other_its_place(two: Two) -> None:
    with two.gateway() as http:
        assert http.get(TASKS, headers=bearer(two.tokens["bio"])).status_code == 200
        for shots in range(1, 2 * KEPT_CLIENTS_OF_A_TENANT):
            token = attenuate(two.tokens["chem"], shots=shots)
            assert http.get(TASKS, headers=bearer(token)).status_code == 200
        callers = http.app.state.gate.callers
        kept = [caller.tenant for caller in callers._kept.values()]
        assert (kept.count("chem"), kept.count("bio")) == (KEPT_CLIENTS_OF_A_TENANT, 1)


def test_nothing_is_lost_when_gateway_and_daemon_start_anew(two: Two, until: Any) -> None:
    chem = two.tokens["chem"]
    with two.gateway() as http:
        arn = http.post("/braket/quantum-task", json=bell(), headers=braket(chem)).json()["quantumTaskArn"]
        id = http.post(TASKS, json=squin(), headers=bearer(chem)).json()["id"]
    two.daemon.kill()
    two.daemon.start()
    assert stat.S_IMODE(two.records.stat().st_mode) == 0o600
    with two.gateway() as http:
        read = lambda: http.get(f"/braket/quantum-task/{arn}", headers=braket(chem))  # noqa: E731
        task = until(read, lambda row: row["status"] == "COMPLETED")
        found = http.get(f"/s3/bkt/{task['outputS3Directory']}/results.json", headers=braket(chem)).json()
        assert found["measurements"] == [[1]] * 3
        until(lambda: http.get(f"{TASKS}/{id}", headers=bearer(chem)), lambda row: row["task_status"] == "Completed")


def test_without_a_daemon_it_says_so_and_goes_on(two: Two) -> None:
    with two.gateway() as http:
        assert http.get(TASKS, headers=bearer(two.tokens["chem"])).status_code == 200
        two.daemon.kill()
        refused = http.get("/qlam/v2/groups", headers=bearer(two.tokens["bio"]))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        two.daemon.start()
        assert http.get(TASKS, headers=bearer(two.tokens["bio"])).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:80"},
        {"origin": "http://127.0.0.1"},
        {"sec-fetch-site": "cross-site"},
        {"host": "127.0.0.1:80@evil.example"},
        {"host": "evil.example", "origin": "null"},
    ],
)
def test_without_tokens_web_pages_are_not_let_in(http: Http, headers: dict[str, str]) -> None:
    assert http.get(TASKS).status_code == 200
    assert http.get(TASKS, headers={"host": "localhost:80"}).status_code == 200
    assert http.get(TASKS, headers=headers).status_code == 401


def test_without_tokens_any_password_will_do_but_a_token_must_be_good(http: Http) -> None:
    for headers in (basic("pw"), bearer("anything"), braket("FwoGZXIvYXdz")):
        assert http.get(TASKS, headers=headers).status_code == 200
    assert http.get(TASKS, headers=bearer("qmk1.AAAA")).status_code == 401


def test_a_defect_shows_no_traceback(two: Two, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(two.daemon.socket, two.records, needs_token=True)

    @get("/qlam/defect")
    async def defect() -> None:
        raise RuntimeError("secret detail")

    app.register(defect)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as http:
        refused = http.get("/qlam/defect")
    assert refused.status_code == 500
    assert refused.json() == {"messages": ["a defect in the gateway; its log has the details"], "code": 1000}
    assert "secret detail" in caplog.text


def test_records_are_bounded_and_each_tenants_own(tmp_path: Path) -> None:
    asyncio.run(bounded(Records(tmp_path / "r.db", kept=2)))


async def bounded(records: Records) -> None:
    for number in range(4):
        await records.put("k", "a", Record(f"id{number}", 1.0, b"{}", (f"m{number}",)))
    await records.put("k", "b", Record("id0", 1.0, b"{}"))
    assert [row.id for row in (await records.page("k", "a", 10))[0]] == ["id3", "id2"]
    assert await records.get("k", "a", "id0") is None
    assert await records.get("k", "b", "id0") is not None
    assert await records.with_member("k", "a", "m1") is None
    assert (await records.with_member("k", "a", "m3")).id == "id3"  # type: ignore[union-attr]
    assert await records.with_member("k", "b", "m3") is None
    records.close()


def test_records_of_another_release_are_left_alone(tmp_path: Path) -> None:
    Records(tmp_path / "r.db").close()
    with sqlite3.connect(tmp_path / "r.db") as base:
        base.execute("PRAGMA user_version = 9")
    with pytest.raises(QmkError) as caught:
        Records(tmp_path / "r.db")
    assert caught.value.kind.name == "RESOURCE_EXHAUSTED"


OPEN = (
    "import sys; from pathlib import Path; from qmk.sql.gateway import File; sys.stdin.read(); File(Path(sys.argv[1]))"
)


def test_processes_that_make_the_records_at_the_same_moment_do_not_quarrel(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path / "r.db")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(6)]
    for process in started:
        process.stdin.close()
    assert [(process.wait(60), process.stderr.read()) for process in started] == [(0, "")] * len(started)
    Records(tmp_path / "r.db").close()


def test_tokens_that_are_no_good_leave_no_connection_behind(two: Two) -> None:
    with two.gateway() as http:
        assert http.get(TASKS, headers=bearer(two.tokens["bio"])).status_code == 200
        before = len(os.listdir("/proc/self/fd"))
        for number in range(20):
            assert http.get(TASKS, headers=bearer(f"qmk1.none{number}")).status_code == 401
        assert len(os.listdir("/proc/self/fd")) < before + 10


async def evicted(two: Two) -> None:
    callers = Callers(two.daemon.socket, needs_token=True)
    caller = await callers.with_token(two.tokens["chem"])
    for shots in range(1, KEPT_CLIENTS_OF_A_TENANT + 1):
        await callers.with_token(attenuate(two.tokens["chem"], shots=shots))
    assert caller not in callers._kept.values()
    assert await caller.telemetry() is not None
    assert not caller._link.is_open()  # its connection was kept by nobody, and for good
    await callers.close()


def test_a_caller_that_is_let_go_of_while_it_asks_is_answered_and_leaves(two: Two) -> None:
    asyncio.run(evicted(two))


@pytest.mark.parametrize("change", [{"outputS3Bucket": "other"}, {"deviceArn": SV1}, {"tags": {"a": "b"}}])
def test_a_client_token_is_good_for_one_task(http: Http, until: Any, change: dict[str, Any]) -> None:
    first = bell()
    made = http.post("/braket/quantum-task", json=first)
    again = http.post("/braket/quantum-task", json=first)
    assert again.json() == made.json()
    refused = http.post("/braket/quantum-task", json={**first, **change})
    assert (refused.status_code, "clientToken" in refused.json()["message"]) == (400, True)
    task = http.get(f"/braket/quantum-task/{made.json()['quantumTaskArn']}").json()
    assert (task["outputS3Bucket"], task["deviceArn"], task["tags"]) == ("bkt", first["deviceArn"], {})


def test_jobs_that_the_daemon_has_forgotten_are_left_out_of_lists(two: Two) -> None:
    with two.gateway() as http:
        sent = {"sequence_builder": SEQUENCE, "jobs": [{"runs": 1}]}
        gone = http.post("/pasqal/api/v1/batches", json=sent, headers=bearer(two.tokens["chem"]))
        assert gone.status_code == 201, gone.text
        records = http.app.state.gate.records
        with sqlite3.connect(two.records) as base:
            job = base.execute("SELECT member FROM members").fetchone()[0]
            base.execute("UPDATE records SET body = replace(CAST(body AS TEXT), ?, ?)", (job, "job_" + "0" * 32))
        listed = http.get("/pasqal/api/v1/batches", headers=bearer(two.tokens["chem"]))
        assert (listed.status_code, listed.json()["data"]) == (200, [])
        assert asyncio.run(records.page("pasqal", "chem", 10)) == ([], 0)


def test_lists_of_a_mode_count_what_is_in_it(two: Two) -> None:
    with two.gateway() as http:
        for mode in ("squin-1q", "squin-2q", "squin-2q"):
            made = http.post(f"/qlam/v2/{mode}/tasks", json=squin(), headers=bearer(two.tokens["chem"]))
            assert made.status_code == 201
        for mode, count in (("squin-1q", 1), ("squin-2q", 2), ("squin-3q", 0)):
            found = http.get(f"/qlam/v2/{mode}/tasks?size=10", headers=bearer(two.tokens["chem"])).json()
            assert (found["total"], len(found["elements"])) == (count, count)
        first = http.get("/qlam/v2/squin-1q/tasks?size=1", headers=bearer(two.tokens["chem"])).json()
        assert len(first["elements"]) == 1


def test_a_page_of_results_is_bounded(http: Http, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.gateway.qlam.results.VALUES", 8)
    body = {**squin(), "subtasks": [{"program_index": 0, "num_shots": 3}] * 2}
    id = http.post(TASKS, json=body).json()["id"]
    until(lambda: http.get(f"{TASKS}/{id}"), lambda row: row["task_status"] == "Completed")
    refused = http.get(f"{TASKS}/{id}/results?size=2")
    assert (refused.status_code, "shots_size" in refused.json()["messages"][0]) == (400, True)
    assert http.get(f"{TASKS}/{id}/results?size=2&shots_size=2").status_code == 200


def test_a_program_of_many_subtasks_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    looked = arguments.whole_numbers
    monkeypatch.setattr(arguments, "whole_numbers", lambda content: seen.append(content) or looked(content))
    rows = [{"program_index": 0, "num_shots": 1}] * 50
    asked = msgspec.convert({"programs": [{"content": "{}"}], "subtasks": rows}, shapes.Definition)
    assert [wish.shots for wish in arguments.wishes(asked.programs, asked.subtasks)] == [1] * 50
    assert seen == ["{}"]


@pytest.mark.parametrize("rights", [["CAP_SUBMIT"], ["CAP_RESULT"], []])
def test_a_narrower_token_forgets_nothing_of_its_tenant(two: Two, rights: list[str]) -> None:
    with two.gateway() as http:
        assert http.post(TASKS, json=squin(), headers=bearer(two.tokens["chem"])).status_code == 201
        http.get(TASKS, headers=bearer(attenuate(two.tokens["chem"], rights=rights)))
        assert http.get(TASKS, headers=bearer(two.tokens["chem"])).json()["total"] == 1
