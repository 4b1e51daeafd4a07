"""A job that changes its engine: its record as it is from then on, and what is told of the engine before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from qmk.kernel.objects.alternative import Alternative, Moved

if TYPE_CHECKING:
    from qmk.kernel.events import Submitted
    from qmk.kernel.objects.job import Job


def moved(record: Submitted, move: Moved) -> Submitted:
    """The record on the new engine, which is no alternative any more."""
    to = move.to
    rest = tuple(row for row in record.alternatives if (row.engine, row.method) != (to.engine, to.method))
    if move.again:
        before = Alternative(
            engine=record.engine,
            method=record.method,
            seconds=record.seconds,
            memory_bytes=record.memory_bytes,
            uncertainty=record.uncertainty,
            fenced=record.fenced,
            last=True,
        )
        rest = (*rest, before)
    return structs.replace(
        record,
        engine=to.engine,
        method=to.method,
        seconds=to.seconds,
        memory_bytes=to.memory_bytes,
        uncertainty=to.uncertainty,
        fenced=to.fenced,
        alternatives=rest,
    )


def tried(job: Job, why: str, message: str, now_ns: int) -> dict[str, Any]:
    """An engine that gave no result, as ``q_result.Fallback`` shows it."""
    seconds = max(0, now_ns - job.started_ns) / 1e9 if job.started_ns else 0.0
    record = job.submitted
    return {"engine": record.engine, "method": record.method, "why": why, "message": message, "seconds": seconds}
