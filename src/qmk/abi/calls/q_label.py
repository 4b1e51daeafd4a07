"""``q_label``: give a job other tags."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfJob, frozen=True):
    add: Annotated[shapes.Tags, Meta(description="tags that it gets")] = ()
    remove: Annotated[shapes.Tags, Meta(description="tags that it loses, also if they are in `add`")] = ()


class Reply(Struct, frozen=True):
    tags: Annotated[list[str], Meta(description="all that it has now")]


CALL = Call(
    name="q_label",
    doc="Adds tags to a job and takes others from it, in whatever state it is.",
    request=Request,
    reply=Reply,
    rights=("CAP_CONTROL",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND"),
    journaled=True,
)
