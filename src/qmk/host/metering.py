"""Counts what the daemon does, for ``op_metrics``. Each count is a few dictionary look-ups, in the turn of what is
counted; what can be read off when it is asked for is not counted."""

from __future__ import annotations

import logging
import os
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from qmk import __version__
from qmk.host.job_log import JobLog
from qmk.host.journal import Batch
from qmk.host.launcher import Capacity
from qmk.kernel import events as ev
from qmk.kernel.core import Kernel
from qmk.kernel.objects.job import COMPLETED, QUEUED, RUNNING, Job
from qmk.rpc import op_metrics
from qmk.rpc.memory import resident_bytes
from qmk.rpc.metrics import Counters, Sample, bound
from qmk.rpc.op_metrics import ENDED_KEPT, EndedJob

log = logging.getLogger("qmk.jobs")

MEASURED_S = 0.01
"""Predictions of shorter runs are not compared: what a worker adds to each is longer."""
_OF_JOBS = (ev.Submitted, ev.OfLaunch, ev.Cancelled, ev.Forgotten)
"""Records after which a job is looked at."""


class Served(Protocol):
    """The server of calls, of which ``Metering`` tells too."""

    counters: Counters
    metering: Metering | None

    @property
    def connections(self) -> int: ...


class Runs(Protocol):
    """What is counted of a launcher. ``pids``: of the processes that it has on this machine."""

    counters: Counters

    @property
    def pids(self) -> list[int]: ...
    def capacity(self) -> Capacity: ...


class _Known:
    """A job that has not ended, as last seen."""

    __slots__ = ("load", "state", "tenant")

    def __init__(self, job: Job) -> None:
        self.tenant = job.tenant
        self.state = job.state
        footprint = job.submitted.footprint
        self.load = footprint.decoder_load if footprint is not None else 0.0


class JobMeter:
    """Follows jobs from state to state. It looks at them some time after their records are written: what happened in
    between stands in the job."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._known: dict[str, _Known] = {}
        self._by_state: dict[str, dict[str, dict[str, int]]] = {QUEUED: {}, RUNNING: {}}
        self._ended: OrderedDict[str, EndedJob] = OrderedDict()
        self.last = 0
        """The number of the newest ended job."""

    def begin(self, jobs: Iterable[Job]) -> None:
        """Takes over the jobs that a replay found; they were accepted before the daemon's start."""
        for job in jobs:
            if not job.has_ended:
                self._place(job, self._known.setdefault(job.id, _Known(job)))

    def look(self, job: Job) -> None:
        """Counts what has become of the job."""
        known = self._known.get(job.id)
        if known is None:
            if job.id in self._ended:
                return
            self._counters.add("jobs_submitted_total", (job.tenant,))
            if job.has_ended:
                self._end(job)
                return
            known = self._known[job.id] = _Known(job)
            self._place(job, known)
        elif known.state != job.state:
            self.drop(job.id)
            if job.has_ended:
                self._end(job)
            else:
                self._place(job, self._known.setdefault(job.id, _Known(job)))

    def drop(self, job: str) -> None:
        """Takes out a job that has ended, or is not there any more."""
        known = self._known.pop(job, None)
        if known is not None:
            self._by_state[known.state][known.tenant].pop(job, None)

    def _place(self, job: Job, known: _Known) -> None:
        self._by_state[known.state].setdefault(known.tenant, {})[job.id] = job.submitted.now_ns

    def _end(self, job: Job) -> None:
        record, usage, counters = job.submitted, job.usage, self._counters
        counters.add("jobs_ended_total", (job.tenant, job.state.lower()))
        cached = bool(job.cached_from)
        if cached:
            counters.add("cache_hits_total")
        elif job.started_ns:
            counters.observe("job_wait_seconds", max(0, job.started_ns - record.now_ns) / 1e9)
            counters.observe("job_run_seconds", max(0, job.ended_ns - job.started_ns) / 1e9, (record.engine,))
        if job.state == COMPLETED and not cached:
            seconds = float(usage.get("engine_seconds", 0.0))
            counters.add("epochs_total", by=record.epochs)
            counters.add("tenant_engine_seconds_total", (job.tenant,), seconds)
            counters.add("engine_seconds_total", (record.engine,), seconds)
            counters.add("engine_predicted_seconds_total", (record.engine,), record.seconds)
            if max(seconds, record.seconds) >= MEASURED_S and record.seconds > 0:
                counters.observe("engine_prediction_ratio", seconds / record.seconds, (record.engine,))
        self.last += 1
        self._ended[job.id] = EndedJob(
            number=self.last,
            job=job.id,
            tenant=job.tenant,
            state=job.state.lower(),
            engine=record.engine,
            method=record.method,
            shots=job.shots,
            epochs=record.epochs,
            attempts=job.attempts + 1,
            cached=cached,
            error=str(job.error["data"]["name"]) if job.error else "",
            trace=record.trace,
            submitted_ns=record.now_ns,
            started_ns=0 if cached else job.started_ns,
            ended_ns=job.ended_ns,
            predicted_s=record.seconds,
            prepare_s=float(usage.get("prepare_seconds", 0.0)),
            run_s=float(usage.get("run_seconds", 0.0)),
            cpu_s=float(usage.get("cpu_seconds", 0.0)),
        )
        log.info("%s %s on %s", job.id, job.state, record.engine)
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)

    def ends_after(self, after: int, limit: int) -> list[EndedJob]:
        """The jobs that ended since number ``after``, as far as they are kept."""
        fresh = min(self.last - after, len(self._ended), limit)
        return list(self._ended.values())[-fresh:] if fresh > 0 else []

    def samples(self, now_ns: int, tenants: Iterable[str]) -> list[Sample]:
        """How many jobs of each tenant wait and run, and for how long the oldest has waited."""
        rows: list[Sample] = []
        waiting, running = self._by_state[QUEUED], self._by_state[RUNNING]
        for tenant in tenants:
            jobs = waiting.get(tenant, {})
            oldest_ns = now_ns - next(iter(jobs.values()), now_ns)
            rows.append(Sample("qmk_jobs_queued", (tenant,), len(jobs)))
            rows.append(Sample("qmk_jobs_running", (tenant,), len(running.get(tenant, ()))))
            rows.append(Sample("qmk_queue_oldest_wait_seconds", (tenant,), max(0, oldest_ns) / 1e9))
        for by_tenant, name in ((running, "qmk_decoder_load_ratio"), (waiting, "qmk_decoder_backlog_ratio")):
            loads = (self._known[job].load for jobs in by_tenant.values() for job in jobs)
            rows.append(Sample(name, (), sum(loads)))
        return rows


class Metering:
    """Answers ``op_metrics``, and keeps in mind whose records were written until it has looked at their jobs."""

    def __init__(self, kernel: Kernel, data_dir: Path, calls: Served) -> None:
        self._kernel, self._data_dir, self._calls = kernel, data_dir, calls
        self._counters = Counters()
        self._jobs = JobMeter(self._counters)
        self._touched: deque[str] = deque()
        self._log = JobLog(kernel.jobs.by_id.get)
        self._log.join()
        self._pool: Runs | None = None
        self._counters.set("build_info", 1, (__version__,))
        self._counters.set("daemon_start_time_seconds", time.time())

    def open_for(self, pool: Runs) -> None:
        """Begins to answer, once the journal is replayed."""
        self._pool = pool
        self._jobs.begin(self._kernel.jobs.by_id.live.values())
        self._calls.metering = self

    def on_written(self, batch: Batch, seconds: float) -> None:
        """Counts a batch; also in a thread, though one at a time."""
        counters = self._counters
        counters.add("journal_batches_total")
        counters.add("journal_records_total", by=len(batch.records))
        counters.add("journal_bytes_total", by=sum(map(len, batch.data)))
        counters.observe("journal_commit_seconds", seconds)
        self._touched.extend(record.job for record in batch.records if isinstance(record, _OF_JOBS))

    def follow_jobs(self) -> None:
        """Looks at the jobs of which something was written. Called on the loop, every second and before an answer."""
        jobs = self._kernel.jobs.by_id
        for id in dict.fromkeys(self._touched.popleft() for _ in range(len(self._touched))):
            job = jobs.get(id)
            if job is None:
                self._jobs.drop(id)
            else:
                self._jobs.look(job)

    def reply(self, request: op_metrics.Request) -> op_metrics.Reply:
        pool = self._pool
        assert pool is not None
        self.follow_jobs()
        accounts = self._kernel.accounts
        values = {
            "connections": self._calls.connections,
            "data_free_bytes": self._free_bytes(),
            "queued_graph_bytes": accounts.queued_bytes,
            "kept_bytes": accounts.kept_bytes,
            "workers": pool.capacity().workers,
            "worker_slots": pool.capacity().slots,
        }
        rows = [row for each in (self._counters, self._calls.counters, pool.counters) for row in bound(each.samples())]
        tenants = self._kernel.tenants
        rows += bound(self._jobs.samples(time.time_ns(), [each.name for each in tenants]))
        seen = {(row.name, row.labels) for row in rows}
        for labels in [labels for name, labels in seen if name == "qmk_worker_starts_total"]:
            if ("qmk_worker_deaths_total", labels) not in seen:
                rows.append(Sample("qmk_worker_deaths_total", labels, 0))
        rows += [Sample(f"qmk_{name}", (), value) for name, value in values.items()]
        rows += bound(Sample("qmk_tenant_weight", (each.name,), each.config.weight) for each in tenants)
        memory = {"daemon": resident_bytes(os.getpid()), "workers": sum(map(resident_bytes, pool.pids))}
        rows += [Sample("qmk_process_resident_bytes", (process,), size) for process, size in memory.items()]
        ends = self._jobs.ends_after(request.after, request.limit)
        lines = self._log.find(request.log) if request.log is not None else []
        return op_metrics.Reply(rows, ends, self._jobs.last, lines)

    def _free_bytes(self) -> int:
        found = os.statvfs(self._data_dir)
        return found.f_bavail * found.f_frsize
