"""The operator: registers tenants, gives clients their tokens, and now and then changes, suspends and revokes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.operator import (
    op_tenant_add,
    op_tenant_list,
    op_tenant_resume,
    op_tenant_set,
    op_tenant_suspend,
    op_token_issue,
    op_token_list,
    op_token_revoke,
)
from qmk.abi.rights import RIGHTS
from qmk.base.units import SECOND_NS
from qmk.kernel.config import TenantConfig
from qmk.simulation.clients import Client
from qmk.simulation.plan import QUOTAS

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Operator(Client):
    """A client of the operator's socket. ``serials`` are those of the tokens it has made, by tenant."""

    def __init__(self) -> None:
        super().__init__(-1, TenantConfig(name="operator"))
        self.serials: dict[str, list[str]] = {}
        self.suspended: set[str] = set()
        self._tokens_for: dict[int, Client] = {}

    def introduce(self, world: World) -> None:
        """Before anything else: every tenant is registered, every client has a token."""
        for config in world.setup.tenants:
            request = op_tenant_add.Request(tenant=config.name, weight=config.weight, quotas=config.quotas)
            world.call(self, "op_tenant_add", request)
        self.equip(world)

    def equip(self, world: World) -> None:
        """A token for every client without one."""
        for client in world.clients:
            if not client.token:
                self._issue(world, client)

    def reconcile(self, world: World) -> None:
        """Nobody is suspended any more, and everybody has a token that is good."""
        for config in world.setup.tenants:
            world.call(self, "op_tenant_resume", op_tenant_resume.Request(tenant=config.name))
        for client in world.clients:
            self._issue(world, client, narrow=False)

    def act(self, world: World, rng: Random) -> None:
        tenant = rng.choice(world.setup.tenants).name
        if self.suspended and rng.random() < 0.7:
            world.call(self, "op_tenant_resume", op_tenant_resume.Request(tenant=self.suspended.pop()))
            return
        name, request = rng.choice(
            (
                ("op_tenant_list", op_tenant_list.Request()),
                ("op_token_list", op_token_list.Request(tenant=tenant)),
                ("op_tenant_set", self._change(tenant, rng)),
                ("op_tenant_suspend", op_tenant_suspend.Request(tenant=tenant)),
                ("op_tenant_resume", op_tenant_resume.Request(tenant=tenant)),
                ("op_token_revoke", self._revoke(tenant, rng)),
                ("op_tenant_add", op_tenant_add.Request(tenant=tenant)),
            )
        )
        world.call(self, name, request)

    def _change(self, tenant: str, rng: Random) -> Any:
        quota = rng.choice(QUOTAS)
        return op_tenant_set.Request(
            tenant=tenant, weight=rng.choice((1.0, 2.0, 4.0)), quotas={quota: rng.choice((1, 3, 20))}
        )

    def _revoke(self, tenant: str, rng: Random) -> Any:
        known = self.serials.get(tenant, [])
        serial = rng.choice(known) if known and rng.random() < 0.7 else ""
        return op_token_revoke.Request(tenant=tenant, serial=serial)

    def _issue(self, world: World, client: Client, narrow: bool = True) -> None:
        request = op_token_issue.Request(tenant=client.tenant.name)
        if narrow and world.setup.narrow:
            request = self._narrow(request, world)
        call = world.call(self, "op_token_issue", request)
        self._tokens_for[call.ref] = client

    def _narrow(self, request: op_token_issue.Request, world: World) -> op_token_issue.Request:
        """A token that may withhold rights and ends soon."""
        rng = Random(f"token {world.now_ns} {len(self._tokens_for)} {sum(map(len, self.serials.values()))}")
        return msgspec.structs.replace(
            request,
            expires=world.now_ns // SECOND_NS + rng.choice((2, 20, 400)) if rng.random() < 0.5 else None,
            rights=rng.sample([*RIGHTS], rng.randint(6, len(RIGHTS))) if rng.random() < 0.6 else None,
        )

    def hears(self, call: Call) -> None:
        client = self._tokens_for.pop(call.ref, None)
        if client is not None and call.error is None:
            client.token = call.result.token
            self.serials.setdefault(client.tenant.name, []).append(call.result.serial)
        if call.method == "op_tenant_suspend":
            self.suspended.add(call.request.tenant)
        if call.method == "op_token_revoke" and call.error is None:
            gone = set(call.result.revoked)
            known = self.serials.get(call.request.tenant, [])
            self.serials[call.request.tenant] = [serial for serial in known if serial not in gone]
