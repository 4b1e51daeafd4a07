"""Tenant: whom sessions and jobs belong to, with its quotas."""

from __future__ import annotations

from qmk.kernel.config import TenantConfig
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.quota import Quota


class Tenant:
    """``account`` counts what the tenant uses; ``queued_jobs``, ``running_jobs`` and ``held_qubits`` are rows of it."""

    __slots__ = ("account", "config", "held_qubits", "name", "queued_jobs", "running_jobs")

    def __init__(self, config: TenantConfig) -> None:
        self.name = config.name
        self.config = config
        self.account = Account(config.name, config.quotas)
        self.queued_jobs = self.quota("queued_jobs")
        self.running_jobs = self.quota("running_jobs")
        self.held_qubits = self.quota("held_qubits")

    def quota(self, name: str) -> Quota:
        return self.account.quotas[name]

    def configure(self, config: TenantConfig) -> None:
        """The operator changed the tenant: other limits, the same counts."""
        self.config = config
        self.account.set_limits(config.quotas)
