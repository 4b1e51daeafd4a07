"""The calls that answer in pages: the jobs, checkpoints and channels of the tenant, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from qmk.abi.calls import q_channels, q_checkpoints, q_jobs
from qmk.abi.shapes import PAGE_ROWS
from qmk.base.limits import LIMITS
from qmk.client.asking import Asks
from qmk.request.arguments import number_between, refuse, text
from qmk.request.options import read_tags


def newer(page: q_jobs.Reply, since: float | None) -> q_jobs.Reply:
    """The rows of a page that were accepted at that time or later; older ones end the list."""
    if since is None:
        return page
    if number_between("since", since, -1.0, float("inf")) is None:
        raise refuse("since", since, "a Unix time in seconds", "give such as time.time() - 3600")
    rows = [row for row in page.jobs if row.submitted >= since]
    return q_jobs.Reply(jobs=rows, next=page.next if len(rows) == len(page.jobs) else None)


class Lists(Asks):
    """Calls that list. Each answers one page; its ``next`` is the ``cursor`` of the page after it, None at the
    end."""

    async def jobs(
        self,
        state: str | None = None,
        *,
        not_state: str | None = None,
        name: str = "",
        tags: str | Sequence[str] = (),
        not_tags: str | Sequence[str] = (),
        since: float | None = None,
        limit: int = PAGE_ROWS,
        cursor: str = "",
    ) -> q_jobs.Reply:
        """The tenant's jobs, those accepted last first; with ``state`` (QUEUED, RUNNING, ...) only those in it, with
        ``not_state`` only those in others, with ``name`` only those of that name, with ``tags`` only those with all of
        them, with ``not_tags`` only those with none of them, and with ``since`` only those accepted at that Unix time
        or later. With more than one tag, or ``not_tags``, a page may have fewer rows than ``limit``, though there is a
        next."""
        asked: dict[str, Any] = {"not_state": not_state, "name": text("name", name), "tags": read_tags("tags", tags)}
        asked["not_tags"] = read_tags("not_tags", not_tags)
        return newer(await self._ask(q_jobs.CALL, state=state, limit=limit, cursor=cursor, **asked), since)

    async def _rows(self, **wanted: Any) -> AsyncIterator[list[q_jobs.JobRow]]:
        """The tenant's jobs that these filters of ``jobs`` leave, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.jobs(**wanted, limit=LIMITS.page_rows, cursor=cursor)
            yield page.jobs
            cursor = page.next

    async def checkpoints(
        self, job: str | None = None, *, limit: int = PAGE_ROWS, cursor: str = ""
    ) -> q_checkpoints.Reply:
        """The checkpoints that ``checkpoint`` has made and that are still there, of all jobs or of one."""
        return await self._ask(q_checkpoints.CALL, job_id=job, limit=limit, cursor=cursor)

    async def channels(self, *, limit: int = PAGE_ROWS, cursor: str = "") -> q_channels.Reply:
        """The channels that the tenant is a party of, with the proposals that wait for its word."""
        return await self._ask(q_channels.CALL, limit=limit, cursor=cursor)
