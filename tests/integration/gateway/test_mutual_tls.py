"""TLS with certificates on both sides: who is let in, what is revoked, and that rotation loses no request."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest
import uvicorn

from qmk.base.errors import QmkError
from qmk.client.address import read_server
from qmk.client.http import HttpConnection
from qmk.gateway import server as gateway
from qmk.gateway.accounts import outgoing
from qmk.gateway.authority import end_of, renew_server
from qmk.gateway.grpc.server import Place, serving_at
from qmk.gateway.issued import issue, revoke
from qmk.gateway.observe.export import Export
from qmk.gateway.observe.spans import Span
from qmk.gateway.slow import TimelyProtocol
from qmk.gateway.streams import Streams
from qmk.rpc.metrics import Counters
from qmk.secrets import certificates
from qmk.secrets.store import Store

Eventually = Callable[[Callable[[], bool], str], None]


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class Gateway:
    """The server of the gateway before an application of two lines, whose callers must show a certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counters = folder, Counters()
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        place = gateway.Listening(listening, folder, frozenset(("127.0.0.1",)), makes_cert=True, asks_own=True)
        assert place.tls is not None
        self.tls = place.tls
        config = uvicorn.Config(
            answer, http=TimelyProtocol, log_config=None, ssl_context_factory=lambda *_: self.tls.context()
        )
        state = SimpleNamespace(streams=Streams(), observer=SimpleNamespace(counters=self.counters))
        self.server = gateway.Server(config, place, cast("Any", state))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.ca = str(folder / "tls" / "ca.pem")

    def ask(self, cert: str = "") -> tuple[int, str]:
        """Status of an answer over a connection of its own, and the serial number of the gateway's certificate."""
        context = certificates.context(self.ca, cert)
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as made,
        ):
            made.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            found = made.getpeercert()
            assert found is not None
            head = made.recv(1000)
            if not head:
                raise ConnectionResetError("there is no answer")
            return int(head.split()[1]), str(found["serialNumber"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    made = Gateway(tmp_path_factory.mktemp("tls"))
    issue(made.folder, "lab", made.folder / "lab.pem")
    made.thread.start()
    deadline = time.monotonic() + 30
    while not made.server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    yield made
    made.server.should_exit = True
    made.thread.join(30)


def test_callers_need_a_certificate_of_the_authority(site: Gateway, tmp_path: Path) -> None:
    assert site.ask(f"file:{site.folder}/lab.pem")[0] == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.ask()
    issue(tmp_path, "lab", tmp_path / "strange.pem")  # of another authority, with the same name
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.ask(f"file:{tmp_path}/strange.pem")
    issue(site.folder, "other", tmp_path / "server.pem", ["127.0.0.1"])
    with pytest.raises((ssl.SSLError, ConnectionError)):  # a server's is not a client's
        site.ask(f"file:{tmp_path}/server.pem")


def test_the_client_says_what_is_missing(site: Gateway) -> None:
    connection = HttpConnection(read_server(f"https://127.0.0.1:{site.port}", site.ca), "")
    with pytest.raises((QmkError, ConnectionError)) as told:
        connection.ask(b"{}\n", 0)
    if isinstance(told.value, QmkError):
        assert "--cert REFERENCE" in told.value.fields["hint"]


def test_a_certificate_may_be_in_the_store(site: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_STATE_DIR", str(tmp_path))
    Store().write("lab", (site.folder / "lab.pem").read_text().strip())
    assert site.ask("store:lab")[0] == 200
    Store().write("lab", "a password")
    with pytest.raises(QmkError, match="does not lead to a certificate with its key"):
        site.ask("store:lab")


def test_what_the_gateway_sends_shows_a_certificate_by_reference(
    site: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://127.0.0.1:{site.port}/v1/traces"
    monkeypatch.setenv(outgoing.CA, site.ca)
    with pytest.raises(QmkError, match="does not answer"):
        outgoing.send("POST", url, b"{}", private=True)
    monkeypatch.setenv(outgoing.CERT, f"file:{site.folder}/lab.pem")
    assert outgoing.send("POST", url, b"{}", private=True) == (200, b"ok")
    counters, span = Counters(), Span(trace="0" * 31 + "1", id="0" * 15 + "1", name="x", begin_ns=0, end_ns=1)
    export = Export(url, counters)
    export.put([span])
    asyncio.run(export.send())
    export.close()
    assert [(row.labels, row.value) for row in counters.samples()] == [(("sent",), 1)]


def test_rotation_under_load_loses_no_request(site: Gateway, eventually: Eventually) -> None:
    done, seen, failed = threading.Event(), set[str](), list[BaseException]()
    reference = f"file:{site.folder}/lab.pem"

    def load() -> None:
        while not done.is_set():
            try:
                status, serial = site.ask(reference)
                assert status == 200
                seen.add(serial)
            except BaseException as error:
                failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(2):
            issue(site.folder, "lab", site.folder / "lab.pem")  # the callers', while they use it
            renew_server(site.folder)
            eventually(lambda turn=turn: len(seen) >= turn + 2, "the gateway's new certificate")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failed == []
    ends = {row.labels[0]: row.value for row in site.counters.samples()}
    assert ends == {"gateway": end_of(site.tls.cert), "client-authority": end_of(Path(site.ca))}


def test_a_revoked_certificate_is_refused_and_a_newer_one_of_the_name_is_not(
    site: Gateway, tmp_path: Path, eventually: Eventually
) -> None:
    for name in ("old", "new"):
        issue(site.folder, "worker", tmp_path / f"{name}.pem")
    assert site.ask(f"file:{tmp_path}/old.pem")[0] == 200
    assert len(revoke(site.folder, "worker", older=True)) == 1
    assert revoke(site.folder, "worker", older=True) == []

    def is_refused() -> bool:
        try:
            site.ask(f"file:{tmp_path}/old.pem")
        except (ssl.SSLError, ConnectionError):
            return True
        return False

    eventually(is_refused, "the refusal of a revoked certificate")
    assert site.ask(f"file:{tmp_path}/new.pem")[0] == 200


def test_files_that_do_not_fit_leave_what_was_there(site: Gateway, tmp_path: Path) -> None:
    pair = gateway.Tls(tmp_path / "cert.pem", tmp_path / "key.pem")
    for path in (pair.cert, pair.key):
        path.write_bytes(site.tls.cert.read_bytes())
    pair.context()
    issue(tmp_path, "x", pair.cert, ["127.0.0.1"])  # its key is not written yet
    assert not pair.follow()
    pair.key.write_bytes(pair.cert.read_bytes())
    assert pair.follow()
    assert not pair.follow()


def test_grpc_asks_for_a_certificate_too_and_knows_the_revoked(site: Gateway, tmp_path: Path) -> None:
    issue(site.folder, "caller", tmp_path / "caller.pem")
    gate: Any = SimpleNamespace(rates=SimpleNamespace(count=lambda *_: None), callers=None)
    root, pem = Path(site.ca).read_bytes(), (tmp_path / "caller.pem").read_bytes()

    async def call(port: int, *pair: bytes) -> tuple[grpc.StatusCode, str]:
        shown = grpc.ssl_channel_credentials(root, *pair)
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", shown) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await channel.unary_unary("/qmk.v1.EnginesService/List")(b"", timeout=10)
        return told.value.code(), str(told.value.details())

    async def main() -> None:
        async with serving_at(gate, Place("127.0.0.1", 0, site.tls)) as port:
            assert (await call(port))[0] is grpc.StatusCode.UNAVAILABLE
            assert (await call(port, pem, pem))[0] is grpc.StatusCode.INTERNAL, (
                "it got as far as the gate, which is none"
            )
            revoke(site.folder, "caller")
            code, why = await call(port, pem, pem)
            assert (code, why) == (grpc.StatusCode.UNAUTHENTICATED, "the certificate of the caller is revoked")

    asyncio.run(main())


def test_a_revoked_certificate_cannot_go_on_with_an_earlier_session(
    site: Gateway, tmp_path: Path, eventually: Eventually
) -> None:
    issue(site.folder, "resumes", tmp_path / "own.pem")
    context = certificates.context(site.ca, f"file:{tmp_path}/own.pem")
    old = certificates.context(site.ca, f"file:{tmp_path}/own.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2  # of which a server keeps the sessions
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", site.port), 10) as plain,
        old.wrap_socket(plain, server_hostname="127.0.0.1"),
    ):
        pass

    def ask(session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool]:
        with (
            socket.create_connection(("127.0.0.1", site.port), 10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as made,
        ):
            made.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if not made.recv(1000):
                raise ConnectionResetError("there is no answer")
            return made.session, bool(made.session_reused)

    session, _ = ask(None)
    revoke(site.folder, "resumes")

    def is_refused(session: ssl.SSLSession | None) -> bool:
        try:
            ask(session)
        except (ssl.SSLError, ConnectionError):
            return True
        return False

    eventually(lambda: is_refused(None), "the refusal of a revoked certificate")
    assert is_refused(session)
