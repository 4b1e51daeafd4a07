"""Waits for jobs in a thread, for the callbacks of a client whose calls block."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from qmk.base.errors import QmkError
from qmk.client.address import Server
from qmk.client.aio import AsyncClient
from qmk.client.job import AsyncJob
from qmk.rpc.forks import ForkedLock

WAITS = 256
"""So many jobs are waited for at once, the first ones first: a session may have 1024 such calls open."""


class Watch:
    """Waits in a daemon thread, with a connection and a session of its own, as long as there are jobs to wait for."""

    def __init__(self, place: Server | Path, **keywords: Any) -> None:
        """With the arguments of its ``AsyncClient``."""
        self._place, self._keywords = place, keywords
        self._lock = ForkedLock()
        self._new: list[tuple[AsyncJob, Callable[[], None]]] = []
        self._wake: Callable[[], object] | None = None
        self._pid = 0

    def add(self, job: AsyncJob, tell: Callable[[], None]) -> None:
        """Calls ``tell`` in the thread once the job has ended, or nothing more can be known of it."""
        with self._lock:
            if self._pid != os.getpid():  # the thread of a process that was forked is in its parent
                self._new, self._pid, self._wake = [], os.getpid(), None
            self._new.append((job, tell))
            if self._wake is not None:
                self._wake()
                return
            self._wake = lambda: None  # until the thread has its loop
            threading.Thread(target=asyncio.run, args=(self._serve(),), name="qmk-jobs", daemon=True).start()

    async def _serve(self) -> None:
        client = AsyncClient(self._place, **self._keywords)
        loop, more, room = asyncio.get_running_loop(), asyncio.Event(), asyncio.Semaphore(WAITS)
        going: set[asyncio.Task[None]] = set()

        def end(task: asyncio.Task[None]) -> None:
            going.discard(task)
            more.set()

        while True:
            with self._lock:
                new, self._new = self._new, []
                if not (new or going):
                    self._wake = None
                    break
                self._wake = lambda: loop.call_soon_threadsafe(more.set)
            for job, tell in new:
                task = loop.create_task(_wait(client, room, job, tell))
                going.add(task)
                task.add_done_callback(end)
            await more.wait()
            more.clear()
        with suppress(QmkError):
            await client.leave()


async def _wait(client: AsyncClient, room: asyncio.Semaphore, job: AsyncJob, tell: Callable[[], None]) -> None:
    async with room:
        with suppress(QmkError):  # which result() raises again
            await job.end_by(client.job(job.job_id))
    tell()
