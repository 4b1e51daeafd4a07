"""What every request passes: hosts, origins, headers of answers, and raw bytes that two readers could read as two."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from litestar.testing import TestClient

from qmk.gateway import authority, slow
from qmk.gateway.app import make_app
from qmk.gateway.edge import Edge, is_own, serves
from tests.integration.gateway.test_slow import PATIENCE_S, served

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
"""What must not be served as a request of its own behind one that two readers could take for different ones."""
SMUGGLED = {
    "both lengths": HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + NEXT,
    "both lengths, the other way round": HEAD + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + NEXT,
    "a length twice": HEAD + b"Content-Length: 0\r\nContent-Length: 34\r\n\r\n" + NEXT,
    "the same length twice": HEAD + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + NEXT,
    "a list of lengths": HEAD + b"Content-Length: 0, 0\r\n\r\n" + NEXT,
    "a length with a sign": HEAD + b"Content-Length: +0\r\n\r\n" + NEXT,
    "a length in hexadecimal": HEAD + b"Content-Length: 0x0\r\n\r\n" + NEXT,
    "a folded header": HEAD + b"X: a\r\n Content-Length: 34\r\n\r\n" + NEXT,
    "a blank before the colon": HEAD + b"Content-Length : 34\r\n\r\n" + NEXT,
    "a line feed alone": HEAD + b"X: a\nContent-Length: 34\r\n\r\n" + NEXT,
    "a carriage return alone": HEAD + b"X: a\rContent-Length: 34\r\n\r\n" + NEXT,
    "a null": HEAD + b"X: a\0b\r\n\r\n" + NEXT,
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + NEXT,
    "chunked, and then another": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + NEXT,
    "another, and then chunked": HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + NEXT,
    "chunked twice": HEAD + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + NEXT,
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n"
    + CHUNKED
    + b"\r\n0\r\n\r\n"
    + NEXT,
    "a chunk that goes on": HEAD + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n" + NEXT,
    "a chunk with line feeds alone": HEAD + CHUNKED + b"\r\n1\na\n0\n\n" + NEXT,
    "two hosts": b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + NEXT,
    "no host": b"POST / HTTP/1.1\r\n\r\n" + NEXT,
    "two tokens": HEAD + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n" + NEXT,
    "a tunnel": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT,
    "another version": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NEXT,
}


async def talk(address: Any, data: bytes, end: bytes = b"") -> bytes:
    """What is answered until the connection is closed, or until it ends so."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    heard = b""
    with contextlib.suppress(ConnectionResetError):  # what came after the refusal was not read
        while not (end and heard.endswith(end)) and (more := await asyncio.wait_for(reader.read(65_536), PATIENCE_S)):
            heard += more
    writer.close()
    return heard


async def ask_each(asked: list[bytes]) -> list[bytes]:
    async with served() as address:
        return [await talk(address, data) for data in asked]


def test_nothing_is_smuggled() -> None:
    for name, heard in zip(SMUGGLED, asyncio.run(ask_each(list(SMUGGLED.values()))), strict=True):
        assert heard.count(b"HTTP/1.1 ") <= 1, name
        assert not heard.endswith(b"ok"), (name, heard)


def test_what_is_too_long_is_refused() -> None:
    long = b"a" * slow.HEAD_BYTES
    said = asyncio.run(
        ask_each(
            [
                b"GET /" + long + b" HTTP/1.1\r\nHost: a\r\n\r\n",
                HEAD + b"X: " + long + b"\r\n\r\n",
                HEAD + b"X: a\r\n" * (slow.HEADERS + 1) + b"\r\n",
                HEAD + b"X: " + 12 * long,  # without an end
                HEAD + CHUNKED + b"\r\n0\r\nX: " + 12 * long,
                HEAD + CHUNKED + b"\r\n1;" + 12 * long,
                HEAD + b"\r\n" + NEXT * (slow.PIPELINED + 1),
            ]
        )
    )
    status = [heard[9:12] for heard in said]
    assert status[:3] == [b"414", b"431", b"431"]
    assert all(not heard.endswith(b"ok") for heard in said)


async def in_pieces(data: bytes) -> bytes:
    async with served() as address:
        reader, writer = await asyncio.open_connection(*address)
        for at in range(0, len(data), 1000):
            writer.write(data[at : at + 1000])
            await asyncio.sleep(0)
        return await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_S)


def test_what_is_long_and_allowed_is_served() -> None:
    chunk = b"%x\r\n" % 9000 + b"x" * 9000 + b"\r\n"
    body = HEAD + b"X: " + b"a" * 20_000 + b"\r\n" + CHUNKED + b"\r\n" + chunk * 100 + b"0\r\nAuthorization: b\r\n\r\n"
    assert asyncio.run(in_pieces(body)).startswith(b"HTTP/1.1 200")


def test_an_answer_before_the_whole_request_is_the_last() -> None:
    async def early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def scene() -> bytes:
        async with served(app=early) as address:
            return await talk(address, HEAD + b"Content-Length: 99\r\n\r\n")

    assert asyncio.run(scene()).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_ends_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "BODY_S", 0.1)
    assert asyncio.run(ask_each([HEAD + b"Content-Length: 9\r\n\r\nx"])) == [b""]


def test_an_address_has_a_bounded_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "_HERE", frozenset[str]())
    monkeypatch.setattr(slow.TimelyProtocol, "address_connections", 3)

    async def scene() -> list[bytes]:
        async with served() as address:
            held = [await asyncio.open_connection(*address) for _ in range(4)]
            over = await asyncio.wait_for(held[3][0].read(), PATIENCE_S)
            held[0][1].close()
            await held[0][1].wait_closed()
            while not (heard := await talk(address, NEXT, b"ok")):
                await asyncio.sleep(0.01)
            for _, writer in held:
                writer.close()
            return [over, heard[-2:]]

    assert asyncio.run(scene()) == [b"", b"ok"]


def test_hosts() -> None:
    hosts = frozenset(("lab.example", ".qmk.example"))
    good = ["lab.example", "LAB.example:99", "a.qmk.example", "localhost:1", "s3.localhost", "10.0.0.1", "[::1]:80"]
    bad = ["", "example", "qmk.example", "lab.example.evil", "evil@lab.example.evil", "[::1", "localhost.evil"]
    assert [serves(host, hosts) for host in [*good, *bad]] == [True] * len(good) + [False] * len(bad)
    assert is_own("https://lab.example:1", "lab.example:1")
    assert not any(map(is_own, ("null", "https://lab.example", ""), ("lab.example:1", "lab.example:1", "")))


def test_pages_of_other_sites_change_nothing_and_every_answer_says_what_browsers_must_not_do(tmp_path: Path) -> None:
    edge = Edge(hosts=frozenset(("lab.example",)), tls=True)
    app = make_app(tmp_path / "s", tmp_path / "gateway.db", needs_token=True, edge=edge)
    with TestClient(app, "https://lab.example") as http:
        assert http.get("/health", headers={"host": "evil.example"}).status_code == 421
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ):
            refused = http.post("/v1/jobs", json={}, headers=headers)
            assert (refused.status_code, "another site" in refused.text) == (401, True), headers
        assert "show a QMK token" in http.post("/v1/jobs", json={}, headers={"origin": "https://lab.example"}).text
        embedded = {"cookie": "a=b", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
        assert http.get("/health", headers=embedded).status_code == 401
        assert http.get("/health", headers={**embedded, "sec-fetch-mode": "navigate"}).status_code == 200
        for path in ("/health", "/v1", "/rpc", "/nowhere"):
            answered = http.get(path).headers
            assert answered["x-content-type-options"] == "nosniff"
            assert answered["referrer-policy"] == ("same-origin" if path == "/nowhere" else "no-referrer")
            assert "max-age" in answered["strict-transport-security"]
            assert answered.get_list("content-security-policy") == [answered["content-security-policy"]]
        assert "frame-ancestors 'none'" in http.get("/health").headers["content-security-policy"]
        assert "strict-transport-security" not in http.get("/health", headers={"host": "localhost"}).headers


def test_an_authority_of_its_own_signs_for_the_gateway_and_renews(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ca, server = authority.make_server(tmp_path, ["lab.example", "0.0.0.0"], now)
    first = server.read_bytes()
    signer, leaf = map(x509.load_pem_x509_certificate, (ca.read_bytes(), first))
    leaf.verify_directly_issued_by(signer)
    assert {"lab.example", "localhost"} <= authority.names_of(server)
    assert (server.stat().st_mode & 0o777, b"PRIVATE" in ca.read_bytes()) == (0o600, False)
    authority.make_server(tmp_path, ["lab.example"], now)
    assert server.read_bytes() == first, "what is good is kept"
    authority.make_server(tmp_path, ["other.example"], now)
    assert "other.example" in authority.names_of(server)
    second = server.read_bytes()
    authority.make_server(tmp_path, ["other.example"], now + datetime.timedelta(days=61))
    assert server.read_bytes() != second
    assert ca.read_bytes() == signer.public_bytes(authority.serialization.Encoding.PEM), "clients go on trusting it"
    server.write_bytes(b"nonsense")
    authority.make_server(tmp_path, ["other.example"], now)
    assert "other.example" in authority.names_of(server)
