"""All jobs, and how each journal record changes them.

A live kernel decides what happens, makes a record of it and applies the record; a restarted kernel applies the same
records. Nothing else changes what ``snapshot`` shows, so a replayed journal equals the live run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec import structs

from qmk.base.errors import KINDS, QmkError
from qmk.base.limits import LIMITS
from qmk.kernel.config import KernelConfig
from qmk.kernel.dispatch import Dispatch
from qmk.kernel.events import (
    Cancelled,
    Event,
    Failed,
    Finished,
    Progressed,
    Recovered,
    ShuttingDown,
    Started,
    Submitted,
)
from qmk.kernel.mapping import placements_of_record
from qmk.kernel.objects.job import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING, Job
from qmk.kernel.objects.tenant import Tenant

PROGRESS_STEPS = 50
"""A job's history has at most this many progress events a launch; q_status is always up to date."""


class JobTable:
    """Jobs by id, with the launch queue and the launches that are out (``launched``, by job id)."""

    def __init__(self, tenant_of: Callable[[str], Tenant], config: KernelConfig) -> None:
        self._tenant_of = tenant_of
        self._kept_jobs = config.kept_jobs
        self.by_id: dict[str, Job] = {}
        self.by_key: dict[tuple[str, str], str] = {}
        self.queue = Dispatch(config, tenant_of)
        self.launched: dict[str, Job] = {}
        self.memory_bytes = 0
        self.seq = 0
        self.fence = 0
        self.forgotten: list[str] = []
        self._ended: deque[str] = deque()

    def apply(self, record: Event) -> list[Job]:
        """Carries out a record; the jobs it changed. Records of forgotten jobs change nothing."""
        self.queue.clock(record.now_ns)
        match record:
            case Submitted():
                return [self._submit(record)]
            case Recovered() | ShuttingDown():
                return self._requeue_all(record)
            case Started() | Progressed() | Finished() | Failed() | Cancelled():
                job = self.by_id.get(record.job)
                if job is None:
                    return []
                self._change(job, record)
                return [job]
            case _:
                raise AssertionError(f"{type(record).__name__} is no journal record")

    def launch(self, job: Job) -> int:
        """The scheduler gave the job a place: the fence of its launch. Not a record: see ``_requeue_all``."""
        self.fence += 1
        self._occupy(job, self.fence)
        return self.fence

    def current(self, job_id: str, fence: int) -> Job | None:
        """The job if ``fence`` is its current launch, else None: the answer is stale."""
        job = self.launched.get(job_id)
        return job if job is not None and job.fence == fence else None

    def snapshot(self) -> dict[str, Any]:
        """What a replay must rebuild, as comparable data."""
        return {
            "jobs": {id: job.comparable() for id, job in self.by_id.items()},
            "keys": dict(self.by_key),
            "ended": list(self._ended),
            "seq": self.seq,
            "virtual_times": self.queue.schedule.accounts(),
        }

    def _submit(self, record: Submitted) -> Job:
        assert record.job not in self.by_id, "the host gave the same entropy twice"
        job = Job(structs.replace(record, graph=b""), placements_of_record(record))
        self.by_id[record.job] = job
        if record.idempotency_key:
            self.by_key[record.tenant, record.idempotency_key] = record.job
        self.seq = max(self.seq, record.seq)
        self._tenant_of(record.tenant).queued_jobs.take()
        job.move(QUEUED)
        job.note(record.now_ns, "queued", engine=record.engine, method=record.method)
        self.queue.put(job)
        return job

    def _change(self, job: Job, record: Started | Progressed | Finished | Failed | Cancelled) -> None:
        now_ns = record.now_ns
        if isinstance(record, Cancelled):
            self._cancel(job, record)
            return
        if isinstance(record, Failed) and record.died:
            job.attempts += 1
            self._requeue(job, now_ns, record.message)
            return
        if job.state == QUEUED and record.fence:
            self._start(job, record)
        match record:
            case Progressed():
                job.shots_done = record.shots_done
                job.progress_steps = progress_step(job, record.shots_done)
                if len(job.events) < LIMITS.job_events:
                    job.note(now_ns, "progress", shots_done=record.shots_done, shots_total=job.shots)
            case Finished():
                job.usage = dict(record.usage)
                job.shots_done = job.shots
                self._end(job, COMPLETED, now_ns)
            case Failed():
                self._end(job, FAILED, now_ns, reported_error(record.kind, record.message, record.fields))
            case _:
                pass

    def _start(self, job: Job, record: Started | Progressed | Finished | Failed) -> None:
        if isinstance(record, Started):
            job.place = (record.region, record.first_qubit)
        if job.id not in self.launched:
            self._occupy(job, record.fence)
        self.queue.start(job)
        self.fence = max(self.fence, record.fence)
        job.move(RUNNING)
        job.started_ns = record.now_ns
        job.note(record.now_ns, "started", engine=job.submitted.engine, attempt=job.attempts + 1)

    def _cancel(self, job: Job, record: Cancelled) -> None:
        if not record.timeout:
            text = f": {record.reason}" if record.reason else ""
            error = QmkError("JOB_CANCELLED", f"the job was cancelled{text}", reason=record.reason)
            self._end(job, CANCELLED, record.now_ns, error)
            return
        limit_ms = job.submitted.policy.get("timeout_ms", 0)
        error = QmkError("TIMEOUT", f"the job did not end within timeout_ms = {limit_ms}", timeout_ms=limit_ms)
        self._end(job, FAILED, record.now_ns, error)

    def _end(self, job: Job, state: str, now_ns: int, error: QmkError | None = None) -> None:
        self._vacate(job, now_ns)
        self.queue.drop(job)
        job.move(state)
        job.ended_ns = now_ns
        if error is not None:
            job.error = error.to_dict()
            job.note(now_ns, state.lower(), error=job.error)
        else:
            job.note(now_ns, state.lower())
        self._tenant_of(job.tenant).queued_jobs.give()
        self._ended.append(job.id)
        if len(self._ended) > self._kept_jobs:
            self._forget(self._ended.popleft())

    def _forget(self, job_id: str) -> None:
        job = self.by_id.pop(job_id)
        key = (job.tenant, job.submitted.idempotency_key)
        if self.by_key.get(key) == job_id:
            del self.by_key[key]
        self.forgotten.append(job_id)

    def _requeue(self, job: Job, now_ns: int, reason: str) -> None:
        self._vacate(job, now_ns)
        if job.state == RUNNING:
            job.move(QUEUED)
        job.started_ns = job.shots_done = job.progress_steps = 0
        job.note(now_ns, "requeued", reason=reason)
        if job not in self.queue:
            self.queue.put(job)

    def _requeue_all(self, record: Recovered | ShuttingDown) -> list[Job]:
        """Every job with a launch out goes back to the queue. One whose worker had not answered yet was never
        started, as far as the journal knows, so its history says nothing."""
        changed: list[Job] = []
        for job in list(self.launched.values()):
            if job.state == RUNNING:
                self._requeue(job, record.now_ns, "the daemon stopped")
                changed.append(job)
            else:
                self._vacate(job, record.now_ns)
                self.queue.put(job)
        return changed

    def _occupy(self, job: Job, fence: int) -> None:
        job.fence = fence
        self.launched[job.id] = job
        self.memory_bytes += job.submitted.memory_bytes
        self._tenant_of(job.tenant).running_jobs.take()

    def _vacate(self, job: Job, now_ns: int) -> None:
        if self.launched.pop(job.id, None) is not None:
            self.queue.stop(job, now_ns)
            self.memory_bytes -= job.submitted.memory_bytes
            self._tenant_of(job.tenant).running_jobs.give()
        job.fence = 0


def reported_error(kind: str, message: str, fields: dict[str, Any]) -> QmkError:
    """An error as a worker or the router told it; a kind we do not know is a defect, not the caller's fault."""
    error = QmkError(kind if kind in KINDS else "INTERNAL_ERROR", message)
    error.fields = dict(fields)
    return error


def progress_step(job: Job, shots_done: int) -> int:
    return shots_done * PROGRESS_STEPS // job.shots
