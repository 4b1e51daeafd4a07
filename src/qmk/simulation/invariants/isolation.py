"""A tenant sees its own jobs and no others, whatever ids it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Journal
from qmk.kernel.events import Event, Submitted
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Isolation(Invariant):
    name = "isolation"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._tenants: dict[str, str] = {}

    def stepped(self, event: Event, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal) and isinstance(effect.record, Submitted):
                self._tenants[effect.record.job] = effect.record.tenant

    def answered(self, call: Call) -> None:
        if call.error is not None:
            return
        if call.method == "q_negotiate_caps":
            self.holds(call.result.tenant == call.client.tenant.name, "a session was opened for another's tenant")
        job = getattr(call.request, "job_id", None) or getattr(call.result, "job_id", None)
        if job is not None:
            owner, asker = self._tenants.get(job), self.world.tenant_of(call)
            self.holds(owner == asker, f"{call.method}: {job} of {owner} is shown to {asker}")
