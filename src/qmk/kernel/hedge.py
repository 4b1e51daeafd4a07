"""Starting a second engine beside the first, where a worker has nothing to do and the prediction is in doubt.

The launch keeps its one number; whoever runs launches starts both, takes the first result and ends the other, and gives
the second up as soon as anything else needs its worker. A job whose seed the caller chose is never hedged: which engine
is done first is a matter of luck, and with it the bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.objects.account import UNBOUNDED
from qmk.kernel.tables import Tables

if TYPE_CHECKING:
    from qmk.kernel.objects.alternative import Alternative
    from qmk.kernel.objects.job import Job


def choose(kernel: Tables, job: Job) -> Alternative | None:
    """The engine to start beside the job's own, which is being launched; None: no other. Policy says which, of those
    that may be."""
    record, config = job.submitted, kernel.config
    if not config.hedging or record.policy.get("seed") is not None:
        return None
    if record.fenced or record.channels or record.restored_from:
        return None
    if len(kernel.jobs.queue) or len(kernel.jobs.launched) >= config.workers:
        return None
    spare = config.memory_bytes - kernel.jobs.queue.capacity.used_memory if config.memory_bytes else UNBOUNDED
    rows = [row for row in record.alternatives if not row.last and row.memory_bytes <= spare]
    found = kernel.second_engine(record, rows) if rows else None
    return found if found in rows else None
