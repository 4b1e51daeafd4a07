"""Watches every request: counts it, times it, and makes the span that its jobs hang on.

It stands before the router, so that what has no route is counted too. A client of the daemon says of a request what was
asked of the daemon (``note_call``); it finds the request in a context variable.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import q_submit
from qmk.gateway.observe.spans import Parent, Span, Traces, new_id, read_parent, trace_of_job
from qmk.gateway.whole import BEGINS
from qmk.rpc.metrics import OTHER, Counters

log = logging.getLogger("qmk.access")
JOBS_OF_A_REQUEST = 64
"""Jobs of one request that get its span; those of a larger batch have a trace each."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Watched:
    """A request that is being answered."""

    __slots__ = ("begin_ns", "calls", "jobs", "parent", "status", "tenant")

    def __init__(self, parent: Parent | None) -> None:
        self.parent = parent
        self.begin_ns = time.time_ns()
        self.status = 0
        self.tenant = ""
        self.jobs: list[str] = []
        self.calls: list[tuple[str, int, int]] = []


WATCHED: ContextVar[Watched | None] = ContextVar("qmk_request", default=None)
CALLS: ContextVar[Counters | None] = ContextVar("qmk_counters", default=None)


class _Made(msgspec.Struct):
    job_id: str = ""


def note_call(call: Call, begin_s: float, reply: bytes | msgspec.Raw | None, tenant: str) -> None:
    """Counts a call of the daemon, and notes the job that it made. ``reply`` is None where it was refused."""
    counters, watched = CALLS.get(), WATCHED.get()
    if counters is None:
        return
    took_s = time.perf_counter() - begin_s
    counters.observe("gateway_call_seconds", took_s, (call.name,))
    if watched is None:
        return
    watched.tenant = tenant
    if call is q_submit.CALL and reply is not None and len(watched.jobs) < JOBS_OF_A_REQUEST:
        job = msgspec.json.decode(reply, type=_Made).job_id
        now_ns = time.time_ns()
        watched.jobs.append(job)
        watched.calls.append((call.name, now_ns - round(took_s * 1e9), now_ns))


def current_trace() -> str:
    """The trace that the request at hand has named; empty: none."""
    watched = WATCHED.get()
    return watched.parent.trace if watched is not None and watched.parent is not None else ""


class Watch:
    """``app`` is the application behind it; ``take`` gets its spans, ``traces`` whose jobs they have."""

    def __init__(self, app: Any, counters: Counters, traces: Traces, take: Callable[[Sequence[Span]], None]) -> None:
        self._app, self._counters, self._traces, self._take = app, counters, traces, take
        self._in_flight = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        shown = next((value for name, value in headers if name == b"traceparent"), b"")
        watched = Watched(read_parent(shown.decode("ascii", "replace")) if shown else None)

        async def noting(message: Any) -> None:
            if message["type"] in BEGINS:
                watched.status = message["status"]
            await send(message)

        begin_s = time.perf_counter()
        tokens = WATCHED.set(watched), CALLS.set(self._counters)
        self._count_open(1)
        try:
            await self._app(scope, receive, noting)
        finally:
            self._count_open(-1)
            WATCHED.reset(tokens[0])
            CALLS.reset(tokens[1])
            self._note(scope, watched, time.perf_counter() - begin_s)

    def _count_open(self, by: int) -> None:
        self._in_flight += by
        self._counters.set("http_in_flight", self._in_flight)

    def _note(self, scope: Any, watched: Watched, seconds: float) -> None:
        """``path_template`` is the router's; what it found no route for has none."""
        route = str(scope.get("path_template") or OTHER)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._counters.add("http_requests_total", (route, method, str(watched.status or 499)))
        self._counters.observe("http_request_seconds", seconds, (route,))
        if watched.jobs:
            self._trace(watched, f"{method} {route}", route)
        if log.isEnabledFor(logging.INFO):
            trace = watched.parent.trace if watched.parent else trace_of_job(watched.jobs[0]) if watched.jobs else ""
            facts = {"tenant": watched.tenant, "trace": trace, "jobs": watched.jobs, "status": watched.status}
            log.info("%s %s %d %.1f ms", method, route, watched.status, 1e3 * seconds, extra={"facts": facts})

    def _trace(self, watched: Watched, name: str, route: str) -> None:
        """A trace that the request named has all its jobs; else each has its own, in which the request stands too."""
        end_ns = time.time_ns()
        made: list[Span] = []
        parent = watched.parent
        attributes: dict[str, str | int | float] = {"http.route": route, "http.response.status_code": watched.status}
        whole = new_id()
        for job, (call, begin_ns, call_end_ns) in zip(watched.jobs, watched.calls, strict=True):
            trace = parent.trace if parent else trace_of_job(job)
            if not parent or not made:
                made.append(
                    Span(
                        trace=trace,
                        id=whole,
                        parent=parent.span if parent else "",
                        name=name,
                        begin_ns=watched.begin_ns,
                        end_ns=end_ns,
                        attributes=attributes,
                    )
                )
            asked = Span(
                trace=trace,
                id=new_id(),
                parent=whole,
                name=call,
                begin_ns=begin_ns,
                end_ns=call_end_ns,
                attributes={"qmk.job": job},
            )
            made.append(asked)
            self._traces.name_parent(job, Parent(trace, whole))
        self._take(made)
