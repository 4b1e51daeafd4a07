"""op_gc: the operator has what nobody needs collected. The kernel says which jobs go; the host looks at its store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel import retention
from qmk.kernel.effects import Collect

if TYPE_CHECKING:
    from qmk.abi.operator import op_gc
    from qmk.kernel.events import CallReceived
    from qmk.kernel.state import State


def collect(kernel: State, event: CallReceived) -> None:
    request: op_gc.Request = event.params
    table = kernel.jobs.by_id
    jobs: list[str] = []
    if request.older_than_s is not None:
        before_ns = event.now_ns - int(request.older_than_s * retention.SECOND)
        jobs = [id for ended in kernel.jobs.ended.values() for id in ended if table[id].ended_ns < before_ns]
    size = sum(kernel.accounts.keeps(job) for job in jobs)
    if not request.dry_run:
        for job in jobs:
            retention.forget(kernel, job)
        if jobs:
            kernel.audit("jobs.forget", "", jobs=len(jobs), older_than_s=request.older_than_s)
    kernel.out.append(
        Collect(
            event.conn,
            event.ref,
            request.dry_run,
            tuple(jobs),
            size,
            len(table) - (len(jobs) if request.dry_run else 0),
            sum(not job.ended for job in table.values()),
        )
    )
