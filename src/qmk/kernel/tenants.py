"""All tenants and their live tokens, and how each journal record changes them.

Made by ``TenantSet``, ``TokenIssued`` and ``TokenRevoked`` records alone, so a replayed journal gives the same table.
Only live tokens are in it: one that was revoked, or has expired when the next one is issued, is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from qmk.kernel.config import TenantConfig
from qmk.kernel.events import TenantSet, TokenIssued, TokenRevoked
from qmk.kernel.objects.tenant import Tenant


class TenantTable:
    """Tenants by name. ``local`` is always there; others are registered by the operator."""

    def __init__(self, local: TenantConfig) -> None:
        self._by_name: dict[str, Tenant] = {local.name: Tenant(local)}
        self._local = local.name
        self._registered: set[str] = set()
        self._tokens: dict[str, dict[str, TokenIssued]] = {}

    def get(self, name: str) -> Tenant:
        """The tenant; one that is not registered, of whom old jobs tell, gets default quotas."""
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = Tenant(TenantConfig(name=name))
        return found

    def __iter__(self) -> Iterator[Tenant]:
        """Every tenant that has an account."""
        return iter(self._by_name.values())

    def list_registered(self) -> Iterator[Tenant]:
        """The registered tenants in order of their names."""
        return (self._by_name[name] for name in sorted(self._registered))

    @property
    def count(self) -> int:
        """The number of registered tenants."""
        return len(self._registered)

    @property
    def others(self) -> int:
        """How many there are beside the local one, which an operator may have registered to change it."""
        return len(self._registered) - (self._local in self._registered)

    def knows(self, name: str) -> bool:
        return name in self._registered

    def tokens(self, name: str) -> list[TokenIssued]:
        """The tenant's tokens that are neither revoked nor cleared away, oldest first."""
        return list(self._tokens.get(name, {}).values())

    def live(self, name: str, serial: str) -> bool:
        """Whether the tenant has this token."""
        return serial in self._tokens.get(name, {})

    def apply(self, record: TenantSet | TokenIssued | TokenRevoked) -> None:
        match record:
            case TenantSet():
                self.get(record.config.name).configure(record.config)
                self._registered.add(record.config.name)
            case TokenIssued():
                kept = self._tokens.get(record.tenant, {})
                kept = {serial: row for serial, row in kept.items() if not 0 < row.expires_ns <= record.now_ns}
                self._tokens[record.tenant] = {**kept, record.serial: record}
            case TokenRevoked():
                if record.serial:
                    self._tokens.get(record.tenant, {}).pop(record.serial, None)
                else:
                    self._tokens.pop(record.tenant, None)

    def snapshot(self) -> dict[str, Any]:
        """What a replay must rebuild, as comparable data."""
        return {
            "tenants": {tenant.name: msgspec.to_builtins(tenant.config) for tenant in self.list_registered()},
            "tokens": {name: list(rows.values()) for name, rows in self._tokens.items() if rows},
        }
