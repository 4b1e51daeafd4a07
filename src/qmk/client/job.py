"""Handles of jobs, with the methods of a future. ``AsyncJob`` is awaited, ``Job`` blocks."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar, cast

from msgspec import to_builtins

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client import calls, job_text
from qmk.client.drive import drive
from qmk.client.ids import short_id
from qmk.client.result import Fetch, Result
from qmk.request.arguments import number_between, refuse

if TYPE_CHECKING:
    from qmk.abi.calls import q_cancel, q_events, q_status, q_wait
    from qmk.request.options import RunOptions

NEWS_MS = 2000
"""A job that is watched is looked at after so long, whatever it says: its engine counts shots in steps."""
SAYS_MS, SAYS_AT_LEAST_MS = 60_000, 3_600_000
"""Whoever waits for a job is told what it waits for after so long, then after twice that, and at least once an hour."""


class Follows:
    """Declares what a handle needs of its client."""

    async def status(self, job: str) -> q_status.Reply:
        """The state of a job, now."""
        raise AssertionError("the client that this is a part of asks")

    async def wait(self, job: str, timeout_ms: int | None = None) -> q_wait.Reply:
        """The state of a job once it has ended, or after ``timeout_ms``."""
        raise AssertionError("the client that this is a part of waits")

    async def cancel(self, job: str, reason: str = "") -> q_cancel.Reply:
        """Stop a job that has not ended."""
        raise AssertionError("the client that this is a part of cancels")

    async def partial(self, job: str) -> Result | None:
        """The result of a job so far."""
        raise AssertionError("the client that this is a part of asks")

    async def events(self, job: str, after: int = 0, timeout_ms: int = 0) -> q_events.Reply:
        """The history of a job after event ``after``."""
        raise AssertionError("the client that this is a part of asks")

    def _when_ended(self, job: AsyncJob, tell: Callable[[], None]) -> None:
        """Call ``tell`` once the job has ended, or nothing more can be known of it."""
        raise AssertionError("the client that this is a part of waits")

    async def _follow(self, job: str, options: RunOptions, shots_before: int = 0) -> Result:
        raise AssertionError("the client that this is a part of waits")

    def _pages(self, job: str) -> Fetch | None:
        raise AssertionError("the client that this is a part of fetches pages")


class AsyncJob:
    """A job of a daemon: ``job_id`` is its id, ``short_id`` the end of that. The methods are those of
    ``concurrent.futures.Future``, awaited, and ``status``. Each raises what the client's call raises."""

    def __init__(self, client: Follows, job: str) -> None:
        self._client = client
        self.job_id = job
        self._ended: q_wait.Reply | None = None

    @property
    def short_id(self) -> str:
        """The last characters of the id."""
        return short_id(self.job_id)

    async def status(self) -> q_status.Reply:
        """The state of the job, how far it is, and its engine."""
        return await self._client.status(self.job_id)

    async def running(self) -> bool:
        """Whether it is on an engine now."""
        return self._ended is None and (await self.status()).state == "RUNNING"

    async def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._ended is not None or (await self.status()).state in calls.ENDED

    async def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return (self._ended or await self.status()).state == "CANCELLED"

    async def cancel(self, reason: str = "") -> bool:
        """Stop the job. False if it has ended already."""
        try:
            await self._client.cancel(self.job_id, reason)
        except QmkError as error:
            if error.kind.name != "ALREADY_COMPLETED":
                raise
            return False
        return True

    async def result(self, timeout: float | None = None) -> Result:
        """The result, once the job has ended. Raises the job's own error, JOB_CANCELLED, or TIMEOUT if it has not
        ended after ``timeout`` seconds; the job goes on."""
        ended = await self._wait(timeout)
        if ended.result is None:
            raise calls.job_ended_badly(ended.state, ended.error)
        return Result(ended.result, self._client._pages(self.job_id))  # pyright: ignore[reportPrivateUsage]

    async def exception(self, timeout: float | None = None) -> QmkError | None:
        """The error with which the job ended, None where it has a result. Raises TIMEOUT as ``result`` does."""
        ended = await self._wait(timeout)
        return None if ended.state == "COMPLETED" else calls.job_ended_badly(ended.state, ended.error)

    async def partial(self) -> Result | None:
        """The result so far, of the shots or points that are done; None while it waits for an engine. See
        ``Client.partial``."""
        return await self._client.partial(self.job_id)

    async def watch(self, every_s: float = 0.5) -> AsyncIterator[Result]:
        """The result so far each time it has grown, at most every ``every_s`` seconds; at last the result. Raises as
        ``result``. What the job says of itself is waited for, so that nothing is asked while nothing happens."""
        shots = after = 0
        while True:
            after = (await self._client.events(self.job_id, after, NEWS_MS)).last_seq
            found = await self._look(every_s)
            if found is not None and (not found.partial or found.shots > shots):
                shots = found.shots
                yield found
            if found is not None and not found.partial:
                return

    async def _look(self, wait_s: float) -> Result | None:
        """The result, if the job ends within that time, else what there is then."""
        try:
            return await self.result(wait_s)
        except QmkError as error:
            if error.kind.name != "TIMEOUT" or self._ended is not None:  # its own time limit is an end
                raise
        return await self.partial()

    async def end_by(self, other: AsyncJob) -> None:
        """Take the end of the job from another handle of it."""
        self._ended = await other._wait(None)

    def add_done_callback(self, function: Callable[[AsyncJob], object]) -> None:
        """Call ``function`` with this handle once the job has ended: at once if that is known, else from the event
        loop. It is also called when the daemon can no longer be asked; ``result`` then says why. What it raises is
        logged."""
        self._call_when_ended(function, self)

    def _call_when_ended(self, function: Callable[[H], object], handle: H) -> None:
        if not callable(cast("object", function)):
            raise refuse("function", function, "a function", "give one that takes the handle of the job")

        def tell() -> None:
            try:
                function(handle)
            except Exception:
                logging.getLogger("qmk.client").exception("the callback %r of %r failed", function, handle)

        if self._ended is not None:
            tell()
        else:
            self._client._when_ended(self, tell)  # pyright: ignore[reportPrivateUsage]

    async def _wait(self, timeout: float | None) -> q_wait.Reply:
        if self._ended is None:
            reply = await self._wait_and_say(timeout)
            if reply.state not in calls.ENDED:
                said = f"the job has not ended after {timeout} s; {job_text.line(self.job_id, to_builtins(reply))}"
                raise QmkError("TIMEOUT", said, state=reply.state, help="ask again, or cancel it")
            self._ended = reply
        return self._ended

    async def _wait_and_say(self, timeout: float | None) -> q_wait.Reply:
        """The job once it has ended, or after so many seconds; meanwhile the log says what it waits for."""
        until, pause_ms = deadline(timeout), SAYS_MS
        while True:
            rest_ms, began = _milliseconds(left(until)), time.monotonic()
            if rest_ms is not None and rest_ms <= pause_ms:
                return await self._client.wait(self.job_id, rest_ms)
            reply = await self._client.wait(self.job_id, pause_ms)
            if reply.state in calls.ENDED:
                return reply
            if time.monotonic() - began < pause_ms / 2e3:  # the daemon is going: the client knows how long to ask again
                return await self._client.wait(self.job_id, rest_ms)
            logging.getLogger("qmk.client").warning(
                "still waiting for %s", job_text.line(self.job_id, to_builtins(reply))
            )
            pause_ms = min(2 * pause_ms, SAYS_AT_LEAST_MS)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.job_id}>"

    def _ipython_display_(self) -> None:
        from qmk.client.job_view import display_async

        display_async(self)


H = TypeVar("H")


def _milliseconds(timeout: float | None) -> int | None:
    if timeout is None:
        return None
    longest_s = LIMITS.timeout_ms / 1e3
    found = number_between("timeout", timeout, -1e-9, longest_s + 1e-9)
    if found is None:
        raise refuse("timeout", timeout, f"a number of seconds from 0 to {longest_s:.0f}", "give one such as 30")
    return min(max(0, round(found * 1e3)), LIMITS.timeout_ms)


def deadline(timeout: float | None) -> float | None:
    """The time, by ``time.monotonic``, at which the timeout is over."""
    milliseconds = _milliseconds(timeout)
    return None if milliseconds is None else time.monotonic() + milliseconds / 1e3


def left(until: float | None) -> float | None:
    """The seconds until then."""
    return None if until is None else max(0.0, until - time.monotonic())


def handles_of(jobs: Iterable[H], kind: type[H]) -> list[H]:
    """Each of the handles once. Raises INVALID_PARAMS for what is none."""
    found = list(dict.fromkeys(jobs)) if isinstance(cast("object", jobs), Iterable) else None
    if found is None or not all(isinstance(job, kind) for job in found):
        raise refuse("jobs", jobs, "handles of jobs", "give those of submit_many, or client.job(id)")
    return found


def too_late(timeout: float | None, count: int) -> QmkError:
    """The error of handles of which so many have not ended."""
    return QmkError(
        "TIMEOUT", f"{count} of the jobs have not ended after {timeout} s", help="ask again, or cancel them"
    )


class Job:
    """A job of a daemon: ``job_id`` is its id, ``short_id`` the end of that. The methods are those of
    ``concurrent.futures.Future``, and ``status``. Each raises what the client's call raises."""

    def __init__(self, job: AsyncJob) -> None:
        """``job`` of a client whose calls block."""
        self._job = job
        self.job_id = job.job_id
        self.short_id = job.short_id

    def status(self) -> q_status.Reply:
        """The state of the job, how far it is, and its engine."""
        return drive(self._job.status())

    def running(self) -> bool:
        """Whether it is on an engine now."""
        return drive(self._job.running())

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return drive(self._job.done())

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return drive(self._job.cancelled())

    def cancel(self, reason: str = "") -> bool:
        """Stop the job. False if it has ended already."""
        return drive(self._job.cancel(reason))

    def result(self, timeout: float | None = None) -> Result:
        """The result, once the job has ended. Raises the job's own error, JOB_CANCELLED, or TIMEOUT if it has not
        ended after ``timeout`` seconds; the job goes on."""
        return drive(self._job.result(timeout))

    def exception(self, timeout: float | None = None) -> QmkError | None:
        """The error with which the job ended, None where it has a result. Raises TIMEOUT as ``result`` does."""
        return drive(self._job.exception(timeout))

    def partial(self) -> Result | None:
        """The result so far, of the shots or points that are done; None while it waits for an engine. See
        ``Client.partial``."""
        return drive(self._job.partial())

    def watch(self, every_s: float = 0.5) -> Iterator[Result]:
        """The result so far each time it has grown, looked at every ``every_s`` seconds; at last the result. Raises
        as ``result``."""
        results = self._job.watch(every_s)

        async def follow() -> Result | None:
            return await anext(results, None)

        while (found := drive(follow())) is not None:
            yield found

    def add_done_callback(self, function: Callable[[Job], object]) -> None:
        """Call ``function`` with this handle once the job has ended: at once if that is known, else from a thread of
        the client, which ends when nothing is left to wait for. It is also called when the daemon can no longer be
        asked; ``result`` then says why. What it raises is logged."""
        self._job._call_when_ended(function, self)  # pyright: ignore[reportPrivateUsage]

    def __repr__(self) -> str:
        return f"<Job {self.job_id}>"

    def _ipython_display_(self) -> None:
        from qmk.client.job_view import display_job

        display_job(self)

    def _repr_html_(self) -> str:
        from qmk.client.job_view import draw_now

        return draw_now(self)["text/html"]


def as_completed(jobs: Iterable[Job], timeout: float | None = None) -> Iterator[Job]:
    """Gives each handle once its job has ended. Raises TIMEOUT if some have not after ``timeout`` seconds."""
    waiting, until = handles_of(jobs, Job), deadline(timeout)
    ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in waiting:
        job.add_done_callback(ended.put)
    return _each(ended, len(waiting), until, timeout)


def _each(ended: queue.SimpleQueue[Job], count: int, until: float | None, timeout: float | None) -> Iterator[Job]:
    for given in range(count):
        try:
            yield ended.get(timeout=left(until))
        except queue.Empty:
            raise too_late(timeout, count - given) from None
