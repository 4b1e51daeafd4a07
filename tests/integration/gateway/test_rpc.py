"""QMK's own clients through a gateway: all calls of a socket, and no tenant reaches what is another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

import qmk
from qmk.abi.operator import OPERATOR_CALLS
from qmk.base.errors import QmkError
from qmk.client import Operator, attenuate
from qmk.gateway.app import make_app
from qmk.gateway.callers import Callers
from qmk.gateway.rpc import Room
from tests.serving import serving

Make = Callable[..., Any]


@dataclass
class Lab:
    """A daemon that asks for tokens, a gateway on it, and the tokens of two tenants."""

    daemon: Any
    app: Any
    url: str
    tokens: dict[str, str]

    def client(self, tenant: str = "chem", **options: Any) -> qmk.Client:
        return qmk.Client(self.url, token=self.tokens[tenant], **options)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from tests.conftest import RunningDaemon

    folder = tmp_path_factory.mktemp("lab")
    daemon = RunningDaemon(folder, require_token=True).start()
    operator = Operator(folder / "state")
    tokens: dict[str, str] = {}
    for name in ("chem", "bio"):
        operator.call("op_tenant_add", tenant=name)
        tokens[name] = operator.call("op_token_issue", tenant=name).token
    app = make_app(daemon.socket, folder / "gateway.db", needs_token=True)
    with serving(app) as url:
        yield Lab(daemon, app, url, tokens)
    daemon.kill()


@pytest.fixture
def http(lab: Lab) -> Iterator[TestClient[Any]]:
    """A client that sends what it is given, to another gateway."""
    app = make_app(lab.daemon.socket, lab.daemon.folder / "raw.db", needs_token=True)
    with TestClient(app, "http://127.0.0.1") as client:
        yield client


def bell() -> qmk.Circuit:
    return qmk.Circuit(2).h(0).cx(0, 1).measure_all()


def send(http: TestClient[Any], token: str, body: Any, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    shown = {"authorization": f"Bearer {token}", "content-type": "application/json", **headers}
    return http.post("/rpc", content=data, headers={name.replace("_", "-"): value for name, value in shown.items()})


def call(method: str, id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def session(http: TestClient[Any], token: str) -> str:
    return send(http, token, call("q_negotiate_caps")).json()["result"]["session_id"]


def test_every_call_of_a_client_goes_over_http(lab: Lab) -> None:
    with lab.client() as client, qmk.Client(lab.daemon.socket, token=lab.tokens["chem"]) as near:
        assert client.negotiate().tenant == "chem"
        found = client.run(bell(), shots=100, seed=1)
        assert found.counts == near.run(bell(), shots=100, seed=1).counts
        seen: list[int] = []
        client.run(bell(), shots=50, progress=lambda done, *rest: seen.append(done))
        assert seen[-1] == 50
        handle = client.submit_many([bell()] * 3, shots=10, tags=["many"], keep_events=True)
        assert [each.result().shots for each in handle] == [10] * 3
        assert len(list(client.as_completed(handle))) == 3
        job = handle[0].job_id
        assert client.status(job) == near.status(job)
        assert client.result(job).counts == near.result(job).counts
        assert len(list(client.result(job).rows())) == 10
        assert client.partial(job).shots == 10
        assert client.events(job).ended
        assert client.jobs(tags=["many"]).jobs == near.jobs(tags=["many"]).jobs
        assert client.estimate(bell(), shots=10).engines
        assert client.query_resources().devices == near.query_resources().devices
        assert client.telemetry(job)
        handles = client.alloc(2).handles
        assert client.release(handles).released == handles
        again = [client.submit(bell(), shots=10, idempotency_key="k").job_id for _ in range(2)]
        assert again[0] == again[1]
        with pytest.raises(QmkError) as caught:
            client.cancel(job)
        assert caught.value.kind.name == "ALREADY_COMPLETED"
        assert client.run(bell(), shots=2000, keep_events=True).shots == 2000
        client.leave()


def test_asyncio_goes_over_http(lab: Lab) -> None:
    async def run() -> None:
        async with qmk.AsyncClient(lab.url, token=lab.tokens["chem"]) as client:
            jobs = await client.submit_many([bell()] * 20, shots=10)
            assert len([job async for job in client.as_completed(jobs)]) == 20
            assert [found.shots for found in await client.run_many([bell()] * 2, shots=5)] == [5, 5]

    asyncio.run(run())


def test_a_large_program_goes_once_and_a_large_result_comes_back(lab: Lab) -> None:
    wide = qmk.Circuit(60)
    for turn in range(200):
        for qubit in range(60):
            wide.h(qubit) if turn % 2 else wide.cx(qubit, (qubit + 1) % 60)
    wide.measure_all()
    with lab.client() as client:
        first = client.run(wide, shots=5000, seed=3, keep_events=True)
        assert client.run(wide, shots=5000, seed=3, keep_events=True).counts == first.counts
        assert len(list(first.rows())) == 5000


def test_another_tenants_job_is_one_that_does_not_exist(lab: Lab) -> None:
    with lab.client("chem") as chem, lab.client("bio") as bio:
        job = chem.submit(bell(), shots=10).job_id
        for ask in ("status", "wait", "result", "partial", "cancel", "events", "checkpoint", "telemetry"):
            texts: list[str] = []
            for name in (job, "job_" + "0" * 32):
                with pytest.raises(QmkError) as caught:
                    getattr(bio, ask)(name)
                texts.append(json.dumps(caught.value.to_dict()).replace(name, "JOB"))
            assert "JOB_NOT_FOUND" in texts[0]
            assert texts[0] == texts[1], ask


def test_another_tokens_session_is_one_that_does_not_exist(lab: Lab, http: TestClient[Any]) -> None:
    mine, others = session(http, lab.tokens["chem"]), session(http, lab.tokens["bio"])
    narrow = attenuate(lab.tokens["chem"], rights=["CAP_STATUS"])
    job = {"job_id": "job_" + "0" * 32}
    for method, params in (("q_status", job), ("q_jobs", {}), ("q_close_session", {}), ("q_alloc", {"n": 1})):
        for token, foreign in ((lab.tokens["chem"], others), (narrow, mine), (lab.tokens["bio"], mine)):
            absent = "ses_" + "0" * 32
            said = [
                send(http, token, call(method, session_id=name, **params)).text.replace(name, "SESSION")
                for name in (foreign, absent)
            ]
            assert "SESSION_NOT_FOUND" in said[0]
            assert said[0] == said[1]
    assert "result" in send(http, lab.tokens["chem"], call("q_jobs", session_id=mine)).json()


def test_a_second_frame_cannot_stand_inside_the_first(lab: Lab, http: TestClient[Any]) -> None:
    mine, others = session(http, lab.tokens["chem"]), session(http, lab.tokens["bio"])
    inner = json.dumps(call("q_close_session", 7, session_id=others))
    smuggled = [
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":{{"session_id":"{mine}","name":\n{inner}\n}}}}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":{{"session_id":"{mine}"}}}}\n{inner}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":{{"session_id":"{others}","session_id":"{mine}"}}}}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":{{"session_id":"{others}","session\\u005fid":"{mine}"}}}}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":{{"session_id":"{mine}"}},'
        f'"params":{{"session_id":"{others}"}}}}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs\\nq_close_session","params":{{"session_id":"{mine}"}}}}',
        f'{{"jsonrpc":"2.0","id":1,"method":"q_jobs","params":["{mine}"]}}',
    ]
    for body in smuggled:
        said = send(http, lab.tokens["chem"], body.encode()).json()
        assert "error" in said, body
        assert "result" not in said
    long = smuggled[2].replace('","session_id"', '",' + " " * 40_000 + '"session_id"')
    assert "more than once" in send(http, lab.tokens["chem"], long.encode()).text
    assert "result" in send(http, lab.tokens["bio"], call("q_jobs", session_id=others)).json(), "nothing reached it"


def test_no_call_acts_for_the_gateways_own_user(lab: Lab, http: TestClient[Any]) -> None:
    for each in OPERATOR_CALLS:
        assert send(http, lab.tokens["chem"], call(each.name, tenant="bio")).json()["error"]["data"]["name"] == (
            "METHOD_NOT_FOUND"
        )
    refused = send(http, lab.tokens["chem"], call("q_negotiate_caps", token=lab.tokens["bio"])).json()
    assert refused["error"]["data"]["name"] == "AUTH_FAILED"
    opened = send(http, lab.tokens["chem"], call("q_negotiate_caps", token=lab.tokens["chem"])).json()
    assert opened["result"]["tenant"] == "chem"
    without = json.dumps(call("q_negotiate_caps")).encode()
    assert http.post("/rpc", content=without, headers={"content-type": "application/json"}).status_code == 401
    absent = send(http, lab.tokens["chem"], call("q_jobs")).json()
    assert absent["error"]["data"]["name"] == "SESSION_NOT_FOUND"


def test_a_batch_is_answered_call_by_call(lab: Lab, http: TestClient[Any]) -> None:
    token = lab.tokens["chem"]
    mine, others = session(http, token), session(http, lab.tokens["bio"])
    calls = [
        call("q_jobs", "a", session_id=mine),
        call("q_jobs", "b", session_id=others),
        call("op_gc", "c"),
        {"jsonrpc": "2.0", "method": "q_jobs", "params": {"session_id": mine}},
        call("q_query_resources", 2.5),
    ]
    said = send(http, token, calls).json()
    assert [(each["id"], "result" in each) for each in said] == [("a", True), ("b", False), ("c", False), (2.5, True)]
    assert send(http, token, calls[3]).text == ""
    assert "PARSE_ERROR" in send(http, token, b"{").text
    assert "INVALID_REQUEST" in send(http, token, b"[]").text


def test_what_a_request_may_be_is_bounded(lab: Lab, http: TestClient[Any]) -> None:
    token, mine = lab.tokens["chem"], session(http, lab.tokens["chem"])
    job = {"session_id": mine, "job_id": "job_" + "0" * 32}
    assert "at most 60000 ms" in send(http, token, call("q_wait", **job)).text
    assert "at most 60000 ms" in send(http, token, call("q_events", timeout_ms=60_001, **job)).text
    assert "JOB_NOT_FOUND" in send(http, token, call("q_wait", timeout_ms=60_000, **job)).text
    assert send(http, token, call("q_jobs"), content_type="text/plain").status_code == 415
    assert send(http, token, b"{}", content_length=str(1 << 40)).status_code == 413
    chunked = http.post(
        "/rpc",
        content=iter([b"{}"]),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    assert (chunked.status_code, "Content-Length" in chunked.text) == (400, True)
    assert http.get("/rpc", headers={"authorization": f"Bearer {token}"}).status_code == 405
    http.app.state.room = Room(1)
    full = send(http, token, call("q_jobs", session_id=mine))
    assert (full.status_code, full.headers["Retry-After"]) == (503, "1")
    assert full.json()["error"]["data"]["name"] == "RESOURCE_EXHAUSTED"


def test_tokens_that_are_wrong_expired_or_revoked(lab: Lab) -> None:
    operator = Operator(lab.daemon.folder / "state")
    operator.call("op_tenant_add", tenant="gone")
    token = operator.call("op_token_issue", tenant="gone").token
    for shown, text in (
        ("qmk1.none", "the token is not valid"),
        ("", "asks for a token"),
        (attenuate(token, expires=1), "the token has expired"),
    ):
        with pytest.raises(QmkError, match=text) as caught:
            qmk.Client(lab.url, token=shown).query_resources()
        assert caught.value.kind.name == "AUTH_FAILED"
        assert caught.value.fields["help"]
    client = qmk.Client(lab.url, token=token)
    job = client.submit(bell(), shots=10).job_id
    operator.call("op_token_revoke", tenant="gone")
    for ask in (lambda: client.status(job), client.query_resources):
        with pytest.raises(QmkError) as caught:
            ask()
        assert caught.value.kind.name == "AUTH_FAILED"


def test_sessions_of_one_token_are_bounded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.gateway.callers.SESSIONS_OF_A_TOKEN", 3)
    clients = [lab.client("bio") for _ in range(6)]
    job = clients[0].submit(bell(), shots=10).job_id
    for client in clients:
        client.status(job)
    assert clients[0].status(job).job_id == job, "another session is opened for it"
    callers: Callers = lab.app.state.gate.callers
    assert len(callers._kept[lab.tokens["bio"]].sessions) == 3
    for client in clients:
        client.leave()


def test_calls_survive_a_new_gateway_and_a_new_daemon(make_daemon: Make, tmp_path: Path) -> None:
    daemon = make_daemon()
    with serving(make_app(daemon.socket, tmp_path / "a.db", needs_token=False)) as url:
        client = qmk.Client(url, patience_s=30)
        job = client.submit(bell(), shots=10).job_id
        port = int(url.rpartition(":")[2])
        daemon.kill()
        with pytest.raises(QmkError, match="daemon behind the gateway is away") as caught:
            qmk.Client(url).status(job)
        assert str(tmp_path) not in str(caught.value.to_dict())
        daemon.start()
        assert client.wait(job).state == "COMPLETED"
        assert client.submit(bell(), shots=10).job_id != job
    with serving(make_app(daemon.socket, tmp_path / "a.db", needs_token=False), port):
        assert client.status(job).state == "COMPLETED"
        client.leave()


def test_without_a_token_web_pages_are_not_let_in(daemon: Any, tmp_path: Path) -> None:
    app = make_app(daemon.socket, tmp_path / "a.db", needs_token=False)
    body = json.dumps(call("q_negotiate_caps")).encode()
    with TestClient(app, "http://127.0.0.1") as http:
        kind = {"content-type": "application/json"}
        assert http.post("/rpc", content=body, headers=kind).json()["result"]["tenant"] == "local"
        hosts = ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "[::2]", "10.0.0.1:8451")
        for more in (
            {"origin": "http://127.0.0.1"},
            {"sec-fetch-site": "cross-site"},
            *({"host": name} for name in hosts),
        ):
            refused = http.post("/rpc", content=body, headers={**kind, **more})
            assert (refused.status_code, refused.json()["error"]["data"]["name"]) == (401, "AUTH_FAILED"), more
        for host in ("LOCALHOST:1", "[::1]:8451", "127.0.0.2"):
            assert http.post("/rpc", content=body, headers={**kind, "host": host}).status_code == 200
