"""A list of jobs over time: when each waited and when it ran, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qmk.abi.calls.q_jobs import JobRow

WIDTH = 600.0
LEAST = 2.0
"""Width of the axis, and of what is too short to be seen."""


class Bar(NamedTuple):
    """Where a job waits and runs on the axis; for how many seconds."""

    waits_at: float
    waits: float
    runs_at: float
    runs: float
    waited_s: float
    ran_s: float | None


def bars(rows: Sequence[JobRow], now_s: float) -> dict[str, Bar]:
    """A bar for each job, by its id, from the first submission to the last end, which is now for what goes on."""
    if not rows:
        return {}
    first = min(row.submitted for row in rows)
    last = max(row.ended or now_s for row in rows)
    scale = (WIDTH - LEAST) / max(last - first, 1e-6)
    return {row.job_id: _bar(row, first, scale, now_s) for row in rows}


def _bar(row: JobRow, first: float, scale: float, now_s: float) -> Bar:
    end = row.ended or now_s
    began = end if row.started is None else row.started
    at, launch = (row.submitted - first) * scale, (began - first) * scale
    waited_s = max(0.0, began - row.submitted)
    if row.started is None:
        return Bar(at, max(LEAST, launch - at), 0.0, 0.0, waited_s, None)
    return Bar(at, max(0.0, launch - at), launch, max(LEAST, (end - began) * scale), waited_s, max(0.0, end - began))
