"""Changes all jobs that a filter leaves: stops them, forgets them, or gives them other tags."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.calls import q_jobs
from qmk.gateway.callers import Caller
from qmk.gateway.service.operation import narrow

_DROPPED = ("limit", "cursor")
_REASON = Annotated[str, Meta(description="kept with each job", max_length=1024)]
CancelMatching = narrow(q_jobs.Filter, "CancelMatching", drop=_DROPPED, reason=(_REASON, ""))
DeleteMatching = narrow(q_jobs.Filter, "DeleteMatching", drop=_DROPPED)
LabelMatching = narrow(
    q_jobs.Filter,
    "LabelMatching",
    drop=_DROPPED,
    add=(Annotated[shapes.Tags, Meta(description="tags that they get")], ()),
    remove=(Annotated[shapes.Tags, Meta(description="tags that they lose")], ()),
)


class Changed(Struct, frozen=True):
    """What became of the jobs that a filter leaves."""

    changed: Annotated[int, Meta(description="jobs that were changed; of the others there was nothing to change")]


async def cancel_matching(caller: Caller, asked: Any) -> Changed:
    return Changed(await caller.cancel_matching(**msgspec.structs.asdict(asked)))


async def delete_matching(caller: Caller, asked: Any) -> Changed:
    return Changed(await caller.delete_matching(**msgspec.structs.asdict(asked)))


async def label_matching(caller: Caller, asked: Any) -> Changed:
    return Changed(await caller.label_matching(**msgspec.structs.asdict(asked)))
