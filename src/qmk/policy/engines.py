"""Which other engine a job goes to, is given beside its own, and how long it waits for its own.

The first alternative follows an engine that ran out of memory or refused the program, so that the same machine does
the same again. A launch that exceeds its time slice is stopped for one that cannot fail and is predicted to be done
sooner than what is left. A slice is processor time of the worker: on a busy machine a launch gets more of the clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmk.kernel.demand import seconds_ns
from qmk.kernel.events import Submitted
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.job import Job

LONG_S = 1.0
"""Least predicted time in seconds that a second engine is worth."""
SLICE_FACTOR = 3.0
"""A launch may take so many times the most that it was predicted to."""
FLOOR_NS = 10_000_000_000
"""No slice is shorter: on a busy machine a worker waits seconds to load its engine."""
LEAST_WAIT_NS = 1_000_000_000
"""Least time after which a launch that has not had its slice is looked at again."""
LONGEST_NS = 7 * 24 * 3600 * 1_000_000_000
"""Longest time slice; a prediction beyond it bounds nothing."""


def choose_second(record: Submitted, rows: Sequence[Alternative]) -> Alternative | None:
    """The first that may well be done before the job's own engine."""
    if record.seconds <= LONG_S:
        return None
    slowest_s = record.seconds * record.uncertainty
    return next((row for row in rows if row.seconds / row.uncertainty <= slowest_s), None)


def judge_slice(
    job: Job, rows: Sequence[Alternative], hedged: bool, spent_ns: int | None, waited: bool
) -> int | Alternative:
    """Implements ``qmk.kernel.policy.Policy.judge_slice``."""
    rival = min((row for row in rows if not row.may_fail), key=_whole_ns, default=None)
    if rival is None:
        return 0
    slice_ns = _slice_ns(job.submitted, rival, hedged)
    if spent_ns is None:
        return slice_ns if slice_ns <= LONGEST_NS and not job.saved else 0
    if waited and slice_ns > spent_ns:
        return max(LEAST_WAIT_NS, slice_ns - spent_ns)
    left_ns = spent_ns * (job.shots - job.shots_done) // job.shots_done if job.shots_done else spent_ns
    if 1000 * left_ns < 999 * _whole_ns(rival):  # it will be done sooner, or the clock was set back; timers come early
        return max(FLOOR_NS, 2 * left_ns)
    return rival


def _slice_ns(record: Submitted, rival: Alternative, hedged: bool) -> int:
    """Length of the time slice of the job's launch."""
    slice_ns = max(FLOOR_NS, round(SLICE_FACTOR * record.uncertainty * seconds_ns(record.seconds)), _whole_ns(rival))
    if hedged:  # the other is at work already: it has its time too
        slice_ns = max(slice_ns, round(SLICE_FACTOR * _whole_ns(rival)))
    return slice_ns


def _whole_ns(row: Alternative) -> int:
    return seconds_ns(row.seconds * row.uncertainty) or LONGEST_NS + 1
