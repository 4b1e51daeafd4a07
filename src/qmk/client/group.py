"""Handles of groups: all jobs of the tenant that have a tag. ``AsyncGroup`` is awaited, ``Group`` blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.client import calls
from qmk.client.drive import drive
from qmk.client.job import AsyncJob, Follows, Job, deadline, left
from qmk.client.points import parts_of

if TYPE_CHECKING:
    from qmk.abi.call import Call
    from qmk.abi.calls.q_jobs import JobRow
    from qmk.client.result import Result


class Gathers(Follows):
    """Declares what a group needs of its client."""

    def job(self, job: str) -> AsyncJob:
        """A handle of a job by its id."""
        raise AssertionError("the client that this is a part of has handles")

    def _rows(self, **wanted: Any) -> AsyncIterator[list[JobRow]]:
        raise AssertionError("the client that this is a part of lists")

    async def _ask_in_batches(self, call: Call, each: Sequence[dict[str, Any]]) -> list[Any]:
        raise AssertionError("the client that this is a part of asks")

    async def _cancel_all(self, jobs: Sequence[AsyncJob], reason: str) -> list[Any]:
        raise AssertionError("the client that this is a part of cancels")


def count_done(found: Sequence[Any], passed_over: str) -> int:
    """How many jobs were changed, by the replies and errors of the calls; ``passed_over``: the error of a job of which
    there was nothing to change. Raises any other error."""
    refused = [each for each in found if isinstance(each, QmkError)]
    for error in refused:
        if error.kind.name != passed_over:
            raise error
    return len(found) - len(refused)


class AsyncGroup:
    """The jobs of the tenant that have the tag ``tag``, whoever submitted them, as they are at each call."""

    def __init__(self, client: Gathers, tag: str) -> None:
        self._client = client
        self.tag = tag

    async def jobs(self) -> list[AsyncJob]:
        """Handles of the jobs, those accepted first first."""
        return [self._client.job(row.job_id) for row in await self.rows()]

    async def rows(self) -> list[JobRow]:
        """What the daemon lists of the jobs, those accepted first first."""
        pages = self._client._rows(tags=self.tag)  # pyright: ignore[reportPrivateUsage]
        return [row async for page in pages for row in page][::-1]

    async def status(self) -> dict[str, int]:
        """How many jobs are in each state in which there are any."""
        return dict(Counter(row.state for row in await self.rows()))

    async def wait(self, timeout: float | None = None) -> dict[str, int]:
        """Wait until all jobs have ended, those that are submitted meanwhile too, and give ``status``. Raises TIMEOUT
        if they have not after ``timeout`` seconds; the jobs go on."""
        until = deadline(timeout)
        while going := await self._going():
            for job in going:
                await job.exception(left(until))
        return await self.status()

    async def results(self, timeout: float | None = None) -> list[Result]:
        """The results of the jobs, in the order of ``jobs``, once all have ended; of a job that has several points of a
        batch, those of its points. Raises the error of the first that has none, and TIMEOUT as ``wait`` does."""
        until = deadline(timeout)
        found = [await job.result(left(until)) for job in await self.jobs()]
        return [part for each in found for part in parts_of(each)]

    async def cancel(self, reason: str = "") -> int:
        """Stop the jobs that have not ended, and say how many these were."""
        going = await self._going()
        found = await self._client._cancel_all(going, reason)  # pyright: ignore[reportPrivateUsage]
        return count_done(found, "ALREADY_COMPLETED")

    async def _going(self) -> list[AsyncJob]:
        return [self._client.job(row.job_id) for row in await self.rows() if row.state not in calls.ENDED]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.tag}>"


class Group:
    """The jobs of the tenant that have the tag ``tag``, whoever submitted them, as they are at each call."""

    def __init__(self, group: AsyncGroup) -> None:
        """``group`` of a client whose calls block."""
        self._group = group
        self.tag = group.tag

    def jobs(self) -> list[Job]:
        """Handles of the jobs, those accepted first first."""
        return [Job(job) for job in drive(self._group.jobs())]

    def rows(self) -> list[JobRow]:
        """What the daemon lists of the jobs, those accepted first first."""
        return drive(self._group.rows())

    def status(self) -> dict[str, int]:
        """How many jobs are in each state in which there are any."""
        return drive(self._group.status())

    def wait(self, timeout: float | None = None) -> dict[str, int]:
        """Wait until all jobs have ended, those that are submitted meanwhile too, and give ``status``. Raises TIMEOUT
        if they have not after ``timeout`` seconds; the jobs go on."""
        return drive(self._group.wait(timeout))

    def results(self, timeout: float | None = None) -> list[Result]:
        """The results of the jobs, in the order of ``jobs``, once all have ended. Raises the error of the first that
        has none, and TIMEOUT as ``wait`` does."""
        return drive(self._group.results(timeout))

    def cancel(self, reason: str = "") -> int:
        """Stop the jobs that have not ended, and say how many these were."""
        return drive(self._group.cancel(reason))

    def __repr__(self) -> str:
        return f"<Group {self.tag}>"
