"""One stream a client: calls that wait are answered as server-sent events of one response that stays open, instead of
by a request each.

``GET /rpc/stream`` opens it, and its first event has its name. A frame that is sent to ``/rpc`` with this name in the
header ``QMK-Stream`` is answered with 202, and its answers are events, each with the next number. Whoever comes back
with the name and ``Last-Event-ID`` after a lost connection gets what came after that event; one that stays away, or for
whom more would have to be kept than is, is answered with 410 and asks again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Coroutine
from contextlib import suppress
from itertools import islice
from typing import Any

from qmk.base.errors import QmkError
from qmk.gateway.edge import Receive, Send
from qmk.gateway.http import Refusal

PATH = "/stream"
NAME_HEADER = "qmk-stream"
STREAMS_OF_A_TOKEN = 64
CALLS_OF_A_STREAM = 1024
"""Frames under way on one stream."""
KEPT_BYTES, KEPT_EVENTS = 4 << 20, 1024
"""Answers that are kept for a caller who comes back, and that wait for one who reads slowly."""
AWAY_S = 60.0
"""Seconds for which a stream without a caller is kept."""
HEARTBEAT_S = 15.0
IDLE_BEATS = 4
"""After so many heartbeats without a call under way a stream ends."""
STALL_S = 60.0


class Stream:
    """The answers to the calls of one client. ``shown``: the token that it was opened with."""

    def __init__(self, shown: str) -> None:
        self.name = secrets.token_hex(16)
        self.shown = shown
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept: deque[bytes] = deque()
        self._last = 0
        """Number of the last event that is kept."""
        self._read = 0
        """Number of the last event that was written to the caller."""
        self._size = 0
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._reader: object = None
        self.away_s: float | None = asyncio.get_running_loop().time()
        """When the last caller left; None while there is one."""

    @property
    def is_idle(self) -> bool:
        return not self._tasks and self._read == self._last

    def add(self, answers: Coroutine[Any, Any, bytes]) -> None:
        """Answers a frame as events. Raises QUOTA_EXCEEDED."""
        if len(self._tasks) >= CALLS_OF_A_STREAM:
            answers.close()
            text = f"{CALLS_OF_A_STREAM} calls of this client wait already"
            raise QmkError("QUOTA_EXCEEDED", text, limit=CALLS_OF_A_STREAM, help="let some of them end first")
        task = asyncio.get_running_loop().create_task(self._put(answers))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _put(self, answers: Coroutine[Any, Any, bytes]) -> None:
        line = await answers
        while self._read < self._last and self._is_full(len(line)):
            self._room.clear()
            await self._room.wait()
        self._last += 1
        self._kept.append(line)
        self._size += len(line)
        self._trim()
        self._news.set()

    def _is_full(self, size: int) -> bool:
        return self._size + size > KEPT_BYTES or len(self._kept) >= KEPT_EVENTS

    def _trim(self) -> None:
        """Lets go of the oldest answers that were written, where more are kept than may be."""
        while self._is_full(0) and self._last - len(self._kept) < self._read:
            self._size -= len(self._kept.popleft())

    def resume(self, after: int) -> bool:
        """Whether what came after event ``after`` is kept; it is then given to the next caller."""
        if not self._last - len(self._kept) <= after <= self._last:
            return False
        self._read = after
        return True

    async def serve(self, receive: Receive, send: Send) -> None:
        """Writes the events until the caller goes, another comes for them, or there is nothing more to wait for."""
        me = self._reader = object()
        self.away_s = None
        self._news.set()
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        gone = asyncio.ensure_future(_until_gone(receive))
        gone.add_done_callback(lambda _: self._news.set())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _write(send, b"event: stream\ndata: " + self.name.encode() + b"\n\n")
            beats = 0
            while not gone.done() and self._reader is me and beats < IDLE_BEATS:
                self._news.clear()
                if self._read < self._last:
                    await self._write_next(send)
                    continue
                try:
                    await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    beats = beats + 1 if self.is_idle else 0
                    await _write(send, b": nothing new\n\n")
            with suppress(TimeoutError):
                await _write(send, b"", more=False)
        except TimeoutError:
            pass  # it does not read
        finally:
            gone.cancel()
            if self._reader is me:
                self._reader, self.away_s = None, asyncio.get_running_loop().time()

    async def _write_next(self, send: Send) -> None:
        first = self._last - len(self._kept)
        lines = list(islice(self._kept, self._read - first, None))
        numbered = enumerate(lines, self._read + 1)
        self._read = self._last
        await _write(send, b"".join(b"id: %d\ndata: %b\n\n" % (number, line) for number, line in numbered))
        self._trim()
        self._room.set()

    def close(self) -> None:
        self._reader = None
        self._news.set()
        for task in self._tasks:
            task.cancel()


class Streams:
    """The streams of all clients by name."""

    def __init__(self) -> None:
        self._open: dict[str, Stream] = {}

    def find(self, name: str, shown: str) -> Stream:
        """Raises CONNECTION_LOST for a stream that is not there, or is another token's."""
        stream = self._open.get(name)
        if stream is None or stream.shown != shown:
            raise QmkError("CONNECTION_LOST", "the stream of this client is not here any more", hint="open another")
        return stream

    def open(self, shown: str) -> Stream:
        """A new stream. Raises QUOTA_EXCEEDED where a token has too many."""
        self._forget()
        if Counter(each.shown for each in self._open.values())[shown] >= STREAMS_OF_A_TOKEN:
            text = f"{STREAMS_OF_A_TOKEN} streams of this token are open already"
            raise QmkError("QUOTA_EXCEEDED", text, limit=STREAMS_OF_A_TOKEN, help="close some clients first")
        stream = Stream(shown)
        self._open[stream.name] = stream
        return stream

    async def serve(self, shown: str, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """Opens a stream, or goes on with one. Raises ``Refusal`` 410 for one that cannot be gone on with."""
        name, after = headers.get(NAME_HEADER, ""), headers.get("last-event-id", "0")
        stream = self._open.get(name)
        if name and (stream is None or stream.shown != shown or not after.isdecimal() or not stream.resume(int(after))):
            raise Refusal(410, "this stream cannot be gone on with; open another")
        stream = stream or self.open(shown)
        await stream.serve(receive, send)
        if stream.is_idle:
            self._drop(stream)
        else:
            asyncio.get_running_loop().call_later(AWAY_S + 1, self._forget)

    def _forget(self) -> None:
        """Ends the streams whose callers have been away for too long."""
        now_s = asyncio.get_running_loop().time()
        for stream in list(self._open.values()):
            if stream.away_s is not None and now_s - stream.away_s > AWAY_S:
                self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        stream.close()
        self._open.pop(stream.name, None)

    def close(self) -> None:
        for stream in list(self._open.values()):
            self._drop(stream)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, data: bytes, more: bool = True) -> None:
    """Raises TimeoutError where the caller does not read."""
    async with asyncio.timeout(STALL_S):
        await send({"type": "http.response.body", "body": data, "more_body": more})
