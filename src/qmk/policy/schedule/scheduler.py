"""The scheduler that the kernel is given: fair shares, priority with ageing, backfilling and preemption."""

from __future__ import annotations

from functools import partial

from qmk.kernel.capacity import Settings
from qmk.policy.schedule import forecast
from qmk.policy.schedule.plan import decide
from qmk.policy.schedule.state import Schedule


class FairScheduler:
    """Implements ``qmk.kernel.scheduling.Scheduler`` by a ``Schedule``."""

    def __init__(self, settings: Settings) -> None:
        self.state = Schedule(settings)
        self.apply = self.state.apply
        self.accounts = self.state.accounts
        self.decide = partial(decide, self.state, ())
        self.place = partial(forecast.place, self.state)
        self.start_ns = partial(forecast.start_ns, self.state)

    def figures(self, tenant: str, /) -> tuple[int, int]:
        share = self.state.shares.by_name.get(tenant)
        waiting, running = self.state.scripts.figures(tenant)
        return (len(share.queue) + waiting, share.running + running) if share is not None else (waiting, running)

    def left_ns(self, job: str, /) -> int:
        entry = self.state.entries.get(job)
        return 0 if entry is None else entry.left_ns
