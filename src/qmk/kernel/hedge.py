"""Starting a second engine beside the first, where a worker has nothing to do and the prediction is in doubt.

The launch keeps its one number; whoever runs launches starts both, takes the first result and ends the other, and gives
the second up as soon as anything else needs its worker. A job whose seed the caller chose is never hedged: which engine
is done first is a matter of luck, and with it the bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmk.kernel.objects.alternative import Alternative
    from qmk.kernel.objects.job import Job
    from qmk.kernel.state import State

LONG_S = 1.0
"""least predicted time that a second engine is worth"""


def choose(kernel: State, job: Job) -> Alternative | None:
    """The engine to start beside the job's own, which is being launched; None: no other."""
    record, config = job.submitted, kernel.config
    if not config.hedging or record.seconds <= LONG_S or not record.alternatives:
        return None
    if record.policy.get("seed") is not None or record.fenced or record.channels or record.restored_from:
        return None
    if len(kernel.jobs.queue) or len(kernel.jobs.launched) >= config.workers:
        return None
    slowest_s = record.seconds * record.uncertainty
    for row in record.alternatives:
        fits = (
            not config.memory_bytes or kernel.jobs.queue.capacity.used_memory + row.memory_bytes <= config.memory_bytes
        )
        if not row.last and fits and row.seconds / row.uncertainty <= slowest_s:
            return row
    return None
