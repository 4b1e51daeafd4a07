"""Handles a job that changes its engine, program, place or daemon: its new record, and what its result tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from qmk.base.errors import KINDS, QmkError
from qmk.kernel import rewriting
from qmk.kernel.events import Submitted
from qmk.kernel.objects.alternative import CHOICE, Alternative, Moved
from qmk.kernel.objects.job import Job
from qmk.kernel.policy import Maps
from qmk.kernel.rewriting import Rewritten


def move(record: Submitted, move: Moved) -> Submitted:
    """Gives the record on the new engine, which is not an alternative any more."""
    to = move.to
    rest = tuple(row for row in record.alternatives if (row.engine, row.method) != (to.engine, to.method))
    if move.again:
        rest = (*rest, Alternative(**{name: getattr(record, name) for name in CHOICE}, last=True))
    return structs.replace(record, **{name: getattr(to, name) for name in CHOICE}, alternatives=rest)


def describe_try(job: Job, why: str, message: str, now_ns: int) -> dict[str, Any]:
    """Describes an engine that gave no result, as ``q_result.Fallback``."""
    seconds = max(0, now_ns - job.started_ns) / 1e9 if job.started_ns else 0.0
    record = job.submitted
    return {"engine": record.engine, "method": record.method, "why": why, "message": message, "seconds": seconds}


def rewrite(job: Job, record: Rewritten, maps: Maps) -> None:
    """The job has the new program from now on, and its handles are where the new patches are."""
    before = job.submitted
    job.submitted = rewriting.apply(before, record)
    if job.mapping is not None:
        job.mapping = maps.stretch(job.mapping, before, job.submitted)


def arrive(job: Job, place: tuple[str, int], now_ns: int) -> None:
    """Patches that a saved state had elsewhere have moved here; without one they are new."""
    footprint = job.submitted.footprint
    if footprint is not None and not job.saved:
        job.moves = 0
    elif footprint is not None and place[0] and job.place[0] and place != job.place:
        job.moves += 1
        job.note(now_ns, "moved", region=place[0], rounds=footprint.move_rounds)
    job.place = place


def adoptable(jobs: Mapping[str, Job], launches: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Of launches that a launcher says are still out, those whose answers may count: the newest of each of ``jobs``
    that has not ended, unless the journal knows that it is over or knows a newer one."""
    newest: dict[str, int] = {}
    for job_id, fence in launches:
        job = jobs.get(job_id)
        if job is not None and not job.has_ended and fence > job.retired and fence >= job.fence:
            newest[job_id] = max(fence, newest.get(job_id, 0))
    return tuple(newest.items())


PROGRESS_STEPS = 50
"""A launch adds one progress event to its job's history for each of so many equal parts of the shots, and one more
where progress is the first that is heard of it; q_status is always up to date."""


def reported_error(kind: str, message: str, fields: dict[str, Any]) -> QmkError:
    """An error as a worker or the router told it; a kind we do not know is a defect, not the caller's fault."""
    error = QmkError(kind if kind in KINDS else "INTERNAL_ERROR", message)
    error.fields = dict(fields)
    return error


def progress_step(job: Job, shots_done: int) -> int:
    return shots_done * PROGRESS_STEPS // job.shots
