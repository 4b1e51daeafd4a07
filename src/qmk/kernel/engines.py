"""Goes on with another engine if the chosen one fails or takes too long, and starts a second one beside it.

Policy says which, of those that may be, and how long a launch may take; ``Alternative`` rows come with the job. Every
one is taken once, but that the engine which was stopped as too slow stays at hand as the last. The record of the move
comes before the launch that follows, and the job is one of the engine that gave its result.

A launch with a second engine keeps its one number; whoever runs launches starts both, takes the first result and ends
the other. A job whose seed the caller chose has none: which engine is done first is a matter of luck, and with it the
bits.
"""

from __future__ import annotations

from msgspec import structs

from qmk.base.errors import FALLBACKS
from qmk.base.limits import LIMITS
from qmk.kernel.effects import ClearTimer, Kill, SetTimer
from qmk.kernel.events import Failed, FellBack
from qmk.kernel.objects.account import UNBOUNDED
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.job import RUNNING, Job
from qmk.kernel.tables import Tables

SLICE_TIMER = "slice:"


def fail_over(kernel: Tables, job: Job, event: Failed) -> bool:
    """Goes on with the next engine, if the failure is one of this engine and there is one. A worker that was lost says
    that of its engine only where it was alone and memory ran out."""
    why = FALLBACKS.get(event.kind)
    rows = _affordable(kernel, job)
    here = not event.died or (event.cause == "memory" and _runs_alone(kernel, job))
    if why is None or not here or job.submitted.restored_from or not rows:
        return False
    _move(kernel, job, rows[0], why, f"engine '{job.submitted.engine}': {event.message}")
    return True


def judge_loss(kernel: Tables, job: Job, event: Failed) -> Failed:
    """The failure of a job whose worker was lost; the last one where no attempt is left. Workers that crash under one
    job are bounded over restarts and engines; one that is killed from outside is not the job's fault."""
    asked = job.submitted.policy.get("attempts") or UNBOUNDED
    limits = {"crashed": kernel.config.job_attempts, "killed": LIMITS.job_kills}
    limit = limits.get(event.cause, 1 if _runs_alone(kernel, job) else 2)
    count = job.lost.get(event.cause, 0) + event.workers
    if count < limit and job.attempts + 1 < asked:
        return event
    fields = {**event.fields, "engine": job.submitted.engine, "attempts": job.attempts + 1}
    error = kernel.refusals.lost_worker(event.cause, event.message, fields, count)
    told = {"kind": error.kind.name, "message": error.message, "fields": error.fields}
    return structs.replace(event, **told, died=False, lost=True)


def _runs_alone(kernel: Tables, job: Job) -> bool:
    return "memory" in job.lost or len(kernel.jobs.launched) == 1


def watch(kernel: Tables, job: Job) -> None:
    """Gives the job's launch, which a worker has just taken, its time slice."""
    _judge(kernel, job, None, waited=False)


def end_slice(kernel: Tables, job: Job, waited_ns: int) -> None:
    """Judges a launch whose time slice is over by the clock, ``waited_ns`` of which it waited for a processor."""
    kernel.slices.pop(job.id, None)
    if job.fence and job.state == RUNNING:
        _judge(kernel, job, kernel.now_ns - job.started_ns - waited_ns, waited_ns > 0)


def _judge(kernel: Tables, job: Job, spent_ns: int | None, waited: bool) -> None:
    rows = [row for row in _affordable(kernel, job) if not row.last]  # else two could take turns for ever
    hedged = kernel.hedged.get(job.id) == job.fence
    verdict = kernel.policy.judge_slice(job, rows, hedged, spent_ns, waited) if rows else 0
    if isinstance(verdict, int):
        if verdict > 0:
            kernel.slices[job.id] = job.fence
            kernel.out.append(SetTimer(SLICE_TIMER + job.id, kernel.now_ns + verdict))
    elif verdict in rows and spent_ns is not None:
        message = f"engine '{job.submitted.engine}' was stopped after {spent_ns / 1e9:.1f} s"
        _move(kernel, job, verdict, "slow", f"{message}, predicted {job.submitted.seconds:.3g} s")


def settle(kernel: Tables, job: Job) -> None:
    """Ends the slice, and the second engine, of a launch that is over."""
    kernel.hedged.pop(job.id, None)
    if kernel.slices.get(job.id, job.fence) != job.fence:
        del kernel.slices[job.id]
        kernel.out.append(ClearTimer(SLICE_TIMER + job.id))


def choose_second(kernel: Tables, job: Job) -> Alternative | None:
    """The engine to start beside the job's own, which is being launched; None: no other."""
    record, config = job.submitted, kernel.config
    if not config.hedging or record.policy.get("seed") is not None:
        return None
    if record.fenced or record.channels or record.restored_from or "memory" in job.lost:
        return None
    if len(kernel.jobs.queue) or len(kernel.jobs.launched) >= config.workers:
        return None
    spare = config.memory_bytes - kernel.jobs.queue.capacity.used_memory if config.memory_bytes else UNBOUNDED
    rows = [row for row in record.alternatives if not row.last and row.memory_bytes <= spare]
    found = kernel.policy.choose_second(record, rows) if rows else None
    return found if found in rows else None


def _affordable(kernel: Tables, job: Job) -> list[Alternative]:
    """The alternatives within the memory of the machine and what is left of the tenant's engine time."""
    limit, accounts = kernel.config.memory_bytes or UNBOUNDED, kernel.accounts
    rows = job.submitted.alternatives
    return [row for row in rows if row.memory_bytes <= limit and accounts.has_engine_time(job.id, row.seconds)]


def _move(kernel: Tables, job: Job, to: Alternative, why: str, message: str) -> None:
    record, fence = job.submitted, job.fence
    kernel.commit(FellBack(now_ns=kernel.now_ns, job=job.id, fence=fence, to=to, why=why, message=message))
    before = {"engine": record.engine, "method": record.method}
    if why == "slow":
        kernel.out.append(Kill(job.id, fence))
    after = {"to_engine": to.engine, "to_method": to.method}
    kernel.audit("job.fallback", job.tenant, job=job.id, fence=fence, **before, **after, why=why)
    kernel.launch_ready()
