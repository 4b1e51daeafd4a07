"""Which ended jobs and checkpoints are past their age, and when to look again. A look costs what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile

from qmk.base.units import SECOND_NS
from qmk.kernel.config import KernelConfig
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.policy import Kept
from qmk.kernel.retention import NEVER, checkpoint_due_ns, result_due_ns

LEAST_WAIT_NS = 60 * SECOND_NS
"""What becomes due within a minute goes together, or within a tenth of a shorter retention."""
AT_ONCE = 1000
"""Jobs and checkpoints that one step lets go; the next step, right after it, has the others."""


def find_old(kept: Kept, config: KernelConfig, now_ns: int) -> tuple[list[str], list[Checkpoint]]:
    """Jobs and checkpoints past their age, at most ``AT_ONCE``."""
    old = (
        job
        for ended in kept.ended_by_tenant.values()
        for job in takewhile(lambda id: result_due_ns(config, kept.by_id[id]) <= now_ns, ended)
    )
    jobs = list(islice(old, AT_ONCE))
    rows = (row for due_ns, row in _checkpoints(kept, config) if due_ns <= now_ns)
    return jobs, list(islice(rows, AT_ONCE - len(jobs)))


def next_look_ns(kept: Kept, config: KernelConfig, now_ns: int) -> int:
    """When the next one is past its age, or soon after that; 0 where nothing has an age."""
    ages = [age for age in (config.keep_results_s, config.keep_checkpoints_s) if age]
    first = [result_due_ns(config, kept.by_id[next(iter(ended))]) for ended in kept.ended_by_tenant.values() if ended]
    at_ns = min([*first, *(due_ns for due_ns, _ in _checkpoints(kept, config))], default=NEVER) if ages else NEVER
    if at_ns == NEVER:
        return 0
    if at_ns <= now_ns:  # there were more than one step lets go
        return at_ns
    return max(at_ns, now_ns + min(LEAST_WAIT_NS, *(age * SECOND_NS // 10 for age in ages)))


def _checkpoints(kept: Kept, config: KernelConfig) -> Iterator[tuple[int, Checkpoint]]:
    if config.keep_checkpoints_s:
        for tenant in kept.checkpoints.tenants():
            for row in kept.checkpoints.list_kept(tenant):
                yield checkpoint_due_ns(config, row), row
