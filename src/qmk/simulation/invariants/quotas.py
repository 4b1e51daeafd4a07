"""What is counted against a quota is what there is: jobs, launches and handles, counted anew; no bound is exceeded, and
nothing is left counted when all is quiet."""

from __future__ import annotations

from qmk.kernel.objects.quota import Quota
from qmk.simulation.invariants.invariant import Invariant


class Quotas(Invariant):
    name = "quotas"

    def checked(self) -> None:
        kernel = self.world.daemon.kernel
        sessions = [kernel.sessions.get(id) for id in self.world.handles.held]
        for config in self.world.setup.tenants:
            tenant, name = kernel.tenant(config.name), config.name
            waiting = sum(pending.draft.tenant == name for pending in kernel.pending.values())
            alive = sum(job.tenant == name and not job.ended for job in kernel.jobs.by_id.values())
            out = sum(job.tenant == name for job in kernel.jobs.launched.values())
            held = sum(len(row.qubits) for row in sessions if row is not None and row.tenant is tenant)
            self._require(name, tenant.queued_jobs, alive + waiting)
            self._require(name, tenant.running_jobs, out)
            self._require(name, tenant.held_qubits, held)

    def _require(self, tenant: str, quota: Quota, counted: int) -> None:
        self.holds(quota.used == counted, f"{tenant}: {quota.used} {quota.name} are counted, {counted} there are")
        self.holds(counted <= quota.limit, f"{tenant}: {counted} {quota.name} exceed the limit {quota.limit}")

    def ended(self) -> None:
        for config in self.world.setup.tenants:
            tenant = self.world.daemon.kernel.tenant(config.name)
            for quota in (tenant.queued_jobs, tenant.running_jobs):
                self.holds(quota.used == 0, f"{config.name}: {quota.used} {quota.name} leaked")
