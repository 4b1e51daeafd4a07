"""Collecting what nobody needs: results and jobs past their age, blobs that nothing names, drafts of a crash.

Mark and sweep over a data folder whose lock the caller holds, so nobody writes beside it; blobs younger than a grace
period stay all the same. The ledger and the audit log are never collected: a bill and a proof are made from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qmk.host.blob_files import FileBlobs
from qmk.host.journal import Batch
from qmk.host.sql.journal import SqlJournal
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.events import ChannelChanged, Event

GRACE_S = 3600.0
DAY_S = 86_400.0
FORGET_AT_ONCE = 500
"""Jobs forgotten in one transaction."""


@dataclass(frozen=True)
class Plan:
    """What to collect. ``older_than_s``: jobs that ended before that, with their results and checkpoints; None: no job.
    ``dry_run``: only say what would go."""

    older_than_s: float | None = None
    dry_run: bool = False
    grace_s: float = GRACE_S


@dataclass
class Collected:
    """What went, or would go."""

    dry_run: bool
    jobs: int = 0
    journal_bytes: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    drafts: int = 0
    draft_bytes: int = 0
    kept_jobs: int = 0
    kept_blobs: int = 0
    kept_blob_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    """blobs that the journal names and the store has not got: damage, for which a backup is the only remedy"""

    @property
    def freed_bytes(self) -> int:
        return self.journal_bytes + self.blob_bytes + self.draft_bytes

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"freed_bytes": self.freed_bytes}


def collect(journal: SqlJournal, blobs: FileBlobs, plan: Plan, clock_s: Callable[[], float] = time.time) -> Collected:
    """Carry out ``plan`` and say what came of it. Raises what reading and writing the journal does."""
    found = Collected(plan.dry_run)
    ended, channels = _ended(journal, plan, clock_s(), found)
    found.journal_bytes = sum(journal.size_of(job) for job in ended)
    named = journal.blobs_named(without=ended)
    if not plan.dry_run:
        journal.write(Batch(records=channels, durable=True))
        for start in range(0, len(ended), FORGET_AT_ONCE):
            journal.write(Batch(forgotten=ended[start : start + FORGET_AT_ONCE], durable=True))
    seen: set[str] = set()
    for file in list(blobs.files()):
        if file.name in named or file.age_s < plan.grace_s:
            seen.add(file.name)
            found.kept_blobs += 1
            found.kept_blob_bytes += file.size_bytes
        elif plan.dry_run or blobs.remove(file, plan.grace_s):
            found.blobs += bool(file.name)
            found.blob_bytes += file.size_bytes if file.name else 0
            found.drafts += not file.name
            found.draft_bytes += 0 if file.name else file.size_bytes
    found.missing = sorted(named - seen)
    return found


def _ended(journal: SqlJournal, plan: Plan, now_s: float, found: Collected) -> tuple[list[str], list[Event]]:
    """The jobs to forget, by the kernel's own account of the journal, so a job that may run again is never one; and the
    records that take over what these jobs took of channels."""
    kernel = Kernel(KernelConfig())
    kernel.replay(journal.records())
    jobs = kernel.jobs.by_id.values()
    before_ns = 0 if plan.older_than_s is None else int((now_s - plan.older_than_s) * 1e9)
    gone = [job for job in jobs if job.ended and job.ended_ns < before_ns]
    found.jobs = len(gone)
    found.kept_jobs = len(jobs) - len(gone)
    used = dict.fromkeys(use.channel for job in gone for use in job.submitted.channels)
    channels = [kernel.channels.by_id[id] for id in used if id in kernel.channels.by_id]
    records = [ChannelChanged(now_ns=int(now_s * 1e9), channel=c.id, state=msgspec.to_builtins(c)) for c in channels]
    return [job.id for job in gone], [*records]
