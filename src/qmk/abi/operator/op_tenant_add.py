"""``op_tenant_add``: register a tenant."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes

Request = operator_shapes.TenantWishes
Reply = operator_shapes.TenantRow

CALL = Call(
    name="op_tenant_add",
    doc="Registers a tenant. INVALID_PARAMS when there is one of this name.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS", "QUOTA_EXCEEDED"),
    journaled=True,
)
