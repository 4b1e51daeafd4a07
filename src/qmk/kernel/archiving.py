"""Puts ended jobs away into archives, so that neither a start nor the memory grows with what happened long ago.

A tenant's newest ended jobs stay as they are; of the others so many at a time become one record, ``Archived``, and
their own records leave the journal. Forgotten jobs leave their archive, and the last takes it along.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from msgspec import to_builtins

from qmk.kernel import condensing
from qmk.kernel.events import ChannelChanged
from qmk.kernel.objects.archive import Archive, Archived, ArchivedJob, ArchiveForgotten, pack
from qmk.kernel.objects.job import Job, labels_of
from qmk.kernel.tables import Tables

ROWS = 4096
"""Events and rows of maps of all jobs of an archive, but for its first: packing may not hold others up."""


def look(kernel: Tables, tenant: str) -> None:
    """Puts the tenant's oldest jobs away while enough have ended."""
    ended, config = kernel.jobs.ended_by_tenant[tenant], kernel.config
    while len(ended.fresh) >= config.jobs_in_play + config.jobs_archived:
        jobs = [kernel.jobs.by_id.live[id] for id in islice(ended.fresh, config.jobs_archived)]
        _put_away(kernel, tenant, _choose(jobs))
        condensing.settle(kernel)


def _choose(jobs: list[Job]) -> list[Job]:
    rows = 0
    for count, job in enumerate(jobs):
        rows += len(job.events) + len(job.mapping or ())
        if rows > ROWS and count:
            return jobs[:count]
    return jobs


def _put_away(kernel: Tables, tenant: str, jobs: list[Job]) -> None:
    carry_over_channels(kernel, jobs)
    rows = (
        ArchivedJob(job.id, job.state, job.submitted.now_ns, job.kept_bytes, job.submitted.idempotency_key)
        for job in jobs
    )
    record = Archived(
        now_ns=kernel.now_ns,
        tenant=tenant,
        number=kernel.jobs.archives + 1,
        rows=tuple(rows),
        data=pack(jobs),
        seq=max(job.submitted.seq for job in jobs),
        oldest_ns=min(job.ended_ns for job in jobs),
        checkpoints=tuple(row for job in jobs for row in kernel.jobs.checkpoints.of_job(job.id)),
        labels={job.id: labels for job in jobs if (labels := labels_of(job.submitted)) != ("",)} or None,
    )
    kernel.commit(record, durable=False)


def carry_over_channels(kernel: Tables, jobs: Iterable[Job]) -> None:
    """The records of these jobs go, and with them what they took of channels: the channels' own records take that
    over."""
    for id in dict.fromkeys(use.channel for job in jobs for use in job.submitted.channels):
        channel = kernel.channels.by_id.get(id)
        if channel is not None:
            kernel.commit(ChannelChanged(now_ns=kernel.now_ns, channel=id, state=to_builtins(channel)))


def forget_empty(kernel: Tables) -> None:
    """Lets the journal leave out the archives whose jobs are all forgotten."""
    while kernel.jobs.emptied:
        kernel.commit(ArchiveForgotten(now_ns=kernel.now_ns, number=kernel.jobs.emptied[0]), durable=False)


def apply(kernel: Tables, record: Archived | ArchiveForgotten) -> None:
    """Applies the record, live or replayed. A replay knows nothing of jobs whose own records are gone."""
    jobs = kernel.jobs
    if isinstance(record, ArchiveForgotten):
        jobs.emptied = [number for number in jobs.emptied if number != record.number]
        return
    for row in record.rows:
        if row.job not in jobs.by_id.live:
            for label in (record.labels or {}).get(row.job, ("",)):
                jobs.listed.put((record.tenant, row.state, label), row.submitted_ns, row.job)
            kernel.accounts.keep(record.tenant, row.kept_bytes)
            if row.idempotency_key:
                jobs.by_key[record.tenant][row.idempotency_key] = row.job
    for checkpoint in record.checkpoints:
        if checkpoint.id not in jobs.checkpoints.by_id:
            jobs.checkpoints.add(checkpoint)
    jobs.seq = max(jobs.seq, record.seq)
    jobs.archives = max(jobs.archives, record.number)
    archive = Archive(record)
    jobs.ended_by_tenant[record.tenant].put_away(archive)
    jobs.by_id.put_away(archive)
