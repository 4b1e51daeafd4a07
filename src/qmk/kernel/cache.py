"""Answers a job with the result of an earlier one. Policy remembers which job that is; the kernel checks it."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.kernel.events import Submitted
from qmk.kernel.objects.job import COMPLETED, Job
from qmk.kernel.policy import Cache, Entry
from qmk.qvm.outputs import Outputs

Key = tuple[str, int, int, str, str, str, bool, Outputs | None]


def cacheable(record: Submitted) -> bool:
    """Whether the same request again may be answered with the same result. The caller chose the seed, so it asks for
    these bits; without one every job is an independent sample. A job on a channel spends its pairs, and one that runs
    another again is to show that it can."""
    policy = record.policy
    return (
        policy.get("seed") is not None
        and policy.get("cache", True)
        and not policy.get("debug")
        and not record.channels
        and not record.replay_of
        and not record.restored_from
    )


def key_of(record: Submitted, version: str) -> Key:
    """Everything that the bits and their form depend on."""
    run = (record.digest, record.shots, record.seed, record.engine, record.method, version)
    return (*run, record.keep_events, record.outputs)


def find(shelf: Cache, jobs: Mapping[str, Job], record: Submitted, version: str) -> Entry | None:
    """The job whose result answers ``record``, if policy knows one that passes the check."""
    if not cacheable(record):
        return None
    known = shelf.find(record.tenant, key_of(record, version))
    return known if known is not None and serves(jobs.get(known.job), record, version) else None


def serves(job: Job | None, record: Submitted, version: str) -> bool:
    """Whether the job is one of the same tenant's that ended with what ``record`` asks for. The version of its engine
    is policy's word: of two versions one gives other bits, and neither is anybody else's."""
    if job is None or job.state != COMPLETED or job.tenant != record.tenant or not cacheable(job.submitted):
        return False
    return key_of(job.submitted, version) == key_of(record, version)
