"""What is counted against a quota is what there is: jobs, launches and handles, counted anew; no bound is exceeded, and
nothing is left counted when all is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.objects.quota import Quota
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World


class Quotas(Invariant):
    name = "quotas"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._before: dict[tuple[str, str], int] = {}

    def started(self) -> None:
        self._before.clear()

    def checked(self) -> None:
        kernel = self.world.daemon.kernel
        for config in self.world.setup.tenants:
            tenant, name = kernel.tenant(config.name), config.name
            waiting = sum(pending.draft.tenant == name for pending in kernel.pending.values())
            alive = sum(job.tenant == name and not job.ended for job in kernel.jobs.by_id.values())
            out = sum(job.tenant == name for job in kernel.jobs.launched.values())
            held = sum(len(session.qubits) for session in kernel.sessions if session.tenant is tenant)
            channels = sum(name in channel.holders() for channel in kernel.channels.by_id.values())
            self._require(name, tenant.queued_jobs, alive + waiting)
            self._require(name, tenant.running_jobs, out)
            self._require(name, tenant.held_qubits, held)
            self._require(name, tenant.channels, channels)

    def _require(self, tenant: str, quota: Quota, counted: int) -> None:
        """A bound that the operator has lowered takes nothing away, but nothing more is given. (What a restart finds in
        the journal it takes as it is.)"""
        self.holds(quota.used == counted, f"{tenant}: {quota.used} {quota.name} are counted, {counted} there are")
        most = max(quota.limit, self._before.get((tenant, quota.name), counted))
        self.holds(counted <= most, f"{tenant}: {counted} {quota.name} exceed the limit {quota.limit}")
        self._before[tenant, quota.name] = counted

    def ended(self) -> None:
        for config in self.world.setup.tenants:
            tenant = self.world.daemon.kernel.tenant(config.name)
            for quota in (tenant.queued_jobs, tenant.running_jobs):
                self.holds(quota.used == 0, f"{config.name}: {quota.used} {quota.name} leaked")
