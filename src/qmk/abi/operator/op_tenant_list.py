"""``op_tenant_list``: who there is."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes
from qmk.abi.shapes import Request as Base


class Request(Base, frozen=True):
    tenant: operator_shapes.TenantName | None = None


class Reply(Struct, frozen=True):
    tenants: list[operator_shapes.TenantRow]


CALL = Call(
    name="op_tenant_list",
    doc="Answers the registered tenants in order of their names, or the one that is named.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
)
