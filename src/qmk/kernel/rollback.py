"""Rollback: a job goes back to a fence that it has passed, and on from there.

Three ways, the first that works: the launch undoes the gates since the fence; the job starts again from a state saved
at that fence or before it; it starts from the beginning. The bits are the same each time, only the way back differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_rollback
from qmk.base.errors import QmkError
from qmk.kernel import interrupts
from qmk.kernel.asks import ROLLBACK, Ask
from qmk.kernel.effects import Kill, Reply
from qmk.kernel.tables import Tables

if TYPE_CHECKING:
    from qmk.kernel.events import NotInterrupted
    from qmk.kernel.objects.job import Job

IN_PLACE = "in_place"
SAVED = "saved"
START = "start"


def serve(kernel: Tables, ask: Ask, job: Job) -> None:
    """Takes the first step back, or answers when the job stands where it should."""
    if job.fence and job.submitted.fenced:
        interrupts.interrupt(kernel, job, interrupts.REWIND, "rewound", ask.epoch)
    else:
        _go_back(kernel, job, [ask])


def without_undoing(kernel: Tables, job: Job, event: NotInterrupted) -> None:
    """The launch could not undo what it did. A fence that it has not reached yet is none to go back to."""
    early: list[Ask] = []
    late: list[Ask] = []
    for ask in kernel.asks.of_job(job.id):
        if ask.kind == ROLLBACK:
            (early if 0 <= event.epoch < ask.epoch else late).append(ask)
    for ask in early:
        interrupts.refuse(kernel, ask, not_passed(ask.epoch, event.epoch))
    if late:
        _go_back(kernel, job, late)


def _go_back(kernel: Tables, job: Job, asks: list[Ask]) -> None:
    """To the furthest state that is past none of the fences asked for; a launch that is out is stopped."""
    for ask in asks:
        kernel.asks.remove(ask)
    target = kernel.jobs.checkpoints.latest(job.id, min(ask.epoch for ask in asks))
    fence = job.fence
    if fence or job.epochs_done > (target.epoch if target else 0):
        interrupts.send(kernel, job, "rewound", target)
    if fence:
        kernel.out.append(Kill(job.id, fence))
    reply = reply_of(job, SAVED if kernel.jobs.state_of(job) else START)
    kernel.out.extend(Reply(ask.conn, ask.ref, reply) for ask in asks)
    if fence:
        kernel.launch_ready()


def reply_of(job: Job, how: str) -> q_rollback.Reply:
    return q_rollback.Reply(job.id, job.epochs_done, how)


def not_passed(asked: int, reached: int) -> QmkError:
    return QmkError(
        "INVALID_PARAMS",
        f"the job has {reached} epochs behind it, so it cannot go back to the end of epoch {asked}",
        field="epoch",
        expected=f"int 0 to {reached}",
    )
