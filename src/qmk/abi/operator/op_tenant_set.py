"""``op_tenant_set``: change a tenant."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes

Request = operator_shapes.TenantWishes
Reply = operator_shapes.TenantRow

CALL = Call(
    name="op_tenant_set",
    doc="Changes what is named of a tenant, at once: open sessions lose capabilities that are no longer allowed.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS", "QUOTA_EXCEEDED"),
    journaled=True,
)
