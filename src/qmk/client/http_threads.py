"""Calls over HTTP for asyncio: ``HttpConnection`` in a bounded number of threads. Calls that wait for jobs are answered
by one stream, however many they are, which another thread reads.

Threads end by themselves once they had nothing to do for a while, and never keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.address import Server
from qmk.client.aio import SharedLink
from qmk.client.http import ANSWER_S, HttpConnection, Response, pick
from qmk.rpc import frame

CONNECTIONS = 4
LONGEST_WAIT_MS = 60_000
IDLE_S = 30.0
RESUME_S = 10.0
"""Seconds for which a lost stream is gone on with, from the first attempt on."""
RESUME_EVERY_S = 0.2

Work = tuple[bytes, str, "Future[list[frame.Answer]]"]


class Connections:
    """At most ``size`` connections, each with its thread; calls beyond that wait for one."""

    def __init__(self, server: Server, token: str, size: int) -> None:
        self._server, self._token, self._size = server, token, size
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[HttpConnection] = set()
        self.under_way = 0

    def ask(self, line: bytes, stream: str = "") -> Future[list[frame.Answer]]:
        """The answers to a frame, once they are there; those that come by a stream are not."""
        made: Future[list[frame.Answer]] = Future()
        with self._lock:
            self.under_way += 1
            self._work.put((line, stream, made))
            if self.under_way > len(self._open) and len(self._open) < self._size:
                connection = HttpConnection(self._server, self._token)
                self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), name="qmk-http", daemon=True).start()
        return made

    def _serve(self, connection: HttpConnection) -> None:
        while (work := self._next(connection)) is not None:
            line, stream, made = work
            try:
                if made.set_running_or_notify_cancel():
                    made.set_result(connection.ask(line, 0, stream))
            except BaseException as error:
                made.set_exception(error)
            finally:
                with self._lock:
                    self.under_way -= 1
        connection.close()

    def _next(self, connection: HttpConnection) -> Work | None:
        """What is to be asked next; None when the thread is to end."""
        try:
            work = self._work.get(timeout=IDLE_S)
        except queue.Empty:
            work = None
        with self._lock:
            if work is None and not self._work.empty():
                work = self._work.get()
            if work is None:
                self._open.discard(connection)
        return work

    def close(self) -> None:
        """Ends the threads, and what they ask."""
        with self._lock:
            for connection in self._open:
                connection.abort()
                self._work.put(None)


class AnswerStream:
    """The answers that come by a stream, each for the future that waits for its number. The stream is opened for the
    first of them, and gone on with after a lost connection; where it cannot be, all futures fail."""

    def __init__(self, server: Server, token: str) -> None:
        self._connection = HttpConnection(server, token)
        self._loop = asyncio.get_running_loop()
        self._name: asyncio.Future[str] = self._loop.create_future()
        self.waiting: dict[int, asyncio.Future[frame.Answer]] = {}
        self._closed = False
        threading.Thread(target=self._serve, name="qmk-stream", daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._closed

    async def name(self) -> str:
        """Of the stream, once it is open. Raises QmkError and ConnectionError."""
        return await asyncio.shield(self._name)

    def close(self) -> None:
        self._closed = True
        self._connection.abort()
        self._fail(ConnectionResetError("the stream was closed"))

    def _serve(self) -> None:
        name, last, deadline_s = "", 0, 0.0
        error: Exception = EOFError()
        while not self._closed:
            try:
                for event in _events(self._connection.follow(name, last)):
                    deadline_s = 0.0
                    if event.number is not None:
                        last = event.number
                        self._call(self._give, event.data)
                    elif event.data:
                        name = event.data.decode("ascii", "replace")
                        self._call(self._open, name)
                if not self.waiting:
                    break  # the server has ended it, because nothing was asked for a while
                error, lost = ConnectionResetError("the stream ended"), True
            except (OSError, QmkError, http.client.HTTPException) as found:
                error, lost = found, not isinstance(found, QmkError) or found.kind.name == "CONNECTION_LOST"
            now_s = time.monotonic()
            deadline_s = deadline_s or now_s + RESUME_S
            if not name or not lost or now_s > deadline_s:
                break
            time.sleep(RESUME_EVERY_S)
        self._closed = True
        self._connection.close()
        self._call(self._fail, ConnectionResetError("the stream ended") if name else error)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function, *arguments)

    def _open(self, name: str) -> None:
        if not self._name.done():
            self._name.set_result(name)

    def _give(self, data: bytes) -> None:
        try:
            for answer in frame.answers(data):
                if isinstance(answer.id, int) and (future := self.waiting.pop(answer.id, None)) and not future.done():
                    future.set_result(answer)
        except QmkError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Tells everybody who waits; whoever asks again does so over another stream."""
        self._closed = True
        waiting, self.waiting = self.waiting, {}
        for future in (self._name, *waiting.values()):
            if not future.done():
                future.set_exception(error)
        self._name.exception()  # it may be that nobody waits for the name


class ThreadedHttpLink(SharedLink):
    """Calls over HTTP in threads."""

    longest_wait_ms: int | None = LONGEST_WAIT_MS

    def __init__(self, server: Server, token: str) -> None:
        self._server, self._token = server, token
        self._connections = Connections(server, token, CONNECTIONS)
        self._stream: AnswerStream | None = None
        self._pid = 0

    def is_open(self) -> bool:
        return self._pid == os.getpid()

    def close(self) -> None:
        if self._pid == os.getpid():
            self._connections.close()
            if self._stream is not None:
                self._stream.close()
        self._stream, self._pid = None, 0

    async def open(self, path: str) -> None:
        self._connections = Connections(self._server, self._token, CONNECTIONS)
        self._stream, self._pid = None, os.getpid()

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        if not held_ms:
            return pick(numbers, await asyncio.wrap_future(self._connections.ask(line)))
        if self._stream is None or self._stream.is_over:
            self._stream = AnswerStream(self._server, self._token)
        stream = self._stream
        try:
            name = await stream.name()
        except http.client.HTTPException as error:
            raise ConnectionResetError(str(error)) from error
        if stream.is_over:
            raise ConnectionResetError("the stream ended as soon as it was open")  # nobody reads it
        futures = [asyncio.get_running_loop().create_future() for _ in numbers]
        stream.waiting.update(zip(numbers, futures, strict=True))
        try:
            if found := await asyncio.wrap_future(self._connections.ask(line, name)):
                return pick(numbers, found)
            async with asyncio.timeout(ANSWER_S + held_ms / 1e3):
                return await asyncio.gather(*futures)
        except TimeoutError as error:
            raise ConnectionResetError("the stream goes on without the answer") from error
        except QmkError as error:
            if error.kind.name == "CONNECTION_LOST":
                stream.close()  # the server has it no longer
            raise
        finally:
            for number, future in zip(numbers, futures, strict=True):
                stream.waiting.pop(number, None)
                if future.done() and not future.cancelled():
                    future.exception()  # it may be that it was not waited for


class _Event(NamedTuple):
    """One event of a stream; ``number`` is None for that which names it."""

    number: int | None
    data: bytes


def _events(response: Response) -> Iterator[_Event]:
    number, data = None, b""
    while line := response.readline(LIMITS.frame_bytes + 8):
        field, _, value = line.rstrip(b"\r\n").partition(b": ")
        if field == b"id" and value.isdigit():
            number = int(value)
        elif field == b"data":
            data = value
        elif not line.strip():
            yield _Event(number, data)
            number, data = None, b""
