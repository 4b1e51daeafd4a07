"""What is counted against a quota is what there is: jobs, launches, handles, bytes and what jobs reserve, counted anew;
no bound is exceeded, and nothing is left counted when all is quiet. (What was spent is the ledger's: see there.)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.demand import demand_of_record
from qmk.kernel.events import Submitted
from qmk.kernel.objects.quota import Quota
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.kernel.core import Kernel
    from qmk.kernel.objects.tenant import Tenant
    from qmk.simulation.world import World

RESERVED = {"shots_period": "shots", "gates": "gates", "engine_seconds": "engine_ns"}
"""What a job reserves of a spent quota until it ends, by the name of its demand."""


def _width(record: Submitted) -> int:
    """Qubits that a launch holds of the map, counted here for itself."""
    return max(record.n_qubits, 1) if record.footprint is None else record.footprint.physical_qubits


class Quotas(Invariant):
    name = "quotas"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._before: dict[tuple[str, str], int] = {}

    def on_start(self) -> None:
        self._before.clear()

    def on_action_end(self) -> None:
        kernel = self.world.daemon.kernel
        for config in self.world.setup.tenants:
            tenant = kernel.tenant(config.name)
            self._check_counts(kernel, tenant)
            self._check_storage(kernel, tenant)

    def _check_counts(self, kernel: Kernel, tenant: Tenant) -> None:
        name = tenant.name
        demands = [
            *(demand_of_record(pending.draft) for pending in kernel.pending.values() if pending.draft.tenant == name),
            *(
                demand_of_record(job.submitted)
                for job in kernel.jobs.by_id.values()
                if job.tenant == name and not job.has_ended
            ),
        ]
        out = [job.submitted for job in kernel.jobs.launched.values() if job.tenant == name]
        sessions = [session for session in kernel.sessions if session.tenant is tenant]
        handles = sum(len(session.qubits) for session in sessions)
        counts = {
            "sessions": len(sessions),
            "queued_jobs": len(demands),
            "running_jobs": len(out),
            "held_qubits": handles,
            "logical_qubits": handles + sum(demand.n_qubits for demand in demands),
            "physical_qubits": sum(map(_width, out)),
            "channels": sum(name in channel.holders() for channel in kernel.channels.by_id.values()),
        }
        for quota_name, counted in counts.items():
            self._require(name, tenant.quota(quota_name), counted)
        for quota_name, field in RESERVED.items():
            self._require(name, tenant.quota(quota_name), sum(getattr(demand, field) for demand in demands))

    def _check_storage(self, kernel: Kernel, tenant: Tenant) -> None:
        """What jobs reserve and saved states take, each once, cannot give way; graphs and results of ended jobs do."""
        name, storage = tenant.name, tenant.account.storage
        rows = [row for row in kernel.jobs.checkpoints.by_id.values() if row.tenant == name and row.blob]
        saved = sum({row.blob: row.size_bytes for row in rows}.values())
        passing = sum(row.size_bytes for row in rows if not row.kept)
        reserved = kept_bytes = 0
        for job in kernel.jobs.by_id.values():
            if job.tenant != name:
                continue
            demand = demand_of_record(job.submitted)
            if job.has_ended:
                kept = min(demand.graph_bytes + int(job.usage.get("result_bytes", 0)), demand.stored_bytes)
                self.holds(kernel.jobs.by_id.kept_bytes(job.id) == kept, f"{job.id} keeps {kept} bytes")
                kept_bytes += kept
            else:
                reserved += demand.stored_bytes
        waiting = sum(
            demand_of_record(pending.draft).stored_bytes
            for pending in kernel.pending.values()
            if pending.draft.tenant == name
        )
        self._require(name, storage, saved + reserved, passing)
        self.holds(storage.waiting == waiting, f"{name}: {storage.waiting} bytes are asked for, not {waiting}")
        self.holds(storage.kept_bytes == kept_bytes, f"{name}: {storage.kept_bytes} bytes are kept, not {kept_bytes}")

    def _require(self, tenant: str, quota: Quota, counted: int, beyond: int = 0) -> None:
        """A bound that the operator has lowered takes nothing away, but nothing more is given. (What a restart finds in
        the journal it takes as it is.) ``beyond``: how much may be there all the same, as states with which launches
        have stopped may."""
        self.holds(quota.held == counted, f"{tenant}: {quota.held} {quota.name} are counted, {counted} there are")
        most = max(quota.bound, self._before.get((tenant, quota.name), counted))
        self.holds(counted <= most + beyond, f"{tenant}: {counted} {quota.name} exceed the limit {quota.bound}")
        self._before[tenant, quota.name] = counted

    def on_end(self) -> None:
        kernel = self.world.daemon.kernel
        for config in self.world.setup.tenants:
            for name in ("queued_jobs", "running_jobs", "physical_qubits", *RESERVED):
                quota = kernel.tenant(config.name).quota(name)
                self.holds(quota.held == 0, f"{config.name}: {quota.held} {quota.name} leaked")
