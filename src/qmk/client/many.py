"""The calls with a batch: many jobs by one JSON-RPC batch, and their results by index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.calls import q_cancel, q_result, q_submit
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import LIMITS
from qmk.client.asking import Asks
from qmk.client.batch import Batch, CountsBatch
from qmk.client.group import AsyncGroup, Gathers
from qmk.client.job import AsyncJob
from qmk.client.points import PointJob, handles, runs_of
from qmk.client.result import Result
from qmk.request.arguments import text
from qmk.request.batches import BatchLike, Entry, entries_of, name_place, naming
from qmk.request.options import Progress, RunOptions, read_options
from qmk.request.program import ProgramLike
from qmk.request.progress import showing
from qmk.request.signature import takes
from qmk.request.sweeps import PointsLike
from qmk.request.warn import warn_of

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.abi.call import Call
    from qmk.client.wire import Wire
    from qmk.request.keywords import ClientRunKeywords, ClientSubmitKeywords

BATCH_BYTES = 8 << 20
"""So many bytes of graphs and points go into one batch, unless one job alone is longer."""

NUMBER_BYTES = 20
"""What a number takes as text."""

Submission = tuple["Wire", dict[str, Any]]
"""A program as it goes over the wire, and the other fields of its q_submit."""


class Many(Asks, Gathers):
    """Calls for many programs, or many points of their parameters, at once."""

    def job(self, job: str) -> AsyncJob:
        """A handle of a job by its id. Nothing is asked of the daemon yet."""
        return AsyncJob(self, job)

    async def partial(self, job: str) -> Result | None:
        """The result so far of a job that runs: counts of the shots that are done, or values of its points, where its
        method has some before others (``shots`` says of how many; ``partial`` is true). None while it waits, its result
        once it has ended. Raises as ``result`` for a job that failed."""
        try:
            return Result(await self._ask(q_result.CALL, job_id=job, partial=True), self._pages(job))
        except QmkError as error:
            if error.kind.name != "NOT_COMPLETED":
                raise
            return None

    def group(self, tag: str) -> AsyncGroup:
        """A handle of all jobs with a tag. Nothing is asked of the daemon yet."""
        return AsyncGroup(self, text("tag", tag))

    @takes("Client.submit")
    async def submit_many(
        self,
        program: ProgramLike | BatchLike,
        points: PointsLike | None = None,
        **keywords: Unpack[ClientSubmitKeywords],
    ) -> Batch[AsyncJob]:
        """As ``Client.submit_many``, awaited: the handles are ``AsyncJob``."""
        return await self._submit_all(program, points, read_options("Client.submit", keywords))

    @takes("Client.run")
    async def run_many(
        self, program: ProgramLike | BatchLike, points: PointsLike | None = None, **keywords: Unpack[ClientRunKeywords]
    ) -> CountsBatch[Result]:
        """Submit a batch as ``submit_many``, wait for all, and give the results by index. The first job that fails
        ends the batch: those after it are cancelled. When the caller is interrupted or cancelled, so are the jobs."""
        options = read_options("Client.run", keywords)
        jobs = await self._submit_all(program, points, options)
        found: list[Result] = []
        shots = 0
        try:
            with showing(options, len(jobs)) as options:
                for entry, job in zip(jobs.entries, jobs, strict=True):
                    with naming(entry):
                        found.append(await self._take(job, options, shots))
                        shots += found[-1].shots
        except self._interrupts:
            await self._shield(self._cancel_all(jobs[len(found) :], "interrupted"))
            raise
        except QmkError as error:
            if error.kind.name != "CONNECTION_LOST":
                await self._cancel_all(jobs[len(found) + 1 :], "another job of the batch failed")
            raise
        return CountsBatch(found, jobs.entries, jobs.seed)

    async def _take(self, job: AsyncJob, options: RunOptions, shots: int) -> Result:
        """The result of a job, or of one point of a job; the first to be asked for waits for the whole."""
        if not isinstance(job, PointJob):
            return await self._follow(job.job_id, options, shots)
        if job.whole.reply is None:
            if options.report is not None:
                options = options.replace(progress=_count_points(options.report, shots, job.of))
            job.whole.reply = (await self._follow(job.job_id, options)).reply
        return await job.result()

    async def _submit_all(
        self, program: ProgramLike | BatchLike, points: PointsLike | None, options: RunOptions
    ) -> Batch[AsyncJob]:
        seed, entries = entries_of(program, points, options)
        runs, asked = runs_of(entries, options), list[Submission]()
        for own, graph, there in runs:
            with naming(own[0]):
                if graph is None:
                    asked.append(self._submission(own[0].source, _options_of(own[0], options)))
                else:
                    asked.append(self._submission(graph, _options_of(own[0], there, seed)))
        accepted: list[AsyncJob] = []
        for part in _parts(asked):
            found = await self._submit_part(part)
            failed = next((at for at, reply in enumerate(found) if isinstance(reply, QmkError)), None)
            if failed is not None:
                entry = runs[len(accepted) + failed][0][0]
                accepted += [self.job(reply.job_id) for reply in found if not isinstance(reply, QmkError)]
                await self._cancel_all(accepted, "another job of the batch was refused")
                raise name_place(found[failed], entry.place, entry=entry.index)
            for reply in found:
                warn_of(msgspec.convert(reply.warnings, list[Finding]))
                accepted.append(self.job(reply.job_id))
        jobs: list[AsyncJob] = []
        for (own, graph, _), job in zip(runs, accepted, strict=True):
            jobs += [job] if graph is None else handles(self, job.job_id, len(own))
        return Batch(jobs, entries, seed)

    async def _submit_part(self, part: Sequence[Submission]) -> list[Any]:
        """One batch: the replies, and the errors of what was refused. Of a graph that the daemon has no longer, another
        call sends it."""
        sent = [self._was_sent(wire) for wire, _ in part]
        each = [
            {**asked, **({"graph_sha256": wire.sha256} if known else {"graph": wire.graph})}
            for (wire, asked), known in zip(part, sent, strict=True)
        ]
        found = await self._ask_all(q_submit.CALL, bool(part[0][1]["idempotency_key"]), each)
        for at, (wire, asked) in enumerate(part):
            if isinstance(found[at], QmkError) and found[at].kind.name == "GRAPH_NOT_FOUND":
                found[at] = await self._ask_about(wire, q_submit.CALL, bool(asked["idempotency_key"]), **asked)
            elif not isinstance(found[at], QmkError):
                self._remember_sent(wire)
        return found

    async def _cancel_all(self, jobs: Sequence[AsyncJob], reason: str) -> list[Any]:
        """Cancels the jobs: the replies, and the errors of what was refused. A job that has ended stays as it is."""
        ids = dict.fromkeys(job.job_id for job in jobs)  # the points of a job are cancelled with it
        return await self._ask_in_batches(q_cancel.CALL, [{"job_id": id, "reason": reason} for id in ids])

    async def _ask_in_batches(self, call: Call, each: Sequence[dict[str, Any]]) -> list[Any]:
        """One call for each of the fields, so many at a time: the replies, and the errors of what was refused."""
        found: list[Any] = []
        for first in range(0, len(each), LIMITS.batch_calls):
            found += await self._ask_all(call, False, each[first : first + LIMITS.batch_calls])
        return found

    _interrupts: tuple[type[BaseException], ...]
    _shield: Callable[[Awaitable[Any]], Awaitable[None]]

    def _was_sent(self, wire: Wire) -> bool:
        raise AssertionError("the client that this is a part of knows")

    def _remember_sent(self, wire: Wire) -> None:
        raise AssertionError("the client that this is a part of remembers")

    def _submission(self, program: ProgramLike, options: RunOptions) -> Submission:
        raise AssertionError("the client that this is a part of reads programs")

    async def _ask_about(self, wire: Wire, call: Call, repeatable: bool | None = None, **fields: Any) -> Any:
        raise AssertionError("the client that this is a part of asks")

    async def _ask_all(self, call: Call, repeatable: bool, each: Sequence[dict[str, Any]]) -> list[Any]:
        raise AssertionError("the client that this is a part of asks")


def _count_points(progress: Progress, before: int, points: int) -> Progress:
    """Hears of the shots of a job, which are those of each of its points, and tells of all."""
    return lambda done: progress(before + done * points)


def _options_of(entry: Entry, options: RunOptions, seed: int | None = None) -> RunOptions:
    """The options of the job of an entry, or of one that begins with it and has the ``seed`` of the batch."""
    there = entry.options_of(options) if seed is None else options.replace(seed=seed)
    key = options.idempotency_key
    return there.replace(idempotency_key=f"{key}-{entry.index}") if key else there


def _parts(asked: Sequence[Submission]) -> Iterator[list[Submission]]:
    """The submissions in batches that the daemon takes."""
    part: list[Submission] = []
    size = 0
    for each in asked:
        outputs = each[1]["outputs"]
        length = len(each[0].graph) + (0 if outputs is None else NUMBER_BYTES * sum(map(len, outputs.points)))
        if part and (len(part) == LIMITS.batch_calls or size + length > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += length
    if part:
        yield part
