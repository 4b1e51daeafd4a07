"""``op_metrics``: the daemon's figures, and the times of jobs that ended. The host answers it and the kernel never sees
it, so it is not among the calls of the trusted base."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from qmk.abi.call import Call
from qmk.abi.operator import OPERATOR_METHODS
from qmk.abi.shapes import Request as Base
from qmk.rpc.metrics import Sample

LINES = 1000
"""Most lines of the log in one answer."""
ENDED_KEPT = 4096
"""Ended jobs whose times the daemon keeps."""


class Request(Base, frozen=True):
    after: Annotated[int, Meta(description="only jobs that ended after this number", ge=0)] = 0
    limit: Annotated[int, Meta(description="at most so many of them, the newest", ge=0, le=ENDED_KEPT)] = ENDED_KEPT
    log: LogQuery | None = None


class LogQuery(Base, frozen=True, kw_only=True):
    """Which lines of the daemon's log are asked for; those that are kept in memory are looked at."""

    tenant: Annotated[str, Meta(description="only lines about jobs of this tenant alone", max_length=64)] = ""
    job: Annotated[str, Meta(description="only lines that name this job", max_length=64)] = ""
    text: Annotated[str, Meta(description="only lines that have this text", max_length=256)] = ""
    since: Annotated[float, Meta(description="only lines from this Unix time on")] = 0.0
    until: Annotated[float, Meta(description="only lines before this Unix time; 0: until now")] = 0.0
    before: Annotated[int, Meta(description="only lines before this one; 0: from the newest", ge=0)] = 0
    limit: Annotated[int, Meta(description="most lines", ge=1, le=LINES)] = LINES


class LogLine(Struct, frozen=True, kw_only=True):
    """A line of the daemon's log."""

    number: Annotated[int, Meta(description="counts lines since the daemon's start")] = 0
    at_s: Annotated[float, Meta(description="Unix time in seconds")]
    level: str
    logger: str
    message: str
    job: Annotated[str, Meta(description="the first job that it names; empty: none")] = ""
    tenant: Annotated[str, Meta(description="whose jobs it names; empty: nobody's, or several tenants'")] = ""


class EndedJob(Struct, frozen=True, kw_only=True):
    """Times are Unix nanoseconds, 0 where the job never came so far; seconds are those that the worker told."""

    number: Annotated[int, Meta(description="counts ended jobs since the daemon's start")]
    job: str
    tenant: str
    state: str
    engine: str
    method: str
    shots: int
    epochs: int
    attempts: int
    cached: bool
    error: str
    trace: Annotated[str, Meta(description="that its request named; empty: none")] = ""
    submitted_ns: int
    started_ns: int
    ended_ns: int
    predicted_s: float
    prepare_s: float
    run_s: float
    cpu_s: float


class Reply(Struct, frozen=True):
    samples: Annotated[list[Sample], Meta(description="values by the table of metrics")]
    ended: Annotated[list[EndedJob], Meta(description="oldest first; older ones may be gone")]
    last: Annotated[int, Meta(description="the number of the newest ended job")]
    log: Annotated[
        list[LogLine], Meta(description="the lines that `log` asks for, the newest first; older lines are gone")
    ] = []


CALL = Call(
    name="op_metrics",
    doc="Answers the daemon's metrics, and the times of jobs that ended of late.",
    request=Request,
    reply=Reply,
    errors=("INVALID_PARAMS",),
)
DESK_METHODS: dict[str, Call] = {**OPERATOR_METHODS, CALL.name: CALL}
"""What the operator's socket of a running daemon takes."""
