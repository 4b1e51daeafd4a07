"""Replaces the records of a job, or of all shares, by the state that they led to; ``jobs`` loads it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import to_builtins

from qmk.kernel.effects import Journal
from qmk.kernel.events import JobState, SharesSettled
from qmk.kernel.objects.job import Job
from qmk.kernel.tables import Tables

_OWN = frozenset(("id", "mapping", "records", "seed", "shots", "submitted", "tenant"))
"""Fields of a job that follow from its ``Submitted`` record, or are not kept."""


def compact(kernel: Tables, jobs: Iterable[Job]) -> None:
    """Replaces the records of these jobs, as far as they have not ended, by their whole state."""
    for job in jobs:
        if job.has_ended:
            continue
        hold = kernel.channels.holds.get(job.id)
        state = {name: getattr(job, name) for name in Job.__struct_fields__ if name not in _OWN}
        queue = kernel.jobs.queue
        record = JobState(
            now_ns=kernel.now_ns,
            job=job.id,
            state={**state, "events": to_builtins(job.events)},
            checkpoints=tuple(kernel.jobs.checkpoints.of_job(job.id)),
            started=queue.has_started(job),
            left_ns=queue.scheduler.left_ns(job.id),
            holds=hold is not None and hold.started,
        )
        job.records = 0
        kernel.out.append(Journal(record, durable=False))


def settle(kernel: Tables) -> None:
    """Records the virtual times of all tenants, so that records before this may be left out."""
    times = kernel.jobs.queue.scheduler.accounts()
    kernel.out.append(Journal(SharesSettled(now_ns=kernel.now_ns, times=times), durable=False))
