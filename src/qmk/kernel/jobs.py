"""All jobs, and how each journal record changes them.

A live kernel decides what happens, makes a record of it and applies the record; a restarted kernel applies the same
records. Nothing else changes what ``snapshot`` shows, so a replayed journal equals the live run.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from msgspec import structs

from qmk.base.errors import KINDS, QmkError
from qmk.base.limits import LIMITS
from qmk.kernel.accounts import Accounts
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
from qmk.kernel.queue import LaunchQueue

PROGRESS_STEPS = 50
"""A job's history has at most this many progress events a launch; q_status is always up to date."""


class JobTable:
    """Jobs by id, with the launch queue and the launches that are out (``launched``, by job id)."""

    def __init__(self, accounts: Accounts, kept_jobs: int) -> None:
        self._accounts = accounts
        self._kept_jobs = kept_jobs
        self.by_id: dict[str, Job] = {}
        self.by_key: dict[tuple[str, str], str] = {}
        self.queue = LaunchQueue()
        self.launched: dict[str, Job] = {}
        self.memory_bytes = 0
        self.seq = 0
        self.fence = 0
        self.forgotten: list[str] = []
        self._ended: OrderedDict[str, None] = OrderedDict()

    def apply(self, record: Event) -> list[Job]:
        """Carries out a record; the jobs it changed. Records of forgotten jobs change nothing."""
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
        """Takes the job off the queue into a slot; the fence of the launch. Not a record: see ``requeue_launches``."""
        self.fence += 1
        self.queue.drop(job)
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
            "accounts": self._accounts.snapshot(),
        }

    def _submit(self, record: Submitted) -> Job:
        assert record.job not in self.by_id, "the host gave the same entropy twice"
        job = Job(structs.replace(record, graph=b""), placements_of_record(record))
        self.by_id[record.job] = job
        if record.idempotency_key:
            self.by_key[record.tenant, record.idempotency_key] = record.job
        self.seq = max(self.seq, record.seq)
        self._accounts.admit(record)
        job.move(QUEUED)
        job.note(record.now_ns, "queued", engine=record.engine, method=record.method)
        self.queue.put(job)
        self._forget_excess(record.tenant)
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
        if job.state == QUEUED:
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
        self.queue.drop(job)
        if job.id not in self.launched:
            self._occupy(job, record.fence)
        self.fence = max(self.fence, record.fence)
        job.move(RUNNING)
        job.launches += 1
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
        self._vacate(job)
        self.queue.drop(job)
        job.move(state)
        job.ended_ns = now_ns
        if error is not None:
            job.error = error.to_dict()
            job.note(now_ns, state.lower(), error=job.error)
        else:
            job.note(now_ns, state.lower())
        self._accounts.end(job.id, int(job.usage.get("result_bytes", 0)))
        self._ended[job.id] = None
        self._forget_excess(job.tenant)

    def _forget_excess(self, tenant: str) -> None:
        """Ended jobs give way: beyond their number, beyond the bytes of the tenant, beyond those of all."""
        while len(self._ended) > self._kept_jobs:
            self._forget(next(iter(self._ended)))
        while (job_id := self._accounts.giving_way(tenant, self._ended)) is not None:
            self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        job = self.by_id.pop(job_id)
        del self._ended[job_id]
        self._accounts.forget(job_id)
        key = (job.tenant, job.submitted.idempotency_key)
        if self.by_key.get(key) == job_id:
            del self.by_key[key]
        self.forgotten.append(job_id)

    def _requeue(self, job: Job, now_ns: int, reason: str) -> None:
        self._vacate(job)
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
                self._vacate(job)
                self.queue.put(job)
        return changed

    def _occupy(self, job: Job, fence: int) -> None:
        job.fence = fence
        self.launched[job.id] = job
        self.memory_bytes += job.submitted.memory_bytes
        self._accounts.occupy(job.id)

    def _vacate(self, job: Job) -> None:
        if self.launched.pop(job.id, None) is not None:
            self.memory_bytes -= job.submitted.memory_bytes
            self._accounts.vacate(job.id)
        job.fence = 0


def reported_error(kind: str, message: str, fields: dict[str, Any]) -> QmkError:
    """An error as a worker or the router told it; a kind we do not know is a defect, not the caller's fault."""
    error = QmkError(kind if kind in KINDS else "INTERNAL_ERROR", message)
    error.fields = dict(fields)
    return error


def progress_step(job: Job, shots_done: int) -> int:
    return shots_done * PROGRESS_STEPS // job.shots
