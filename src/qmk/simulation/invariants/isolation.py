"""A tenant sees its own jobs, and those that another has handed it a capability for; no others, whatever it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.effects import Audit, Effect, Journal
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
        self._handed: set[tuple[str, str]] = set()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal) and isinstance(effect.record, Submitted):
                self._tenants[effect.record.job] = effect.record.tenant
            elif isinstance(effect, Audit) and effect.kind == "cap.delegate":
                self._handed.add((effect.tenant, effect.fields["to"]))

    def on_answer(self, call: Call) -> None:
        if call.error is not None:
            return
        if call.method == "q_negotiate_caps":
            self.holds(call.result.tenant == call.client.tenant.name, "a session was opened for another's tenant")
        job = getattr(call.request, "job_id", None) or getattr(call.result, "job_id", None)
        if job is not None:
            owner, asker = self._tenants.get(job, ""), self.world.tenant_of(call)
            allowed = owner == asker or (owner, asker) in self._handed
            self.holds(allowed, f"{call.method}: {job} of {owner} is shown to {asker}")
