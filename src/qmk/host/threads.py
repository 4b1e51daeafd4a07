"""Work that would hold up the loop, done in threads. The daemon closes what they use once they are through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

THREADS = 4


class Threads:
    """A few threads of the daemon's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="qmk-host")
        self._at_work = 0
        self._closing: asyncio.Future[None] | None = None

    def do(self, work: Callable[[], object], then: Callable[[BaseException | None], None]) -> None:
        """Do ``work`` in a thread, then call ``then(error or None)`` on the loop."""
        self._at_work += 1
        self._pool.submit(self._carry_out, work, then)

    def _carry_out(self, work: Callable[[], object], then: Callable[[BaseException | None], None]) -> None:
        """In the thread. The loop is told directly: a future of its own would take it two turns more."""
        error = None
        try:
            work()
        except BaseException as raised:
            error = raised
        self._loop.call_soon_threadsafe(self._on_end, then, error)

    def _on_end(self, then: Callable[[BaseException | None], None], error: BaseException | None) -> None:
        self._at_work -= 1
        if not self._at_work and self._closing is not None and not self._closing.done():
            self._closing.set_result(None)
        then(error)

    async def close(self) -> None:
        """Return when all that was begun, and what that brought about, is done: however long a disk takes."""
        while self._at_work:
            self._closing = self._loop.create_future()
            await self._closing
            await asyncio.sleep(0)  # what was waited for may have asked
            await asyncio.sleep(0)  # for more at the end of its turn
        self._pool.shutdown()
