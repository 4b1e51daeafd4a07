"""``op_tenant_resume``: serve a suspended tenant again."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes

Request = operator_shapes.OfTenant
Reply = operator_shapes.TenantRow

CALL = Call(
    name="op_tenant_resume",
    doc="Lifts a suspension: open sessions answer again and queued jobs are launched.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
    journaled=True,
)
