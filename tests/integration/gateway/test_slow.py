"""Callers that are slow to say what they want, or never do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import uvicorn
from litestar import Request

from qmk.gateway import http as gateway_http
from qmk.gateway import slow, whole
from qmk.gateway.http import Refusal, body_of

PATIENCE_S = 30.0
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers once it has the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(most: int | None = None, app: Any = app) -> AsyncIterator[Any]:
    """The address of ``app`` behind the protocol, for at most so many connections."""
    config = uvicorn.Config(
        app, http=slow.TimelyProtocol, port=0, lifespan="off", log_config=None, limit_concurrency=most
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    await serving


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to ``app``."""
    async with served() as address:
        reader, writer = await asyncio.open_connection(*address)
        yield reader, writer
        writer.close()


async def talked(*said: bytes) -> bytes:
    """What comes back until the connection is closed; an answer is awaited after each thing said but the last."""
    async with connected() as (reader, writer):
        heard = b""
        for text in said[:-1]:
            writer.write(text)
            heard += await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_S)
        writer.write(said[-1])
        return heard + await asyncio.wait_for(reader.read(), PATIENCE_S)


@pytest.mark.parametrize("said", [(b"",), (b"GET",), (HEAD,), (HEAD + b"\r\n", HEAD)])
def test_a_connection_without_a_request_is_closed(monkeypatch: pytest.MonkeyPatch, said: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(slow, "HEAD_S", 0.2)
    assert asyncio.run(talked(*said)).count(b"ok") == len(said) - 1


async def slowly() -> bytes:
    """A request whose body takes longer than a head may."""
    async with connected() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            await asyncio.sleep(0.1)
            writer.write(b"x")
        return await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_S)


def test_a_request_under_way_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "HEAD_S", 0.2)
    assert asyncio.run(slowly()).startswith(b"HTTP/1.1 200")


class Sender:
    """A request whose body never comes, or whose caller goes."""

    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def body(self) -> bytes:
        if self.error is not None:
            raise self.error
        return await asyncio.get_running_loop().create_future()


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_http, "BODY_S", 0.01)
    request: Any = Sender()
    with pytest.raises(Refusal) as caught:
        asyncio.run(body_of(request, dict))
    assert caught.value.status == 408


def test_a_caller_that_goes_is_no_defect() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    route = SimpleNamespace(resolve_request_max_body_size=lambda: 99)
    scope: Any = {"type": "http", "headers": [(b"content-length", b"9")], "route_handler": route, "litestar_app": None}
    with pytest.raises(Refusal) as caught:
        asyncio.run(body_of(Request(scope, receive=receive), dict))
    assert caught.value.status == 400


def test_where_all_places_are_taken_the_one_that_waited_longest_makes_room() -> None:
    async def scene() -> tuple[bytes, int]:
        async with served(most=8) as address:
            held = [await asyncio.open_connection(*address) for _ in range(20)]
            for _, writer in held:
                writer.write(b"GET / HTTP/1.1\r\nX: ")  # half a head
            reader, writer = await asyncio.open_connection(*address)
            writer.write(HEAD + b"\r\n")
            heard = await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_S)
            ended = 0
            for half, _ in held[:12]:
                ended += await asyncio.wait_for(half.read(1), PATIENCE_S) == b""
            for _, each in [*held, (reader, writer)]:
                each.close()
            return heard, ended

    heard, ended = asyncio.run(scene())
    assert heard.startswith(b"HTTP/1.1 200")
    assert ended == 12, "the others waited longer for a place than they were let wait"


async def answer_whole(scope: Any, receive: Any, send: Any) -> None:
    """Answers in one message; the address says how."""
    assert whole.ANSWER in scope["extensions"]
    value = "a\r\nset-cookie: b" if scope["path"] == "/split" else "a"
    status = 404 if scope["path"] == "/none" else 200
    await whole.send_answer(scope, send, status, b"ok", {"X-Name": value})


async def talk_whole(*asked: str) -> bytes:
    """What comes back for requests that are sent at once, each a method and an address; the last closes."""
    lines = [f"{each} HTTP/1.1\r\nHost: a\r\n\r\n" for each in asked]
    lines[-1] = lines[-1].replace("Host: a\r\n", "Host: a\r\nConnection: close\r\n")
    async with served(app=answer_whole) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write("".join(lines).encode())
        heard = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        return heard


def test_an_answer_that_is_there_as_a_whole_is_one_message() -> None:
    head = b"HTTP/1.1 %b\r\nx-name: a\r\ncontent-length: 2\r\n%b\r\n"
    close = b"connection: close\r\n"
    assert asyncio.run(talk_whole("HEAD /")) == head % (b"200 OK", close)
    found = asyncio.run(talk_whole("GET /", "GET /none", "POST /"))
    answers = [head % each + b"ok" for each in ((b"200 OK", b""), (b"404 Not Found", b""), (b"200 OK", close))]
    assert found == b"".join(answers)


def test_no_header_of_an_answer_makes_another() -> None:
    heard = asyncio.run(talk_whole("GET /split"))
    assert heard.startswith(b"HTTP/1.1 500")
    assert b"set-cookie" not in heard
