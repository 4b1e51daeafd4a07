"""Jobs of ``Backend.run``: in a thread of this process, or on a daemon, where they survive this process."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from qiskit.providers import JobError, JobStatus, JobV1
from qiskit.result import Result

from qmk import __version__
from qmk.base.errors import QmkError
from qmk.client.points import parts_of
from qmk.integrations.qiskit.results import experiment_of, header_from

if TYPE_CHECKING:
    from qmk.client.job import Job as DaemonJob
    from qmk.client.result import Result as Ours
    from qmk.integrations.qiskit.backend import Backend

MEMORY = "memory"
"""The tag of jobs whose result has each shot."""

_STATES = {
    "VALIDATING": JobStatus.VALIDATING,
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "COMPLETED": JobStatus.DONE,
    "CANCELLED": JobStatus.CANCELLED,
    "FAILED": JobStatus.ERROR,
}


def new_id() -> str:
    """The id of a job; on a daemon it is a tag of the daemon's own jobs."""
    return f"qiskit-{uuid4()}"


def is_job_id(tag: str) -> bool:
    """Whether a tag is such an id."""
    return re.fullmatch(r"qiskit-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tag) is not None


class Job(JobV1):
    """A job. ``job_id()`` is its id; on a daemon that is a tag of the daemon's jobs, one for each circuit."""

    def __init__(
        self,
        backend: Backend,
        job_id: str | None = None,
        headers: list[dict[str, Any]] | None = None,
        memory: bool = False,
    ) -> None:
        super().__init__(backend, job_id or new_id())
        self._headers, self._memory = headers, memory
        self._future: Future[list[Ours]] | None = None
        self._remote: list[DaemonJob] = []
        self._names: list[str] = []
        self._result: Result | None = None

    # -- how it begins -----------------------------------------------------------------------------------------------

    def submit(self) -> None:
        """A job is submitted by ``Backend.run``."""
        raise JobError("jobs are submitted by Backend.run")

    def start(self, run: Callable[[], list[Ours]]) -> None:
        """Runs in a thread of this process."""
        executor = ThreadPoolExecutor(max_workers=1)
        self._future = executor.submit(run)
        executor.shutdown(wait=False)

    def follow(self, jobs: list[DaemonJob], names: list[str]) -> None:
        """Takes jobs of a daemon, one a circuit, and the names of the circuits."""
        self._remote, self._names = jobs, names

    # -- what it is --------------------------------------------------------------------------------------------------

    def daemon_jobs(self) -> list[DaemonJob]:
        """The jobs of the daemon, one a circuit, with their ids; none for a job of this process."""
        return list(self._remote)

    def result(self, timeout: float | None = None) -> Result:
        """The result, once the job has ended. Raises ``QmkError`` as ``qmk.run``, and TIMEOUT (in this process
        ``TimeoutError``) after ``timeout`` seconds; the job goes on."""
        if self._result is None:
            if self._future is not None:
                found = self._future.result(timeout)
            else:
                parts = [parts_of(job.result(timeout)) for job in self._remote]  # what is found by its id has points
                self._names = [name for name, own in zip(self._names, parts, strict=True) for _ in own]
                found = [part for own in parts for part in own]
            self._result = self._make(found)
        return self._result

    def _make(self, found: list[Ours]) -> Result:
        headers = self._headers
        if headers is None:
            if any(each.values is not None for each in found):
                fix = "ask the primitive: SamplerV2(backend).past_result(job_id, pubs), or that of EstimatorV2"
                what = f"job {self.job_id()!r:.60} is a primitive's: it has values for pubs, and no counts"
                raise QmkError("UNSUPPORTED", what, field="job_id", help=fix)
            headers = [header_from(each, name) for each, name in zip(found, self._names, strict=True)]
        memory = self._memory
        rows = [experiment_of(each, header, memory) for each, header in zip(found, headers, strict=True)]
        backend = self.backend()
        engines = [f"{each.engine}:{each.method}" for each in found]
        return Result(
            results=rows,
            backend_name=backend.name,
            backend_version=__version__,
            job_id=self.job_id(),
            success=True,
            status="COMPLETED",
            metadata={"engines": engines},
        )

    def status(self) -> JobStatus:
        """The state; of several circuits, the earliest of theirs, or what ended one without a result."""
        if self._future is not None:
            if self._future.cancelled():
                return JobStatus.CANCELLED
            if not self._future.done():
                return JobStatus.RUNNING
            return JobStatus.DONE if self._future.exception() is None else JobStatus.ERROR
        found = {_STATES.get(job.status().state, JobStatus.RUNNING) for job in self._once()}
        bad = (JobStatus.ERROR, JobStatus.CANCELLED)
        order = (JobStatus.RUNNING, JobStatus.VALIDATING, JobStatus.QUEUED, JobStatus.DONE)
        return next(state for state in (*bad, *order) if state in found)

    def _once(self) -> list[DaemonJob]:
        """The jobs, those with several points once."""
        return list({job.job_id: job for job in self._remote}.values())

    def cancel(self) -> bool:
        """Stops what has not ended. False where all has."""
        if self._future is not None:
            return self._future.cancel()
        stopped = [job.cancel() for job in self._once()]
        return any(stopped)


def find_job(backend: Backend, job_id: str) -> Job:
    """A job of a daemon by its id, from any process. Raises as ``Target.jobs``."""
    target = backend.qmk_target
    rows = target.jobs(job_id)
    job = Job(backend, job_id, None, any(MEMORY in row.tags for row in rows))
    job.follow([target.client.job(row.job_id) for row in rows], [row.name for row in rows])
    return job
