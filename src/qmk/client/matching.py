"""The calls that change jobs that are there: their labels, and whether they stay; of one job, or of all that match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qmk.abi.calls import q_delete, q_label
from qmk.client.calls import ENDED
from qmk.client.group import Gathers, count_done
from qmk.client.lists import Lists
from qmk.request.arguments import refuse
from qmk.request.options import read_tags

if TYPE_CHECKING:
    from qmk.abi.calls.q_jobs import JobRow

Tags = str | Sequence[str]


class Matching(Lists, Gathers):
    """Calls that change jobs. Filters are those of ``jobs``; without any they raise INVALID_PARAMS: to change
    everything has to be said."""

    async def label(self, job: str, add: Tags = (), remove: Tags = ()) -> q_label.Reply:
        """Give a job the tags ``add`` and take from it the tags ``remove``, in whatever state it is. Raises
        INVALID_PARAMS if it would have more than 16."""
        return await self._ask(q_label.CALL, job_id=job, add=read_tags("add", add), remove=read_tags("remove", remove))

    async def delete(self, job: str) -> q_delete.Reply:
        """Forget a job that has ended, with its result and its checkpoints. Raises NOT_COMPLETED for one that has
        not."""
        return await self._ask(q_delete.CALL, job_id=job)

    async def cancel_matching(
        self,
        reason: str = "",
        *,
        state: str | None = None,
        not_state: str | None = None,
        name: str = "",
        tags: Tags = (),
        not_tags: Tags = (),
    ) -> int:
        """Stop the jobs that ``jobs`` lists with the same filters and that have not ended, and say how many these
        were."""
        wanted = {"state": state, "not_state": not_state, "name": name, "tags": tags, "not_tags": not_tags}
        going = await self._matching(wanted, lambda row: row.state not in ENDED)
        found = await self._cancel_all([self.job(job) for job in going], reason)
        return count_done(found, "ALREADY_COMPLETED")

    async def delete_matching(
        self,
        *,
        state: str | None = None,
        not_state: str | None = None,
        name: str = "",
        tags: Tags = (),
        not_tags: Tags = (),
    ) -> int:
        """Forget the jobs that ``jobs`` lists with the same filters and that have ended, and say how many these
        were."""
        wanted = {"state": state, "not_state": not_state, "name": name, "tags": tags, "not_tags": not_tags}
        ended = await self._matching(wanted, lambda row: row.state in ENDED)
        found = await self._ask_in_batches(q_delete.CALL, [{"job_id": job} for job in ended])
        return count_done(found, "JOB_NOT_FOUND")

    async def label_matching(
        self,
        add: Tags = (),
        remove: Tags = (),
        *,
        state: str | None = None,
        not_state: str | None = None,
        name: str = "",
        tags: Tags = (),
        not_tags: Tags = (),
    ) -> int:
        """Give the jobs that ``jobs`` lists with the same filters the tags ``add`` and take from them the tags
        ``remove``, and say how many had to be changed."""
        fields = {"add": read_tags("add", add), "remove": read_tags("remove", remove)}
        new, old = {*fields["add"]} - {*fields["remove"]}, {*fields["remove"]}
        wanted = {"state": state, "not_state": not_state, "name": name, "tags": tags, "not_tags": not_tags}
        other = await self._matching(wanted, lambda row: not new <= {*row.tags} or bool(old & {*row.tags}))
        found = await self._ask_in_batches(q_label.CALL, [{"job_id": job, **fields} for job in other])
        return count_done(found, "JOB_NOT_FOUND")

    async def _matching(self, wanted: dict[str, Any], admits: Callable[[JobRow], bool]) -> list[str]:
        """The jobs that the filters leave, and that are to be changed."""
        if not any(wanted.values()):
            help = "for all, ask once for each state, such as state='QUEUED'"
            raise refuse("filters", wanted, "a state, a name or tags", help)
        return [row.job_id async for page in self._rows(**wanted) for row in page if admits(row)]
