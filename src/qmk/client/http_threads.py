"""Calls over HTTP for asyncio: ``HttpConnection`` in threads, a bounded number for calls that are answered at once, and
another for those that wait for jobs.

Threads end by themselves once they had nothing to do for a while, and never keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from qmk.client.address import Server
from qmk.client.aio import SharedLink
from qmk.client.http import HttpConnection, pick
from qmk.rpc import frame

QUICK, WAITING = 4, 12
"""Connections for calls that are answered at once, and for calls that wait."""
LONGEST_WAIT_MS, LEAST_WAIT_MS = 5_000, 250
IDLE_S = 30.0

Work = tuple[bytes, int, "Future[list[frame.Answer]]"]


class Connections:
    """At most ``size`` connections, each with its thread; calls beyond that wait for one."""

    def __init__(self, server: Server, token: str, size: int) -> None:
        self._server, self._token, self._size = server, token, size
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[HttpConnection] = set()
        self.under_way = 0

    def ask(self, line: bytes, held_ms: int) -> Future[list[frame.Answer]]:
        """The answers to a frame, once they are there."""
        made: Future[list[frame.Answer]] = Future()
        with self._lock:
            self.under_way += 1
            self._work.put((line, held_ms, made))
            if self.under_way > len(self._open) and len(self._open) < self._size:
                connection = HttpConnection(self._server, self._token)
                self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), name="qmk-http", daemon=True).start()
        return made

    def _serve(self, connection: HttpConnection) -> None:
        while (work := self._next(connection)) is not None:
            line, held_ms, made = work
            try:
                if made.set_running_or_notify_cancel():
                    made.set_result(connection.ask(line, held_ms))
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


class ThreadedHttpLink(SharedLink):
    """Calls over HTTP in threads."""

    def __init__(self, server: Server, token: str) -> None:
        self._server, self._token = server, token
        self._quick = self._waiting = Connections(server, token, QUICK)
        self._pid = 0

    @property
    def longest_wait_ms(self) -> int | None:
        """Where more calls wait than there are connections for them, each is told about within ``LONGEST_WAIT_MS``."""
        more = max(1, self._waiting.under_way + 1) / WAITING
        return max(LEAST_WAIT_MS, round(LONGEST_WAIT_MS / max(1.0, more)))

    def is_open(self) -> bool:
        return self._pid == os.getpid()

    def close(self) -> None:
        if self._pid == os.getpid():
            self._quick.close()
            self._waiting.close()
        self._pid = 0

    async def open(self, path: str) -> None:
        self._quick = Connections(self._server, self._token, QUICK)
        self._waiting = Connections(self._server, self._token, WAITING)
        self._pid = os.getpid()

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        connections = self._waiting if held_ms else self._quick
        return pick(numbers, await asyncio.wrap_future(connections.ask(line, held_ms)))
