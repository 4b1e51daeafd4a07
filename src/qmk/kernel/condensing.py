"""Putting the state of a job, or of all shares, in place of the records that led to it; ``jobs`` loads it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import to_builtins

from qmk.kernel.effects import Journal
from qmk.kernel.events import JobState, SharesSettled
from qmk.kernel.objects.job import Job
from qmk.kernel.tables import Tables

_OWN = frozenset(("id", "mapping", "records", "seed", "shots", "submitted", "tenant"))
"""What of a job follows from its ``Submitted`` record, or is not kept."""


def compact(kernel: Tables, jobs: Iterable[Job]) -> None:
    """Put the whole state of these jobs, as far as they have not ended, in place of their records so far."""
    for job in jobs:
        if job.ended:
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
    """Put down how the shares of tenants stand, whatever is left out before."""
    times = kernel.jobs.queue.scheduler.accounts()
    kernel.out.append(Journal(SharesSettled(now_ns=kernel.now_ns, times=times), durable=False))
