"""Retention: how long ended jobs and their checkpoints are kept, and what gives way to what is newer.

Whatever goes, goes by a record, so that a replay need not work out what the live kernel found too old or too much. A
job that has not ended loses nothing: neither its records nor a state that it may have to go on from.
"""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from qmk.kernel.effects import SetTimer
from qmk.kernel.events import CheckpointDropped, Forgotten
from qmk.kernel.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qmk.kernel.objects.checkpoint import Checkpoint
    from qmk.kernel.objects.job import Job

TIMER = "retention"
SECOND = 1_000_000_000
LEAST_WAIT_NS = 60 * SECOND
"""What becomes due within a minute goes together, or within a tenth of a shorter retention."""
AT_ONCE = 1000
"""Jobs and checkpoints that one step lets go; the next step, right after it, has the others."""


def look(kernel: Tables, job: Job) -> None:
    """The job was accepted or saved, or has ended: more may be kept now than there is room for."""
    make_room(kernel, job.tenant)
    if job.ended:
        if kernel.jobs.checkpoints.of_job(job.id):
            _make_checkpoints_fit(kernel, job.tenant)
        if not kernel.retention_ns:
            wake(kernel)


def make_room(kernel: Tables, tenant: str) -> None:
    """Let ended jobs go until the tenant, and all tenants, keep no more than they may."""
    while (job := kernel.jobs.giving_way(tenant)) is not None:
        forget(kernel, job)


def _make_checkpoints_fit(kernel: Tables, tenant: str) -> None:
    rows = list(_idle(kernel, tenant))
    count, size = len(rows), sum(row.size_bytes for row in rows)
    for row in rows:
        if count <= kernel.config.kept_checkpoints and size <= kernel.config.kept_checkpoint_bytes:
            break
        count, size = count - 1, size - row.size_bytes
        drop(kernel, row)


def recovered(kernel: Tables) -> None:
    """After a start: what its bounds, which may be others than before, let go, goes."""
    for tenant in list(kernel.jobs.ended):
        make_room(kernel, tenant)
    for tenant in kernel.jobs.checkpoints.tenants():
        _make_checkpoints_fit(kernel, tenant)
    due(kernel)


def due(kernel: Tables) -> None:
    """Let go what is past its age, and wait for what is next."""
    jobs = list(islice((job for tenant in kernel.jobs.ended for job in _old_jobs(kernel, tenant)), AT_ONCE))
    for job in jobs:
        forget(kernel, job)
    tenants = kernel.jobs.checkpoints.tenants()
    old = (row for tenant in tenants for row in _old_checkpoints(kernel, tenant))
    for row in list(islice(old, AT_ONCE - len(jobs))):
        drop(kernel, row)
    kernel.retention_ns = 0
    wake(kernel)


def wake(kernel: Tables) -> None:
    """Have ``due`` called when the next is past its age, if there are ages."""
    ages = [age for age in (kernel.config.keep_results_s, kernel.config.keep_checkpoints_s) if age]
    at_ns = min(_deadlines(kernel), default=0) if ages else 0
    if at_ns:
        wait_ns = min(LEAST_WAIT_NS, *(age * SECOND // 10 for age in ages))
        late = at_ns <= kernel.now_ns  # there were more than one step lets go
        kernel.retention_ns = at_ns if late else max(at_ns, kernel.now_ns + wait_ns)
        kernel.out.append(SetTimer(TIMER, kernel.retention_ns))


def forget(kernel: Tables, job: str) -> None:
    kernel.commit(Forgotten(now_ns=kernel.now_ns, job=job), durable=False)


def drop(kernel: Tables, row: Checkpoint) -> None:
    kernel.commit(CheckpointDropped(now_ns=kernel.now_ns, checkpoint=row.id, job=row.job))


def ended_before(kernel: Tables, before_ns: int) -> list[str]:
    """The jobs that ended before that."""
    return [job for ended in kernel.jobs.ended.values() for job in ended if _ended_ns(kernel, job) < before_ns]


def _ended_ns(kernel: Tables, job: str) -> int:
    return kernel.jobs.by_id[job].ended_ns


def _old_jobs(kernel: Tables, tenant: str) -> Iterator[str]:
    keep_s = kernel.config.keep_results_s
    before_ns = kernel.now_ns - keep_s * SECOND
    return takewhile(lambda job: keep_s and _ended_ns(kernel, job) <= before_ns, kernel.jobs.ended[tenant])


def _old_checkpoints(kernel: Tables, tenant: str) -> Iterator[Checkpoint]:
    keep_s = kernel.config.keep_checkpoints_s
    before_ns = kernel.now_ns - keep_s * SECOND
    return (row for row in _idle(kernel, tenant) if keep_s and _idle_since_ns(kernel, row) <= before_ns)


def _idle(kernel: Tables, tenant: str) -> Iterator[Checkpoint]:
    """The tenant's checkpoints of jobs that have ended, oldest first: none of them is gone on from by itself."""
    rows = kernel.jobs.checkpoints.kept(tenant)
    return (row for row in rows if kernel.jobs.by_id[row.job].ended)


def _idle_since_ns(kernel: Tables, row: Checkpoint) -> int:
    return max(row.saved_ns, _ended_ns(kernel, row.job))


def _deadlines(kernel: Tables) -> Iterator[int]:
    config = kernel.config
    if config.keep_results_s:
        for ended in kernel.jobs.ended.values():
            for job in ended:
                yield _ended_ns(kernel, job) + config.keep_results_s * SECOND
                break
    if config.keep_checkpoints_s:
        for tenant in kernel.jobs.checkpoints.tenants():
            for row in _idle(kernel, tenant):
                yield _idle_since_ns(kernel, row) + config.keep_checkpoints_s * SECOND
