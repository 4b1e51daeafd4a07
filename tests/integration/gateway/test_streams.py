"""Answers that come by one stream a client, and go on after a lost connection."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import http_threads
from qmk.gateway import streams
from qmk.gateway.app import make_app
from tests.serving import serving

GATES = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; h q; c = measure q;'
LONG = GATES.replace("h q;", "for int i in [0:9] { h q; }")


@pytest.fixture(scope="module")
def place(daemon: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """A gateway without tokens, and its URL."""
    app = make_app(daemon.socket, tmp_path_factory.mktemp("streams") / "gateway.db", needs_token=False)
    with serving(app) as url:
        yield app, url


def stream_of(client: qmk.AsyncClient) -> Any:
    link: Any = client._link
    return link._stream


def test_many_waits_are_one_stream(place: tuple[Any, str]) -> None:
    async def scene() -> None:
        async with qmk.AsyncClient(place[1]) as client:
            jobs = await client.submit_many([GATES] * 40, shots=3, cache=False)
            ended = [job async for job in client.as_completed(jobs)]
            assert {job.job_id for job in ended} == {job.job_id for job in jobs}
            assert len(place[0].state.streams._open) == 1
            assert client._link.longest_wait_ms == 60_000, "however many calls wait, none is asked again sooner"

    asyncio.run(scene())


@pytest.mark.parametrize("how", ["connection", "stream"])
def test_a_lost_stream_is_gone_on_with(place: tuple[Any, str], how: str) -> None:
    async def scene() -> None:
        app, url = place
        async with qmk.AsyncClient(url) as client:
            job = (await client.submit(LONG, shots=10_000_000, engine="reference")).job_id
            held = [asyncio.create_task(client.wait(job)) for _ in range(3)]
            while stream_of(client) is None or len(stream_of(client).waiting) < 3:
                await asyncio.sleep(0.01)
            before = stream_of(client)
            if how == "connection":
                await asyncio.sleep(0.05)
                before._connection.abort()
            else:
                app.state.streams.close()
            await client.cancel(job)
            assert {(await each).state for each in held} == {"CANCELLED"}
            assert (stream_of(client) is before) == (how == "connection")

    asyncio.run(scene())


def test_who_waits_by_a_stream_is_told_that_the_daemon_is_away(make_daemon: Any, tmp_path: Path) -> None:
    """The gateway, and with it the stream, outlives the daemon: nothing but the gateway can say what happened."""

    async def scene() -> None:
        daemon = make_daemon()
        app = make_app(daemon.socket, tmp_path / "gateway.db", needs_token=False)
        with serving(app) as url:
            async with qmk.AsyncClient(url, patience_s=20) as patient, qmk.AsyncClient(url) as other:
                job = (await patient.submit(LONG, shots=10_000_000, engine="reference")).job_id
                held = [asyncio.create_task(client.wait(job)) for client in (patient, other)]
                while any(stream_of(client) is None or not stream_of(client).waiting for client in (patient, other)):
                    await asyncio.sleep(0.01)
                daemon.kill()
                with pytest.raises(QmkError, match="daemon behind the gateway is away"):
                    await asyncio.wait_for(held[1], 20)
                daemon.start()
                await patient.cancel(job)
                assert (await asyncio.wait_for(held[0], 20)).state == "CANCELLED"

    asyncio.run(scene())


def test_a_stream_that_the_gateway_has_no_longer_is_lost_quietly(
    place: tuple[Any, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = QmkError("CONNECTION_LOST", "the stream of this client is not here any more")

    def find(*_: object) -> None:
        raise gone

    monkeypatch.setattr(streams.Streams, "find", find)

    async def scene() -> None:
        async with qmk.AsyncClient(place[1]) as client:
            job = (await client.submit(GATES, shots=3)).job_id
            with pytest.raises(QmkError, match="daemon behind the gateway is away"):
                await client.wait(job)

    asyncio.run(scene())
    gc.collect()
    assert [row.getMessage() for row in caplog.records if row.name == "asyncio"] == []


def test_an_answer_that_never_comes_is_not_waited_for(place: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_threads, "ANSWER_S", 0.1)
    monkeypatch.setattr(streams.Stream, "add", lambda self, answers: answers.close())

    async def scene() -> None:
        async with qmk.AsyncClient(place[1]) as client:
            job = (await client.submit(GATES, shots=3)).job_id
            with pytest.raises(QmkError) as caught:
                await client.wait(job, 50)
            assert caught.value.kind.name == "CONNECTION_LOST"

    asyncio.run(scene())


def test_a_watched_job_is_not_asked_about_while_nothing_happens(place: tuple[Any, str]) -> None:
    with qmk.Client(place[1]) as client:
        found = list(client.job(client.submit(GATES, shots=10).job_id).watch(0.01))
        assert (found[-1].partial, found[-1].shots) == (False, 10)


class Caller:
    """One who reads a stream: what was sent to it, until it goes."""

    def __init__(self) -> None:
        self.data = b""
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.data += message.get("body", b"")


async def give(line: bytes) -> bytes:
    return line


async def read(stream: streams.Stream, count: int) -> bytes:
    """What a caller is sent until there are so many events."""
    caller = Caller()
    task = asyncio.create_task(stream.serve(caller.receive, caller.send))
    while caller.data.count(b"id: ") < count:
        await asyncio.sleep(0)
    caller.gone.set()
    await task
    return caller.data


def test_what_came_after_the_last_event_is_sent_again() -> None:
    async def scene() -> None:
        stream = streams.Stream("")
        for line in (b"a", b"b", b"c"):
            stream.add(give(line))
        assert b"id: 3\ndata: c" in await read(stream, 3)
        assert stream.resume(1)
        again = await read(stream, 2)
        assert (b"data: a" in again, b"id: 2\ndata: b" in again, b"id: 3\ndata: c" in again) == (False, True, True)
        assert not stream.resume(4), "it has not been sent that many"

    asyncio.run(scene())


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEPT_EVENTS", 4)

    async def scene() -> None:
        stream = streams.Stream("")
        for number in range(20):
            stream.add(give(b"%d" % number))
        await asyncio.sleep(0.01)
        assert len(stream._kept) == 4, "the others wait until these are read"
        assert (await read(stream, 20)).endswith(b"data: 19\n\n")
        assert len(stream._kept) <= 4
        assert (stream.resume(3), stream.resume(19)) == (False, True)

    asyncio.run(scene())


def test_streams_are_bounded_and_another_tokens_is_one_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_OF_A_TOKEN", 2)
    monkeypatch.setattr(streams, "CALLS_OF_A_STREAM", 1)

    async def refused(work: Coroutine[Any, Any, Any]) -> str:
        with pytest.raises((QmkError, streams.Refusal)) as caught:
            await work
        return str(caught.value)

    async def scene() -> None:
        found, caller = streams.Streams(), Caller()
        mine = found.open("mine")
        said: set[str] = set()
        for name in (mine.name, "0" * 32):
            with pytest.raises(QmkError) as caught:
                found.find(name, "other")
            said |= {
                str(caught.value),
                await refused(found.serve("other", {"qmk-stream": name}, caller.receive, caller.send)),
            }
        assert len(said) == 2, "one answer each for a call and for a caller"
        found.open("mine")
        with pytest.raises(QmkError, match="open already"):
            found.open("mine")
        assert found.open("other") is not mine
        mine.add(asyncio.sleep(9, b""))
        with pytest.raises(QmkError, match="wait already"):
            mine.add(give(b""))
        monkeypatch.setattr(streams, "AWAY_S", -1.0)
        found.open("mine")
        assert mine.name not in found._open, "its caller was away for too long"
        found.close()

    asyncio.run(scene())
