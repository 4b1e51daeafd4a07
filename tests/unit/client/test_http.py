"""Clients over HTTP against a scripted server: each way to fail is told apart, and calls survive lost connections."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import AsyncClient, Client
from qmk.client.core import RENEWALS
from tests.exchanges import EXAMPLES
from tests.serving import certificate

NEGOTIATED = EXAMPLES["q_negotiate_caps"][1]
STATUS = EXAMPLES["q_status"][1]
Answer = Callable[[Any], Any]


class Script:
    """A server that answers each call by ``answer(call)``: a reply object, (status, headers, body), or None to close
    the connection."""

    def __init__(self, folder: Path | None = None) -> None:
        self.calls: list[str] = []
        self.connections = 0
        self.heads: list[Any] = []
        self.answer: Answer = lambda call: {"result": STATUS}
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                script.connections += 1
                super().setup()

            def do_POST(self) -> None:
                script.heads.append((self.path, self.headers))
                call = json.loads(self.rfile.read(int(self.headers["content-length"])))
                script.calls.append(call["method"])
                said = {"result": NEGOTIATED} if call["method"] == "q_negotiate_caps" else script.answer(call)
                if said is None:
                    self.close_connection = True
                    return
                if isinstance(said, dict):
                    body = json.dumps({"jsonrpc": "2.0", "id": call["id"], **said}).encode()
                    said = (200, {"Content-Type": "application/json"}, body)
                status, headers, body = said
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = headers.get("Connection") == "close"

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate(folder))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"http{'' if folder is None else 's'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("QMK_TOKEN", "QMK_TOKEN_FILE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.close()


def refused(client: Client) -> QmkError:
    with pytest.raises(QmkError) as caught:
        client.status("job_a")
    assert caught.value.fields.get("help") or caught.value.fields.get("hint")
    return caught.value


def test_calls_share_a_connection_and_show_the_token(script: Script) -> None:
    with Client(f"{script.url}/lab", token="qmk1.a") as client:
        assert [client.status("job_a").job_id for _ in range(3)] == [STATUS["job_id"]] * 3
    assert (script.connections, script.calls) == (1, ["q_negotiate_caps", *["q_status"] * 3])
    assert {path for path, _ in script.heads} == {"/lab/rpc"}
    assert {head["authorization"] for _, head in script.heads} == {"Bearer qmk1.a"}
    assert {head["host"] for _, head in script.heads} == {f"127.0.0.1:{script.port}"}


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a b", "ä"])
def test_a_token_cannot_write_headers(script: Script, token: str) -> None:
    with pytest.raises(QmkError, match="token is not valid"):
        Client(script.url, token=token)


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        ((404, {"Content-Type": "text/html"}, b"<html>"), "UNSUPPORTED", "is not a gateway of QMK"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "UNSUPPORTED", "is not a gateway of QMK"),
        ((200, {"Content-Type": "application/json"}, b'{"status": "up"}'), "UNSUPPORTED", "is not a gateway"),
        ((200, {"Content-Type": "application/json"}, b"{"), "UNSUPPORTED", "is not a gateway"),
        ((302, {"Location": "https://evil.example/\x1b[2J"}, b""), "UNSUPPORTED", "is not a gateway"),
        ((401, {"Content-Type": "text/html"}, b""), "AUTH_FAILED", "other credentials"),
        ((413, {}, b""), "QUOTA_EXCEEDED", "a proxy"),
        ((502, {"Content-Type": "text/html"}, b""), "CONNECTION_LOST", "is away"),
        (None, "CONNECTION_LOST", "closed the connection"),
    ],
)
def test_what_is_not_an_answer_is_told_apart(script: Script, answer: Any, kind: str, text: str) -> None:
    script.answer = lambda call: answer
    error = refused(Client(script.url))
    assert error.kind.name == kind
    assert text in error.message
    assert "\x1b" not in str(error.to_dict())


def test_a_refusal_of_the_gateway_is_raised_as_it_is(script: Script) -> None:
    wire = {"jsonrpc": "2.0", "id": None, "error": QmkError("AUTH_FAILED", "the token has expired", help="x").to_dict()}
    script.answer = lambda call: (401, {"Content-Type": "application/json"}, json.dumps(wire).encode())
    assert refused(Client(script.url)).message == "the token has expired"


def test_no_server_no_host_and_the_wrong_protocol(script: Script) -> None:
    script.close()
    error = refused(Client(script.url))
    assert (error.kind.name, error.fields["connected"]) == ("CONNECTION_LOST", False)
    assert "nothing listens at 127.0.0.1" in error.message
    assert "no host 'qmk.invalid'" in refused(Client("https://qmk.invalid")).message


def test_https_needs_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    secure = Script(tmp_path)
    error = refused(Client(secure.url))
    assert (error.kind.name, "is not trusted" in error.message) == ("AUTH_FAILED", True)
    cafile = str(tmp_path / "127.0.0.1.cert.pem")
    with Client(secure.url, cafile=cafile) as client:
        assert client.status("job_a").job_id == STATUS["job_id"]
        assert client.status("job_a").job_id == STATUS["job_id"]
    other = certificate(tmp_path, "127.0.0.2")[0]
    assert "not trusted" in refused(Client(secure.url, cafile=str(other))).message
    assert "not valid for 'localhost'" in refused(Client(f"https://localhost:{secure.port}", cafile=cafile)).message
    assert "TLS with" in refused(Client(script.url.replace("http:", "https:"))).message
    for broken in (__file__, str(tmp_path / "none")):
        assert refused(Client(secure.url, cafile=broken)).fields["field"] == "cafile"
    secure.close()


def test_a_connection_that_the_server_has_closed_is_renewed_before_a_call(script: Script) -> None:
    client = Client(script.url)
    body = json.dumps({"jsonrpc": "2.0", "id": 2, "result": STATUS}).encode()
    script.answer = lambda call: (200, {"Content-Type": "application/json", "Connection": "close"}, body)
    client.status("job_a")
    script.answer = lambda call: {"result": STATUS}
    client.status("job_a")
    assert script.calls == ["q_negotiate_caps", "q_status", "q_status"], "the session goes on"
    assert script.connections == 2


def test_what_reads_is_repeated_and_what_writes_is_not(script: Script) -> None:
    client = Client(script.url)
    client.status("job_a")
    outcomes = iter([None, {"result": STATUS}, None])
    script.answer = lambda call: next(outcomes)
    assert client.status("job_a").job_id == STATUS["job_id"]
    assert script.calls == ["q_negotiate_caps", "q_status", "q_status", "q_status"]
    with pytest.raises(QmkError, match="closed the connection"):
        client.cancel("job_a")
    assert script.calls[4:] == ["q_cancel"]


def test_a_session_that_the_gateway_has_no_longer_is_renewed(script: Script) -> None:
    wire = QmkError("SESSION_NOT_FOUND", "no session").to_dict()
    outcomes = iter([{"result": STATUS}, {"error": wire}, {"result": STATUS}, *[{"error": wire}] * (RENEWALS + 1)])
    script.answer = lambda call: next(outcomes)
    client = Client(script.url)
    client.status("job_a")
    assert client.status("job_a").job_id == STATUS["job_id"]
    assert script.calls == ["q_negotiate_caps", "q_status", "q_status", "q_negotiate_caps", "q_status"]
    with pytest.raises(QmkError, match="no session"):
        client.cancel("job_a")


def test_a_long_wait_is_several_calls(script: Script) -> None:
    waits: list[int] = []
    running, done = {**STATUS, "state": "RUNNING"}, {**STATUS, "state": "COMPLETED"}

    def answer(call: Any) -> Any:
        waits.append(call["params"]["timeout_ms"])
        return {"result": done if len(waits) % 3 == 0 else running}

    script.answer = answer
    client = Client(script.url)
    assert client.wait("job_a").state == "COMPLETED"
    assert client.wait("job_a", 45_000).state == "COMPLETED"
    assert client.wait("job_a", 30_000).state == "RUNNING"
    assert waits == [20_000] * 3 + [20_000, 20_000, 5_000] + [20_000, 10_000]


async def at_once(script: Script) -> None:
    async with AsyncClient(script.url) as client:
        found = await asyncio.gather(*(client.status("job_a") for _ in range(40)))
        assert len(found) == 40
        task = asyncio.create_task(client.wait("job_b"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert script.connections <= 16
    script.close()
    with pytest.raises(QmkError, match="nothing listens"):
        await client.status("job_a")


def test_many_calls_of_asyncio_take_few_connections(script: Script) -> None:
    asyncio.run(at_once(script))
