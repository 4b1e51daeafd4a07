"""Connections: answers reach whoever asked, in batches where they were asked so, and no peer can make us hold on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host import transport
from qmk.host.transport import Batch, Connection
from qmk.host.turns import Turns
from qmk.rpc import frame

LATER = b'"later"'


class Desk:
    """An office that answers every call with its id at once, or, when the id is ``"later"``, when told to."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.closed_count = 0
        self.later: list[Callable[[], None]] = []
        self.answer_bytes = 0
        self.refusal: QmkError | None = None

    def on_opened(self, connection: Connection) -> QmkError | None:
        self.connections.append(connection)
        return self.refusal

    def on_closed(self, connection: Connection) -> None:
        self.closed_count += 1

    def on_drained(self, connection: Connection) -> None: ...

    def read(self, connection: Connection, data: bytes) -> None:
        self.later.append(lambda: connection.take_frame(frame.decode(data)))

    def take(self, connection: Connection, decoded: frame.Decoded, batch: Batch | None) -> None:
        def answer() -> None:
            if decoded.id is None:
                connection.reply(b"", batch)
            elif decoded.error is not None:
                connection.reply(frame.error(decoded.id, decoded.error), batch)
            else:
                connection.reply(frame.result(decoded.id, "x" * self.answer_bytes), batch)

        if decoded.id == LATER:
            self.later.append(answer)
        else:
            answer()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Desk], Awaitable[Any]]


@pytest.fixture
def converse(tmp_path: Path) -> Callable[..., Any]:
    """Runs a conversation with one connection of a desk."""

    def run(talk: Talk, **changes: Any) -> Any:
        async def main() -> Any:
            desk = Desk()
            for name, value in changes.items():
                setattr(desk, name, value)
            loop = asyncio.get_running_loop()
            path = str(tmp_path / "s")
            server = await loop.create_unix_server(lambda: Connection(desk, Turns(), 1), path)
            async with server:
                reader, writer = await asyncio.open_unix_connection(path, limit=1 << 28)
                try:
                    return await asyncio.wait_for(talk(reader, writer, desk), 60)
                finally:
                    writer.close()

        return asyncio.run(main())

    return run


def call(number: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "q_query_resources", "params": {}}).encode()


async def read(reader: asyncio.StreamReader) -> Any:
    return json.loads(await reader.readline())


def test_calls_are_answered_whatever_the_chunks(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> list[int]:
        data = b"".join(call(number) + b"\r\n" for number in range(40))
        for start in range(0, len(data), 7):
            writer.write(data[start : start + 7])
            await writer.drain()
            if start % 70 == 0:
                await asyncio.sleep(0)
        return [(await read(reader))["id"] for _ in range(40)]

    assert converse(talk) == list(range(40))


def test_a_batch_is_answered_as_one_when_all_its_answers_are_there(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> tuple[Any, Any]:
        writer.write(b"[" + b",".join([call(1), call("later"), call(3)]) + b"]\n" + call(4) + b"\n")
        first = await read(reader)
        desk.later[0]()
        return first, await read(reader)

    first, second = converse(talk)
    assert first["id"] == 4
    assert sorted(str(answer["id"]) for answer in second) == ["1", "3", "later"]


def test_a_defect_ends_the_connection_and_says_so(converse: Callable[..., Any], caplog: pytest.LogCaptureFixture):
    def fail(*call: Any) -> None:
        raise ValueError("a defect")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> tuple[Any, bytes]:
        writer.write(call(1) + b"\n" + call(2) + b"\n")
        return await read(reader), await reader.read()

    answer, rest = converse(talk, take=fail)
    assert (answer["id"], answer["error"]["data"]["name"], rest) == (None, "INTERNAL_ERROR", b"")
    assert "a defect" in caplog.text


def test_notifications_are_never_answered(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> Any:
        notification = b'{"jsonrpc":"2.0","method":"q_query_resources"}'
        writer.write(notification + b"\n[" + notification + b"," + notification + b"]\n" + call(9) + b"\n")
        return await read(reader)

    assert converse(talk)["id"] == 9


def test_a_peer_that_sends_no_more_still_gets_its_answers_then_the_end(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> tuple[Any, bytes]:
        writer.write(call("later") + b"\n")
        writer.write_eof()
        while not desk.later:
            await asyncio.sleep(0)
        desk.later[0]()
        return await read(reader), await reader.read()

    answer, rest = converse(talk)
    assert answer["id"] == "later"
    assert rest == b""


def test_a_refused_connection_is_told_why_and_closed(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> tuple[Any, bytes]:
        return await read(reader), await reader.read()

    answer, rest = converse(talk, refusal=QmkError("RESOURCE_EXHAUSTED", "full"))
    assert (answer["id"], answer["error"]["data"]["name"], rest) == (None, "RESOURCE_EXHAUSTED", b"")


def test_a_frame_over_the_limit_is_refused_and_the_connection_closed(
    converse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(transport, "FrameSplitter", lambda: frame_splitter(10_000))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> list[Any]:
        writer.write(call(1) + b"\n" + b"x" * 20_000)
        return [await read(reader), await read(reader), await reader.read()]

    first, second, rest = converse(talk)
    assert first["id"] == 1
    assert second["error"]["data"]["quota"] == "frame_bytes"
    assert rest == b""


def frame_splitter(limit: int) -> Any:
    from qmk.rpc.splitter import FrameSplitter

    return FrameSplitter(limit)


def test_reading_stops_while_the_peer_does_not_read(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> tuple[int, int]:
        count = 400
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"".join(call(number) + b"\n" for number in range(count)))
        while not desk.connections:
            await asyncio.sleep(0)
        connection = desk.connections[0]
        while not connection._peer_slow:
            await asyncio.sleep(0)
        held = connection._transport.get_write_buffer_size()  # type: ignore[union-attr]
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        answers = [(await read(reader))["id"] for _ in range(count)]
        assert answers == list(range(count))
        return held, count

    held, count = converse(talk, answer_bytes=100_000)
    assert held < 2 * transport.WRITE_HIGH_BYTES < count * 100_000


def test_a_peer_that_never_reads_what_it_waited_for_is_cut(
    converse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(transport, "UNREAD_BYTES", 4 << 20)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> int:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"".join(call("later") + b"\n" for _ in range(100)))
        while len(desk.later) < 100:
            await asyncio.sleep(0)
        for answer in desk.later:
            answer()
        while not desk.closed_count:
            await asyncio.sleep(0)
        return desk.closed_count

    assert converse(talk, answer_bytes=1 << 20) == 1


def test_one_connections_flood_leaves_room_for_another(tmp_path: Path):
    async def main() -> int:
        desk = Desk()
        path = str(tmp_path / "s")
        server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(desk, Turns(), 1), path)
        async with server:
            _, flood = await asyncio.open_unix_connection(path)
            reader, writer = await asyncio.open_unix_connection(path)
            taken = 0
            take = desk.take

            def counting(connection: Connection, decoded: frame.Decoded, batch: Batch | None) -> None:
                nonlocal taken
                taken += 1
                take(connection, decoded, batch)

            desk.take = counting  # type: ignore[method-assign]
            flood.write(b"".join(call(number) + b"\n" for number in range(2000)))
            writer.write(call("mine") + b"\n")
            answer = await read(reader)
            assert answer["id"] == "mine"
            flood.close()
            writer.close()
            return taken

    assert asyncio.run(main()) < 2000


def test_the_peers_user_is_known(converse: Callable[..., Any]):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> int:
        writer.write(call(1) + b"\n")
        await read(reader)
        return desk.connections[0].peer_uid

    assert converse(talk) == os.getuid()
