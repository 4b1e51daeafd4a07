"""``q_jobs``: which jobs there are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Filter(shapes.Request, frozen=True):
    """Which jobs a page shows. It looks at ``limit`` of those with the name, or the first tag: with more than one of
    these, or ``not_tags``, it may show fewer, though others follow."""

    state: (
        Annotated[str, Meta(description="only jobs in this state: QUEUED, RUNNING, ...; absent: in any", max_length=64)]
        | None
    ) = None
    not_state: Annotated[str, Meta(description="only jobs in another state than this one", max_length=64)] | None = None
    name: Annotated[shapes.JobName, Meta(description="only jobs of this name; empty: of any")] = ""
    tags: Annotated[
        shapes.Tags,
        Meta(
            description="only jobs with all of these tags; those tagged `qmk:canary`, by "
            "which a gateway checks engines, or `qmk:block`, the blocks of a job, are listed only if it is one of them"
        ),
    ] = ()
    not_tags: Annotated[shapes.Tags, Meta(description="only jobs with none of these tags")] = ()
    limit: shapes.PageRows = shapes.PAGE_ROWS
    cursor: shapes.Cursor = ""


class Request(Filter, frozen=True, kw_only=True):
    session_id: shapes.SessionId


class JobRow(Struct, frozen=True, kw_only=True):
    """One job of a list; q_status has the rest."""

    job_id: str
    state: str
    progress: shapes.Progress
    engine: str
    method: str
    priority: int
    submitted: Annotated[float, Meta(description="acceptance, Unix time in seconds")]
    started: Annotated[float | None, Meta(description="latest launch, Unix time in seconds")]
    ended: float | None
    error: Annotated[str | None, Meta(description="name of the error with which it FAILED or was CANCELLED")]
    tenant: str = ""
    name: str = ""
    tags: list[str] = []
    idempotency_key: Annotated[str, Meta(description="that of its submission, if it had one")] = ""


class Reply(Struct, frozen=True, kw_only=True):
    jobs: list[JobRow]
    next: shapes.NextCursor


CALL = Call(
    name="q_jobs",
    doc="Answers the jobs of the session's tenant that are remembered, those accepted last first, page by page. A job "
    "in VALIDATING is not accepted yet and not listed.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS"),
)
