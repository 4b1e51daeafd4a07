"""``op_jobs``: which jobs there are, of all tenants."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.calls.q_jobs import Filter, Reply
from qmk.abi.operator.shapes import TenantName


class Request(Filter, frozen=True):
    tenant: TenantName | None = None


CALL = Call(
    name="op_jobs",
    doc="Answers the jobs of all tenants, or of the one that is named, as q_jobs does.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
)
