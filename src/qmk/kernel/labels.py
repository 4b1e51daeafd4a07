"""Gives jobs other tags: the record of that, and what it does to the lists by label."""

from __future__ import annotations

from qmk.kernel.events import Record
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.job import labels_of


class Labelled(Record, frozen=True):
    """Journal record: the tags of a job are these now; None: it is forgotten, and this record goes with it."""

    job: str
    tags: tuple[str, ...] | None = None


def apply(jobs: JobTable, record: Labelled) -> None:
    job = jobs.by_id.get(record.job)
    if job is None or record.tags is None:
        return
    group, at_ns = (job.tenant, job.state), job.submitted.now_ns
    for label in labels_of(job.submitted):
        jobs.listed.drop((*group, label), at_ns, job.id)
    jobs.by_id.label(job.id, record.tags)
    for label in labels_of(job.submitted):
        jobs.listed.put((*group, label), at_ns, job.id)
