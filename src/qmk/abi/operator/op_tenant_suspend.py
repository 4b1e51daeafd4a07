"""``op_tenant_suspend``: stop serving a tenant."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes

Request = operator_shapes.OfTenant
Reply = operator_shapes.TenantRow

CALL = Call(
    name="op_tenant_suspend",
    doc="Suspends a tenant: its sessions' calls and waits are answered TENANT_SUSPENDED, "
    "it opens no session, and its queued jobs wait. Running jobs go on to their end.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
    journaled=True,
)
