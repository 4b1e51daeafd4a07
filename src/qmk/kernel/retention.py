"""Retention: how long ended jobs and their checkpoints are kept, and what gives way to what is newer.

Policy finds what is past its age, and says when to look again; here each is checked before it goes. Age is counted by
``kernel.clock``, so that no change of the wall clock makes anything old. Bounds are kept here. Whatever goes, goes by a
record, so that a replay need not work out what the live kernel found too old or too much. A job that has not ended
loses nothing: neither its records nor a state that it may have to go on from.
"""

from __future__ import annotations

from qmk.base.units import SECOND_NS
from qmk.kernel.config import KernelConfig
from qmk.kernel.effects import SetTimer
from qmk.kernel.events import CheckpointDropped, Forgotten
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job
from qmk.kernel.tables import Tables

TIMER = "retention"
NEVER = 1 << 62


def result_due_ns(config: KernelConfig, job: Job) -> int:
    """The time, by the daemon's running clock, at which the job is past its age."""
    age_ns = config.keep_results_s * SECOND_NS
    return job.ended_ns - job.skew_ns + age_ns if job.has_ended and age_ns else NEVER


def checkpoint_due_ns(config: KernelConfig, row: Checkpoint) -> int:
    """The time, by the daemon's running clock, at which a checkpoint is past its age."""
    age_ns = config.keep_checkpoints_s * SECOND_NS
    return row.ages_from_ns + age_ns if row.ages_from_ns and age_ns else NEVER


def look(kernel: Tables, job: Job) -> None:
    """The job was accepted or saved, or has ended: more may be kept now than there is room for."""
    make_room(kernel, job.tenant)
    if job.has_ended:
        if kernel.jobs.checkpoints.of_job(job.id):
            _make_checkpoints_fit(kernel, job.tenant)
        if not kernel.retention_ns and (kernel.config.keep_results_s or kernel.config.keep_checkpoints_s):
            _wake(kernel)


def make_room(kernel: Tables, tenant: str) -> None:
    """Lets ended jobs go until the tenant, and all tenants, keep no more than they may."""
    while (job := _find_giving_way(kernel, tenant)) is not None:
        forget(kernel, job)


def _find_giving_way(kernel: Tables, tenant: str) -> str | None:
    """The ended job to be forgotten next: beyond the number and the bytes that a tenant may keep, its own oldest,
    since nobody's flood may make another's jobs be forgotten; beyond the bytes of all, one of whoever keeps most.
    None when nobody keeps too much."""
    ended = kernel.jobs.ended_by_tenant.get(tenant, ())
    if len(ended) > kernel.config.kept_jobs:
        return next(iter(ended))
    return kernel.accounts.giving_way(tenant, kernel.jobs.ended_by_tenant)


def _make_checkpoints_fit(kernel: Tables, tenant: str) -> None:
    jobs = kernel.jobs
    rows = [row for row in jobs.checkpoints.list_kept(tenant) if jobs.by_id.has_ended(row.job)]
    count, size = len(rows), sum(row.size_bytes for row in rows)
    for row in rows:
        if count <= kernel.config.kept_checkpoints and size <= kernel.config.kept_checkpoint_bytes:
            break
        count, size = count - 1, size - row.size_bytes
        _drop(kernel, row)


def recover(kernel: Tables) -> None:
    """Drops what is too much after a start, as the bounds may have changed."""
    for tenant in list(kernel.jobs.ended_by_tenant):
        make_room(kernel, tenant)
    for tenant in kernel.jobs.checkpoints.tenants():
        _make_checkpoints_fit(kernel, tenant)
    expire(kernel)


def expire(kernel: Tables) -> None:
    """Drops what is past its age, and sets the timer for what is next."""
    table, config, now_ns = kernel.jobs.by_id, kernel.config, kernel.now_ns - kernel.jobs.clock.skew_ns
    jobs, rows = kernel.policy.find_old(kernel.jobs, config, now_ns)
    for id in jobs:
        if id in table and result_due_ns(config, table[id]) <= now_ns:
            forget(kernel, id)
    for row in rows:
        if checkpoint_due_ns(config, row) <= now_ns:
            _drop(kernel, row)
    _wake(kernel)


def _wake(kernel: Tables) -> None:
    skew_ns = kernel.jobs.clock.skew_ns
    kernel.retention_ns = kernel.policy.next_look_ns(kernel.jobs, kernel.config, kernel.now_ns - skew_ns)
    if kernel.retention_ns:
        kernel.out.append(SetTimer(TIMER, kernel.retention_ns + skew_ns))


def forget(kernel: Tables, job: str, durable: bool = False) -> None:
    archive = kernel.jobs.by_id.archive_of(job)
    record = Forgotten(now_ns=kernel.now_ns, job=job, archive=archive.number if archive is not None else 0)
    kernel.commit(record, durable=durable)


def _drop(kernel: Tables, row: Checkpoint) -> None:
    kernel.commit(CheckpointDropped(now_ns=kernel.now_ns, checkpoint=row.id, job=row.job))
