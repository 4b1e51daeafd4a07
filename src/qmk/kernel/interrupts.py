"""What a launch is asked for at its next fence, and how whoever asked is answered; ``checkpoint`` decides which."""

from __future__ import annotations

from typing import Any

from qmk.base.errors import QmkError
from qmk.base.ids import opaque
from qmk.kernel.effects import Interrupt, Reply, ReplyError
from qmk.kernel.events import Yielded
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job
from qmk.kernel.open_calls import Ask, Asked
from qmk.kernel.tables import Tables

SAVE = "save"
YIELD = "yield"
REWIND = "rewind"
AUDITED = {
    "preempted": "job.preempt",
    "migrated": "job.migrate",
    "rewound": "job.rollback",
    "channel": "job.preempt",
    "unreadable": "job.rollback",
    "unsaved": "job.preempt",
}


def interrupt(kernel: Tables, job: Job, kind: str, why: str = "", epoch: int = 0, ref: str = "") -> bool:
    """Asks the job's launch for something at its next fence; False when it is already being asked for that, or to
    stop."""
    assert job.fence, "only a launch can be interrupted"
    asked = kernel.asks.asked_of(job.id, job.fence)
    if kind in asked or YIELD in asked or REWIND in asked:
        return False
    ref = ref or opaque("chk", job.id.encode(), job.fence, kind)
    asked[kind] = Asked(ref, why)
    kernel.out.append(Interrupt(job.id, job.fence, kind, ref, why, epoch))
    return True


def send(kernel: Tables, job: Job, why: str, row: Checkpoint | None, region: str = "", reason: str = "") -> None:
    """Has the job go on from ``row`` (None: the start), in ``region``; its launch, if one is out, is over with this."""
    record = Yielded(
        now_ns=kernel.now_ns,
        job=job.id,
        fence=job.fence,
        checkpoint=row.id if row else "",
        epoch=row.epoch if row else 0,
        blob=row.blob if row else "",
        size_bytes=row.size_bytes if row else 0,
        why=why,
        region=region,
        reason=reason,
    )
    kernel.commit(record)
    kernel.audit(AUDITED[why], job.tenant, job=job.id, epoch=record.epoch)


def answer(kernel: Tables, ask: Ask, result: Any) -> None:
    kernel.asks.remove(ask)
    kernel.out.append(Reply(ask.conn, ask.ref, result))


def refuse(kernel: Tables, ask: Ask, error: QmkError) -> None:
    kernel.asks.remove(ask)
    kernel.out.append(ReplyError(ask.conn, ask.ref, error))
