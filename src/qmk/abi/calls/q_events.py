"""``q_events``: the history of a job, as it happens."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call

LONG_POLL_MS = 30_000


class Request(shapes.OfJob, frozen=True):
    after: Annotated[
        int, Meta(description="seq of the last event already seen; 0: from the first", ge=0, le=shapes.INT_MAX)
    ] = 0
    timeout_ms: Annotated[shapes.TimeoutMs, Meta(description="answer with no events after this; 0: at once")] = (
        LONG_POLL_MS
    )


class JobEvent(Struct, frozen=True, omit_defaults=True):
    seq: Annotated[int, Meta(description="1, 2, 3, ... without gaps, but for those that were dropped")]
    time: Annotated[float, Meta(description="Unix time in seconds")]
    kind: Annotated[
        str,
        Meta(description="queued, started, moved, progress, saved, requeued, completed, failed or cancelled"),
    ]
    fields: dict[str, Any] = {}


class Reply(Struct, frozen=True):
    events: list[JobEvent]
    last_seq: Annotated[int, Meta(description="after of the next call")]
    ended: Annotated[bool, Meta(description="the job has ended and no event can follow")]
    dropped: Annotated[
        int, Meta(description="older entries dropped: events 1 to this are no longer kept; 0: the history is whole")
    ] = 0


CALL = Call(
    name="q_events",
    doc="Answers the job's events after `after`, in order, at most `page_events` of them; waits for one when there is "
    "none yet and the job goes on. Of a long history the newest `job_events` events are kept, and `dropped` counts the "
    "others.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "QUOTA_EXCEEDED"),
)
