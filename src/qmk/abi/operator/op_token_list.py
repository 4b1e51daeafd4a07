"""``op_token_list``: which tokens are live."""

from __future__ import annotations

from msgspec import Struct

from qmk.abi.call import Call
from qmk.abi.operator import shapes as operator_shapes

Request = operator_shapes.OfTenant


class Reply(Struct, frozen=True):
    tokens: list[operator_shapes.TokenRow]


CALL = Call(
    name="op_token_list",
    doc="Answers a tenant's tokens that are neither revoked nor expired, oldest first; not their texts.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
)
