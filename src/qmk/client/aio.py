"""The asyncio client: one connection, any number of calls at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any, Self, cast

from qmk.base.errors import QmkError
from qmk.client.address import Server
from qmk.client.contexts import place_of
from qmk.client.core import Core
from qmk.client.job import AsyncJob, deadline, handles_of, left, too_late
from qmk.client.link import Link
from qmk.rpc import frame
from qmk.rpc.splitter import FrameSplitter


class _Answers(asyncio.Protocol):
    """Gives each answer to the future that waits for its number."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[frame.Answer]] = {}
        self.transport: asyncio.Transport | None = None
        self._splitter = FrameSplitter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        try:
            for line in self._splitter.feed(data):
                for answer in frame.answers(line):
                    self._give(answer)
        except QmkError as error:
            self._fail(error)
        if self._splitter.error is not None:
            self._fail(self._splitter.error)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._fail(EOFError())

    def _give(self, answer: frame.Answer) -> None:
        if answer.id is None and answer.error is not None:
            self._fail(answer.error)  # the daemon gave up on this connection and says why
        elif isinstance(answer.id, int) and (future := self.waiting.pop(answer.id, None)) and not future.done():
            future.set_result(answer)

    def _fail(self, error: Exception) -> None:
        waiting, self.waiting = self.waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)
        if self.transport is not None:
            self.transport.close()
            self.transport = None


class SharedLink:
    """Any number of calls at once, in the running event loop."""

    interrupts: tuple[type[BaseException], ...] = (asyncio.CancelledError,)

    def turn(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()

    def lock(self) -> AbstractAsyncContextManager[Any]:
        return asyncio.Lock()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)

    async def shield(self, work: Awaitable[Any]) -> None:
        await asyncio.shield(work)


class LoopLink(SharedLink):
    """A connection in the running event loop."""

    longest_wait_ms: int | None = None

    def __init__(self) -> None:
        self._answers = _Answers()

    def is_open(self) -> bool:
        return self._answers.transport is not None

    def close(self) -> None:
        if self._answers.transport is not None:
            self._answers.transport.close()
        self._answers = _Answers()

    async def open(self, path: str) -> None:
        _, self._answers = await asyncio.get_running_loop().create_unix_connection(_Answers, path)

    async def exchange(self, numbers: Sequence[int], line: bytes, held_ms: int = 0) -> list[frame.Answer]:
        answers = self._answers
        if answers.transport is None:
            raise EOFError
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[frame.Answer]] = [loop.create_future() for _ in numbers]
        answers.waiting.update(zip(numbers, futures, strict=True))
        answers.transport.write(line)
        try:
            return [await futures[0]] if len(futures) == 1 else await asyncio.gather(*futures)
        finally:
            for number in numbers:
                answers.waiting.pop(number, None)


def _link(server: Server | None, token: str) -> Link:
    if server is None:
        return LoopLink()
    from qmk.client.http_threads import ThreadedHttpLink

    return ThreadedHttpLink(server, token)


class AsyncClient(Core):
    """``Client`` for asyncio: the same methods, awaited; see there for arguments and errors.

    Calls made at the same time share the connection and are answered in the order in which they finish.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Server | None = None,
        *,
        token: str | None = None,
        capabilities: list[str] | None = None,
        patience_s: float = 0.0,
        quota: Mapping[str, int] | None = None,
        cafile: str | None = None,
        allow_http: bool = False,
        cert: str = "",
    ) -> None:
        super().__init__(_link, place_of(path, cafile, allow_http, cert), token, capabilities, patience_s, quota)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    def _when_ended(self, job: AsyncJob, tell: Callable[[], None]) -> None:
        async def wait() -> None:
            with suppress(QmkError):  # which result() raises again
                await job.exception()
            tell()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def as_completed(self, jobs: Iterable[AsyncJob], timeout: float | None = None) -> AsyncIterator[AsyncJob]:
        """Give each handle once its job has ended, whichever does first. Raises TIMEOUT if some have not after
        ``timeout`` seconds."""
        waiting, until = handles_of(jobs, AsyncJob), deadline(timeout)
        ended: asyncio.Queue[AsyncJob] = asyncio.Queue()
        for job in waiting:
            job.add_done_callback(ended.put_nowait)
        for given in range(len(waiting)):
            try:
                yield await asyncio.wait_for(ended.get(), left(until))
            except TimeoutError:
                raise too_late(timeout, len(waiting) - given) from None

    async def rows(self, job: str, from_shot: int = 0) -> AsyncIterator[str]:
        """One string of 0 and 1 a shot, events in the order of ``Result.event_names``, page by page."""
        at: int | None = from_shot
        while at is not None:
            page = (await self._result(job, at)).events
            if page is None:
                raise QmkError(
                    "NOT_COMPLETED", "no per-shot events were kept for this job", help="use keep_events=True"
                )
            for row in page.rows:
                yield row
            at = page.next_shot
