"""Work that would hold up the loop, done in threads. The daemon closes what they use once they are through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 4


class Threads:
    """A few threads of the daemon's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="qmk-host")
        self._at_work: set[asyncio.Future[Any]] = set()

    def do(self, work: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
        """Do ``work`` in a thread, then call ``then(error or None)`` on the loop."""
        future: asyncio.Future[Any] = self._loop.run_in_executor(self._pool, work)
        self._at_work.add(future)

        def ended(future: asyncio.Future[Any]) -> None:
            self._at_work.discard(future)
            then(future.exception())

        future.add_done_callback(ended)

    async def close(self) -> None:
        """Return when all that was begun, and what that brought about, is done: however long a disk takes."""
        while self._at_work:
            await asyncio.wait(self._at_work)
            await asyncio.sleep(0)  # what was waited for may have asked
            await asyncio.sleep(0)  # for more at the end of its turn
        self._pool.shutdown()
