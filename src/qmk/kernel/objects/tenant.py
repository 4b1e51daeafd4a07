"""Tenant: whom sessions and jobs belong to, with its quotas."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.kernel.config import TenantConfig
from qmk.kernel.objects.quota import Quota


class Tenant:
    """``queued_jobs`` counts jobs that have not ended, ``running_jobs`` those launched, ``held_qubits`` q_alloc's,
    ``channels`` those proposed or approved that have not ended."""

    __slots__ = ("channels", "config", "held_qubits", "name", "queued_jobs", "running_jobs")

    def __init__(self, config: TenantConfig) -> None:
        self.name = config.name
        self.config = config
        self.queued_jobs = Quota("queued_jobs", "jobs", config.queued_jobs)
        self.running_jobs = Quota("running_jobs", "jobs", config.running_jobs)
        self.held_qubits = Quota("held_qubits", "qubits", config.held_qubits)

        self.channels = Quota("channels", "channels", config.channels)

    def quotas(self) -> tuple[Quota, ...]:
        return (self.queued_jobs, self.running_jobs, self.held_qubits, self.channels)

    def configure(self, config: TenantConfig) -> None:
        """Changes policy and bounds; what is in use stays, even where it is now too much."""
        self.config = config
        for quota in self.quotas():
            quota.limit = getattr(config, quota.name)

    def require_active(self) -> None:
        """TENANT_SUSPENDED when the operator has suspended it."""
        if self.config.suspended:
            raise QmkError("TENANT_SUSPENDED", f"tenant '{self.name}' is suspended", tenant=self.name)
