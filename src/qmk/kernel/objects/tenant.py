"""Tenant: whom sessions and jobs belong to, with its quotas."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.kernel.config import TenantConfig
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.quota import Quota


class Tenant:
    """``account`` counts what the tenant uses; ``queued_jobs``, ``running_jobs``, ``held_qubits`` and ``channels`` are
    rows of it."""

    __slots__ = ("account", "channels", "config", "held_qubits", "name", "queued_jobs", "running_jobs")

    def __init__(self, config: TenantConfig) -> None:
        self.name = config.name
        self.config = config
        self.account = Account(config.name, config.quotas)
        self.queued_jobs = self.quota("queued_jobs")
        self.running_jobs = self.quota("running_jobs")
        self.held_qubits = self.quota("held_qubits")
        self.channels = self.quota("channels")

    def quota(self, name: str) -> Quota:
        return self.account.quotas[name]

    def configure(self, config: TenantConfig) -> None:
        """Changes policy and limits; what is in use stays, even where it is now too much."""
        self.config = config
        self.account.set_limits(config.quotas)

    def require_active(self) -> None:
        """TENANT_SUSPENDED when the operator has suspended it."""
        if self.config.suspended:
            raise QmkError("TENANT_SUSPENDED", f"tenant '{self.name}' is suspended", tenant=self.name)
