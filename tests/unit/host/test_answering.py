"""Answers go out in turns, and no more of them than their peers take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.host import call_server, turns
from qmk.host.call_server import CallServer
from qmk.host.connections import ConnectionBounds
from qmk.host.host import Host
from qmk.host.translation import Translation
from qmk.host.translation_tasks import TextBounds
from qmk.host.transport import LARGE_WAITING, WRITE_HIGH_BYTES, Connection

Work = tuple[Callable[[], None], Callable[[BaseException | None], None]]


class Transport:
    """The way to a peer that reads when the test says so. ``frames`` are what was written."""

    def __init__(self, connection: Connection) -> None:
        self.frames: list[Any] = []
        self.unread = 0
        self.reading = True
        self.aborted = False
        self._connection = connection
        self._high = 0

    def set_write_buffer_limits(self, high: int) -> None:
        self._high = high

    def get_extra_info(self, name: str) -> None: ...

    def get_write_buffer_size(self) -> int:
        return self.unread

    def write(self, data: bytes) -> None:
        self.frames.append(msgspec.json.decode(data))
        if self.unread <= self._high < self.unread + len(data):
            self._connection.pause_writing()
        self.unread += len(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.write(b"".join(parts))

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None: ...

    def abort(self) -> None:
        self.aborted = True

    def drain(self) -> None:
        """The peer reads all."""
        self.unread = 0
        self._connection.resume_writing()


class Kernel:
    """A host that answers nothing by itself: ``calls`` are those that it was given."""

    tenants = 1

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def tenant_of(self, session_id: str) -> str:
        return session_id

    def call(self, conn: int, ref: int, *more: object, **others: object) -> None:
        self.calls.append((conn, ref))

    def connection_closed(self, conn: int) -> None: ...


class World:
    def __init__(self) -> None:
        self.threads: list[Work] = []
        self.host = Kernel()
        self.server = CallServer(
            Translation(TextBounds()), ConnectionBounds(), lambda do, then: self.threads.append((do, then))
        )
        self.server.open_for(cast("Host", self.host))

    def connect(self) -> tuple[Connection, Transport]:
        connection = self.server.new_connection()
        transport = Transport(connection)
        connection.connection_made(cast("asyncio.Transport", transport))
        return connection, transport

    async def ask(self, connection: Connection, tenant: str, count: int, batch: bool = False) -> list[tuple[int, int]]:
        """Makes calls, and gives those that the host got of them."""
        before = len(self.host.calls)
        call = b'{"jsonrpc":"2.0","id":%d,"method":"q_status","params":{"session_id":"%b","job_id":"j"}}'
        calls = [call % (number, tenant.encode()) for number in range(count)]
        connection.data_received(b"[%b]\n" % b",".join(calls) if batch else b"\n".join((*calls, b"")))
        await self.rest()
        return self.host.calls[before:]

    async def rest(self) -> None:
        """Lets the loop do what there is to do."""
        for _ in range(2 * call_server.LIMITS.batch_calls + 50):
            await asyncio.sleep(0)

    def work(self) -> int:
        begun, self.threads = self.threads, []
        for do, then in begun:
            do()
            then(None)
        return len(begun)


@pytest.fixture
def one_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns so short that each takes one call or answer."""
    monkeypatch.setattr(turns, "TURN_S", 1e-12)
    monkeypatch.setattr(turns, "MEMORY_S", 1e9)


@pytest.mark.usefixtures("one_a_turn")
def test_what_one_commit_releases_goes_out_in_turns_of_the_owners() -> None:
    async def scene() -> None:
        world = World()
        (many, to_many), (lab, to_lab) = world.connect(), world.connect()
        released = [*await world.ask(many, "many", 100), *await world.ask(lab, "lab", 1)]
        for conn, ref in released:
            world.server.answer(conn, ref, "x" * 1000)
        assert len(to_many.frames) <= 1, "before the loop goes on"
        rounds = 0
        while len(to_many.frames) < 100:
            written = len(to_many.frames) + len(to_lab.frames)
            await asyncio.sleep(0)
            rounds += 1
            assert len(to_many.frames) + len(to_lab.frames) <= written + 1
            if rounds == 4:
                assert len(to_lab.frames) == 1, "it does not wait for the hundred"
        assert [frame["id"] for frame in to_many.frames] == list(range(100))
        world.server.close()

    asyncio.run(scene())


@pytest.mark.usefixtures("one_a_turn")
def test_answers_that_wait_for_their_turn_are_not_lost_when_the_daemon_closes() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        for conn, ref in await world.ask(connection, "lab", 20):
            world.server.answer(conn, ref, "here")
        world.server.close()
        assert [frame["result"] for frame in transport.frames] == ["here"] * 20

    asyncio.run(scene())


def test_answers_wait_while_their_peer_does_not_read() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        for conn, ref in await world.ask(connection, "lab", 10):
            world.server.answer(conn, ref, "x" * WRITE_HIGH_BYTES)
        await world.rest()
        assert len(transport.frames) == 1
        transport.drain()
        await world.rest()
        assert len(transport.frames) == 2
        world.server.close()

    asyncio.run(scene())


def test_large_answers_are_made_beside_the_loop_one_for_each_that_is_read() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        made: list[int] = []
        ends: list[int] = []

        def make(ref: int) -> str:
            made.append(ref)
            return "x" * WRITE_HIGH_BYTES

        for conn, ref in await world.ask(connection, "lab", 3):
            world.server.in_thread(conn, ref, lambda ref=ref: make(ref), lambda ref=ref: ends.append(ref))
        assert made == [], "not on the loop"
        while world.work():
            pass
        assert len(made) == len(transport.frames) == 1
        transport.drain()
        while world.work():
            pass
        assert made == ends == [1, 2]
        connection.connection_lost(None)
        assert ends == [1, 2, 3], "the last is not made, and nothing waits for it"
        world.server.close()

    asyncio.run(scene())


def test_a_batch_counts_as_unread_before_it_is_whole() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        calls = await world.ask(connection, "lab", 3, batch=True)
        for conn, ref in calls[:2]:
            world.server.answer(conn, ref, "x" * 1000)
        assert connection.unread_bytes > 2000
        assert transport.frames == []
        world.server.refuse(*calls[2], QmkError("JOB_NOT_FOUND", "no"))
        assert [len(frame) for frame in transport.frames] == [3]
        assert connection.unread_bytes == transport.unread
        world.server.close()

    asyncio.run(scene())


def test_a_connection_with_many_large_answers_to_come_has_no_more_calls_taken() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        make: Callable[[], Any] = lambda: "x" * WRITE_HIGH_BYTES  # noqa: E731
        for conn, ref in await world.ask(connection, "lab", LARGE_WAITING):
            world.server.in_thread(conn, ref, make, lambda: None)
        assert await world.ask(connection, "lab", 1) == []
        world.work()
        transport.drain()
        await world.rest()
        assert len(world.host.calls) == LARGE_WAITING + 1
        world.server.close()

    asyncio.run(scene())


def test_a_peer_that_takes_nothing_is_noticed_and_one_that_takes_a_little_is_not() -> None:
    async def scene() -> None:
        world = World()
        connection, transport = world.connect()
        assert [connection.untaken_s(now_s) for now_s in (0.0, 70.0)] == [0.0, 0.0], "nothing waits"
        ((conn, ref),) = await world.ask(connection, "lab", 1)
        world.server.answer(conn, ref, "x" * WRITE_HIGH_BYTES)
        assert [connection.untaken_s(now_s) for now_s in (100.0, 130.0)] == [0.0, 30.0]
        transport.unread -= 1
        assert [connection.untaken_s(now_s) for now_s in (140.0, 150.0)] == [0.0, 10.0]
        world.server.close()

    asyncio.run(scene())
