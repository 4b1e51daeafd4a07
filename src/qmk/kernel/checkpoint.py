"""Stops and saves launches at fences, and answers the callers who wait for it.

A launch is asked by an ``Interrupt`` effect and answers with ``Saved``, ``Yielded`` or ``NotInterrupted``; it may also
end or die first. Whatever happens, ``serve`` looks at each open ask again and does what the job's state now calls for.
Answers of launches that are no longer current change nothing.

A rollback takes a job to a fence that it has passed, and on from there. Three ways, the first that works: the launch
undoes the gates since the fence; the job starts again from a state saved at that fence or before it; it starts from the
beginning. The bits are the same each time, only the way back differs.
"""

from __future__ import annotations

from msgspec import structs

from qmk.abi.calls import q_checkpoint, q_rollback
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import firewall, interrupts
from qmk.kernel.effects import Kill, Reply
from qmk.kernel.events import NotInterrupted, NotSaved, Saved, Yielded
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job
from qmk.kernel.open_calls import CHECKPOINT, MIGRATE, ROLLBACK, Ask
from qmk.kernel.tables import Tables


def on_saved(kernel: Tables, event: Saved) -> None:
    """A state that nobody asked for, or the one that q_checkpoint calls wait for."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None:
        return
    kernel.states_fit = True
    asked = kernel.asks.asked_of(job.id, job.fence)
    wanted = interrupts.SAVE in asked and asked[interrupts.SAVE].ref == event.checkpoint
    if wanted:
        del asked[interrupts.SAVE]
    too_large = _too_large(kernel, job.tenant, event.size_bytes, event.blob)
    error = no_room(kernel, job.tenant, event.size_bytes, event.blob) if wanted else too_large
    if too_large is None:
        kernel.commit(structs.replace(event, kept=wanted and error is None), durable=wanted)
    if not wanted:
        return
    if error is not None:
        for ask in _asks(kernel, job, CHECKPOINT):
            interrupts.refuse(kernel, ask, error)
        return
    kernel.audit("checkpoint.save", job.tenant, job=job.id, checkpoint=event.checkpoint, epoch=event.epoch)
    row = kernel.jobs.checkpoints.by_id[event.checkpoint]
    for ask in _asks(kernel, job, CHECKPOINT):
        interrupts.answer(kernel, ask, reply_of(row))


def on_yielded(kernel: Tables, event: Yielded) -> None:
    """The launch stopped at a fence: the job is in the queue again."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None:
        return
    kernel.states_fit = True
    asked = kernel.asks.asked_of(job.id, job.fence)
    why = next((row.why for row in asked.values() if row.ref == event.checkpoint and row.why), event.why)
    region = next((ask.region for ask in reversed(_asks(kernel, job, MIGRATE))), "")
    if why == "preempted" and region:  # it was to make room, and has been asked to go elsewhere since
        why = "migrated"
    undone = [ask for ask in _asks(kernel, job, ROLLBACK) if why == "rewound" and ask.epoch == event.epoch]
    for ask in undone:
        kernel.asks.remove(ask)
    kernel.commit(structs.replace(event, why=why, region=region))
    kernel.audit(interrupts.AUDITED[why], job.tenant, job=job.id, epoch=event.epoch)
    for ask in undone:
        kernel.out.append(Reply(ask.conn, ask.ref, _rolled_back(job, IN_PLACE)))
    kernel.launch_ready()


def not_interrupted(kernel: Tables, event: NotInterrupted) -> None:
    """Handles a launch that goes on: calls that can be served in another way are, the others are refused."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None:
        return
    asked = kernel.asks.asked_of(job.id, job.fence)
    kind = next((kind for kind, row in asked.items() if row.ref == event.ref), "")
    asked.pop(kind, None)
    if kind == interrupts.YIELD:
        kernel.jobs.queue.decline(job)
    if kind == interrupts.REWIND:
        _go_back_without_undoing(kernel, job, event)
        for ask in kernel.asks.of_job(job.id):
            serve(kernel, ask, job)
        if job.fence:  # whoever wanted it to yield meanwhile was not heard
            kernel.jobs.queue.decline(job)
            firewall.look_again(kernel, job)
        return
    for ask in _asks(kernel, job, {interrupts.SAVE: CHECKPOINT, interrupts.YIELD: MIGRATE}.get(kind, "")):
        interrupts.refuse(kernel, ask, kernel.refusals.not_checkpointable(job, event.message))
    for ask in kernel.asks.of_job(job.id):
        serve(kernel, ask, job)


def not_saved(kernel: Tables, event: NotSaved) -> None:
    """A state could not be kept: until one can again, no launch is preempted. A launch that has stopped for it goes
    back to the queue, and on from the state before."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None:
        return
    kernel.states_fit = False
    if event.stopped:
        row = kernel.jobs.checkpoints.by_id.get(job.saved)
        region = next((ask.region for ask in reversed(_asks(kernel, job, MIGRATE))), "")
        interrupts.send(kernel, job, "unsaved", row, region, event.message)
        kernel.launch_ready()


def settle(kernel: Tables, job: Job) -> None:
    """The job's launch is over, or has just begun: looks again at what is asked of it."""
    for ask in kernel.asks.of_job(job.id):
        if kernel.asks.get(ask.key) is not None:
            serve(kernel, ask, job)


def serve(kernel: Tables, ask: Ask, job: Job) -> None:
    """Does what the ask needs next, which may be nothing, or answers it."""
    if job.has_ended:
        interrupts.refuse(kernel, ask, kernel.refusals.already_ended(job))
    elif ask.kind == CHECKPOINT:
        _serve_checkpoint(kernel, ask, job)
    elif ask.kind == MIGRATE:
        _serve_migrate(kernel, ask, job)
    else:
        _serve_rollback(kernel, ask, job)


def _serve_checkpoint(kernel: Tables, ask: Ask, job: Job) -> None:
    if job.fence and job.submitted.fenced:
        interrupts.interrupt(kernel, job, interrupts.SAVE, ref=ask.checkpoint)
        return
    if job.fence:
        interrupts.refuse(kernel, ask, kernel.refusals.not_checkpointable(job))
        return
    error = no_room(kernel, job.tenant)  # the state, if there is one, is paid for
    if error is not None:
        interrupts.refuse(kernel, ask, error)
        return
    kernel.asks.remove(ask)  # before the record, which has open asks looked at again
    row = keep(kernel, job, ask.checkpoint)
    kernel.out.append(Reply(ask.conn, ask.ref, reply_of(row)))


def no_room(kernel: Tables, tenant: str, size: int = 0, blob: str = "") -> QmkError | None:
    """QUOTA_EXCEEDED when the tenant may not keep one checkpoint more, with a state ``blob`` of ``size`` bytes. Asked
    when one is asked for, and again when it comes: others may have come since."""
    held = kernel.jobs.checkpoints.kept_of(tenant)
    if held >= LIMITS.checkpoints:
        return kernel.refusals.too_many_checkpoints(held)
    return _too_large(kernel, tenant, size, blob)


def _too_large(kernel: Tables, tenant: str, size: int, blob: str) -> QmkError | None:
    """QUOTA_EXCEEDED when the tenant may not store so many bytes more. A state that it has already costs nothing."""
    storage = kernel.tenant(tenant).account.storage
    if kernel.jobs.checkpoints.holds(tenant, blob) or storage.fits(size):
        return None
    return kernel.refusals.quota_exceeded(storage, size, kernel.now_ns)


def _serve_migrate(kernel: Tables, ask: Ask, job: Job) -> None:
    region = _asks(kernel, job, MIGRATE)[-1].region
    if region != ask.region:  # two that pull the job to and fro would never be done
        interrupts.refuse(kernel, ask, kernel.refusals.overtaken(ask.region, region))
        return
    if ask.placements is None:
        return
    if job.fence and kernel.jobs.queue.where(job)[0] == ask.region:
        interrupts.answer(kernel, ask, kernel.views.migration(job, ask.placements, *kernel.jobs.queue.where(job)))
    elif not job.fence:
        if job.wanted_region != ask.region:
            interrupts.send(kernel, job, "migrated", kernel.jobs.checkpoints.by_id.get(job.saved), ask.region)
    elif job.submitted.fenced:
        interrupts.interrupt(kernel, job, interrupts.YIELD, "migrated")
    else:
        interrupts.refuse(kernel, ask, kernel.refusals.not_checkpointable(job))


def keep(kernel: Tables, job: Job, checkpoint: str) -> Checkpoint:
    """Makes a kept checkpoint of where a queued job will go on, which is the program's start if no state was saved."""
    row = kernel.jobs.checkpoints.by_id.get(job.saved)
    record = Saved(
        now_ns=kernel.now_ns,
        job=job.id,
        fence=0,
        checkpoint=checkpoint,
        epoch=row.epoch if row else 0,
        blob=row.blob if row else "",
        size_bytes=row.size_bytes if row else 0,
        kept=True,
    )
    kernel.commit(record)
    kernel.audit("checkpoint.save", job.tenant, job=job.id, checkpoint=checkpoint, epoch=record.epoch)
    return kernel.jobs.checkpoints.by_id[checkpoint]


def start_anew(kernel: Tables, job: Job) -> None:
    """Its engine cannot go on from the saved state (it is of another version, say): the job starts from the beginning,
    which takes longer and gives the same bits."""
    interrupts.send(kernel, job, "unreadable", None)
    kernel.launch_ready()


def reply_of(row: Checkpoint) -> q_checkpoint.Reply:
    return q_checkpoint.Reply(row.id, row.job, row.epoch, row.size_bytes)


def _asks(kernel: Tables, job: Job, kind: str) -> list[Ask]:
    return [ask for ask in kernel.asks.of_job(job.id) if ask.kind == kind]


IN_PLACE = "in_place"
SAVED = "saved"
START = "start"


def _serve_rollback(kernel: Tables, ask: Ask, job: Job) -> None:
    """Takes the first step back, or answers when the job stands where it should."""
    if job.fence and job.submitted.fenced:
        interrupts.interrupt(kernel, job, interrupts.REWIND, "rewound", ask.epoch)
    else:
        _go_back(kernel, job, [ask])


def _go_back_without_undoing(kernel: Tables, job: Job, event: NotInterrupted) -> None:
    """The launch could not undo what it did. It cannot go back to a fence that it has not reached yet."""
    early: list[Ask] = []
    late: list[Ask] = []
    for ask in kernel.asks.of_job(job.id):
        if ask.kind == ROLLBACK:
            (early if 0 <= event.epoch < ask.epoch else late).append(ask)
    for ask in early:
        interrupts.refuse(kernel, ask, kernel.refusals.not_passed(ask.epoch, event.epoch))
    if late:
        _go_back(kernel, job, late)


def _go_back(kernel: Tables, job: Job, asks: list[Ask]) -> None:
    """Goes back to the latest state before all fences that were asked for, and stops a launch that is under way."""
    for ask in asks:
        kernel.asks.remove(ask)
    target = kernel.jobs.checkpoints.latest(job.id, min(ask.epoch for ask in asks))
    fence = job.fence
    if fence or job.epochs_done > (target.epoch if target else 0):
        interrupts.send(kernel, job, "rewound", target)
    if fence:
        kernel.out.append(Kill(job.id, fence))
    reply = _rolled_back(job, SAVED if kernel.jobs.state_of(job) else START)
    kernel.out.extend(Reply(ask.conn, ask.ref, reply) for ask in asks)
    if fence:
        kernel.launch_ready()


def _rolled_back(job: Job, how: str) -> q_rollback.Reply:
    return q_rollback.Reply(job.id, job.epochs_done, how)
