"""``q_delete``: forget a job that has ended."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Reply(Struct, frozen=True):
    state: Annotated[str, Meta(description="how it had ended")]
    freed_bytes: Annotated[int, Meta(description="what it kept: graph and result, as charged")]


CALL = Call(
    name="q_delete",
    doc="Forgets a job that has ended, with its result and its checkpoints. What the ledger and the audit log have of "
    "it stays.",
    request=shapes.OfJob,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "NOT_COMPLETED"),
    journaled=True,
)
