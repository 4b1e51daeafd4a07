"""Going on with another engine when the one chosen cannot, or takes far longer than it was predicted to.

The first alternative follows an engine that ran out of memory or refused the program, so that the same machine does
the same again. A launch that exceeds its time slice is stopped for one that cannot fail and is predicted to be done
sooner than what is left. A slice is processor time of the worker: on a busy machine a launch gets more of the clock.
The engine that was stopped stays at hand as the last. Every alternative is taken once. The record of the move comes
before the launch that follows, and the job is one of the engine that gave its result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.demand import seconds_ns
from qmk.kernel.effects import ClearTimer, Kill, SetTimer
from qmk.kernel.events import Failed, FellBack
from qmk.kernel.objects.job import RUNNING
from qmk.kernel.tables import Tables

if TYPE_CHECKING:
    from qmk.kernel.objects.alternative import Alternative
    from qmk.kernel.objects.job import Job

SLICE_TIMER = "slice:"
SLICE_FACTOR = 3.0
"""a launch may take so many times the most that it was predicted to"""
FLOOR_NS = 10_000_000_000
"""no slice is shorter: on a busy machine a worker waits seconds to load its engine, and its bits are those of a seed"""
LEAST_WAIT_NS = 1_000_000_000
"""least time after which a launch that has not had its slice is looked at again"""
LONGEST_NS = 7 * 24 * 3600 * 1_000_000_000
"""longest time slice; a prediction beyond it bounds nothing"""

WHY = {"RESOURCE_EXHAUSTED": "memory", "UNSUPPORTED": "refused"}
"""errors of an engine that another may not have"""


def failed(kernel: Tables, job: Job, event: Failed) -> bool:
    """Goes on with the next engine, if the failure is one of this engine and there is one."""
    why = WHY.get(event.kind)
    if why is None or event.died or job.submitted.restored_from:
        return False
    to = next((row for row in job.submitted.alternatives if _affordable(kernel, job, row)), None)
    if to is None:
        return False
    _move(kernel, job, to, why, f"engine '{job.submitted.engine}': {event.message}")
    return True


def watch(kernel: Tables, job: Job) -> None:
    """Give the job's launch, which a worker has just taken, its time slice."""
    rival = _rival(kernel, job)
    if rival is None or job.saved:
        return
    slice_ns = _slice_ns(kernel, job, rival)
    if slice_ns <= LONGEST_NS:
        _arm(kernel, job, slice_ns)


def due(kernel: Tables, job: Job, waited_ns: int = 0) -> None:
    """Judge a launch whose time slice is over by the clock, ``waited_ns`` of which it waited for a processor."""
    kernel.slices.pop(job.id, None)
    rival = _rival(kernel, job)
    if rival is None or not job.fence or job.state != RUNNING:
        return
    spent_ns = kernel.now_ns - job.started_ns - waited_ns
    missing_ns = _slice_ns(kernel, job, rival) - spent_ns
    if waited_ns and missing_ns > 0:
        _arm(kernel, job, max(LEAST_WAIT_NS, missing_ns))
        return
    left_ns = spent_ns * (job.shots - job.shots_done) // job.shots_done if job.shots_done else spent_ns
    if 1000 * left_ns < 999 * _whole_ns(rival):  # it will be done sooner, or the clock was set back; timers come early
        _arm(kernel, job, max(FLOOR_NS, 2 * left_ns))
        return
    message = f"engine '{job.submitted.engine}' was stopped after {spent_ns / 1e9:.1f} s"
    _move(kernel, job, rival, "slow", f"{message}, predicted {job.submitted.seconds:.3g} s")


def _slice_ns(kernel: Tables, job: Job, rival: Alternative) -> int:
    """Length of the time slice of the job's launch."""
    record = job.submitted
    slice_ns = max(FLOOR_NS, round(SLICE_FACTOR * record.uncertainty * seconds_ns(record.seconds)), _whole_ns(rival))
    if kernel.hedged.get(job.id) == job.fence:  # the other is at work already: it has its time too
        slice_ns = max(slice_ns, round(SLICE_FACTOR * _whole_ns(rival)))
    return slice_ns


def settle(kernel: Tables, job: Job) -> None:
    """The launch that had the slice is over."""
    if job.id in kernel.slices and kernel.slices[job.id] != job.fence:
        del kernel.slices[job.id]
        kernel.out.append(ClearTimer(SLICE_TIMER + job.id))


def _arm(kernel: Tables, job: Job, after_ns: int) -> None:
    kernel.slices[job.id] = job.fence
    kernel.out.append(SetTimer(SLICE_TIMER + job.id, kernel.now_ns + after_ns))


def _rival(kernel: Tables, job: Job) -> Alternative | None:
    """Of the alternatives that cannot fail the one that is surest to be done first."""
    sure = [row for row in job.submitted.alternatives if not (row.may_fail or row.last)]
    return min((row for row in sure if _affordable(kernel, job, row)), key=_whole_ns, default=None)


def _whole_ns(row: Alternative) -> int:
    return seconds_ns(row.seconds * row.uncertainty) or LONGEST_NS + 1


def _affordable(kernel: Tables, job: Job, row: Alternative) -> bool:
    """Within the memory of the machine and what is left of the tenant's engine time."""
    limit = kernel.config.memory_bytes
    return (not limit or row.memory_bytes <= limit) and kernel.accounts.has_engine_time(job.id, row.seconds)


def _move(kernel: Tables, job: Job, to: Alternative, why: str, message: str) -> None:
    record = job.submitted
    fence = job.fence
    kernel.commit(FellBack(now_ns=kernel.now_ns, job=job.id, fence=fence, to=to, why=why, message=message))
    before = {"engine": record.engine, "method": record.method}
    if why == "slow":
        kernel.out.append(Kill(job.id, fence))
    after = {"to_engine": to.engine, "to_method": to.method}
    kernel.audit("job.fallback", job.tenant, job=job.id, fence=fence, **before, **after, why=why)
    kernel.launch_ready()
