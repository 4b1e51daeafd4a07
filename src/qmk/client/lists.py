"""The calls that answer in pages: the jobs, checkpoints and channels of the tenant, newest first."""

from __future__ import annotations

from qmk.abi.calls import q_channels, q_checkpoints, q_jobs
from qmk.abi.shapes import PAGE_ROWS
from qmk.client.asking import Asks


class Lists(Asks):
    """Calls that list. Each answers one page; its ``next`` is the ``cursor`` of the page after it, None at the
    end."""

    async def jobs(self, state: str | None = None, *, limit: int = PAGE_ROWS, cursor: str = "") -> q_jobs.Reply:
        """The tenant's jobs, those accepted last first; with ``state`` (QUEUED, RUNNING, ...) only those in it."""
        return await self._ask(q_jobs.CALL, state=state, limit=limit, cursor=cursor)

    async def checkpoints(
        self, job: str | None = None, *, limit: int = PAGE_ROWS, cursor: str = ""
    ) -> q_checkpoints.Reply:
        """The checkpoints that ``checkpoint`` has made and that are still there, of all jobs or of one."""
        return await self._ask(q_checkpoints.CALL, job_id=job, limit=limit, cursor=cursor)

    async def channels(self, *, limit: int = PAGE_ROWS, cursor: str = "") -> q_channels.Reply:
        """The channels that the tenant is a party of, with the proposals that wait for its word."""
        return await self._ask(q_channels.CALL, limit=limit, cursor=cursor)
