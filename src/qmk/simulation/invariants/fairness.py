"""Tenants that always have work waiting get shares of the machine by weight, whatever crashes: each within a few jobs.

Held in set-ups that are ``saturated``: equal jobs, every tenant's queue kept filled. The bound is one job a worker, two
for the end of the count, and what was running when a daemon went down.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Journal
from qmk.kernel.events import Event, Finished
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World

SLACK_JOBS = 2


class Fairness(Invariant):
    name = "fairness"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._served: Counter[str] = Counter()
        self._ends = 0

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        if not self.world.setup.saturated:
            return
        kernel = self.world.daemon.kernel
        for effect in effects:
            if isinstance(effect, Journal) and isinstance(effect.record, Finished):
                tenants = [config.name for config in self.world.setup.tenants]
                if all(kernel.jobs.queue.scheduler.figures(tenant)[0] for tenant in tenants):
                    self._served[kernel.jobs.by_id[effect.record.job].tenant] += 1

    def on_stop(self, power: bool) -> None:
        self._ends += 1

    def on_end(self) -> None:
        setup = self.world.setup
        total, weights = self._served.total(), sum(config.weight for config in setup.tenants)
        bound = SLACK_JOBS + setup.kernel.workers * (1 + self._ends)
        for config in setup.tenants:
            share = total * config.weight / weights
            off = abs(self._served[config.name] - share)
            self.holds(
                off <= bound, f"{config.name} had {self._served[config.name]} of {total} jobs, its share is {share:.1f}"
            )
