"""Spans: what one job went through, from the HTTP request to the phases of its engine.

A span is a name, a begin and an end in Unix nanoseconds, and the span that it is part of. The trace of a job is the one
that its request named (``traceparent``, W3C Trace Context), else it has the 128 bits of the job's id: whoever knows
a job knows its trace, and nothing has to be kept for it.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from qmk.rpc.op_metrics import EndedJob

TRACES_KEPT = 512
SPANS_OF_A_TRACE = 512
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


class Parent(NamedTuple):
    """Where a request comes from: its trace, and the span of whoever sent it."""

    trace: str
    span: str


class Span(msgspec.Struct, frozen=True, kw_only=True):
    trace: str
    id: str
    parent: str = ""
    name: str
    begin_ns: int
    end_ns: int
    failed: str = ""
    attributes: dict[str, str | int | float] = {}


_random = random.Random()


def new_id() -> str:
    """An id that no other span has; everybody may know it."""
    return _random.randbytes(8).hex()


def read_parent(text: str) -> Parent | None:
    """What a ``traceparent`` says; None for what is not one, which the standard has ignored."""
    found = _PARENT.fullmatch(text.strip()) if len(text) < 256 else None
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return Parent(found[1], found[2])


def trace_of_job(job: str) -> str:
    return job.partition("_")[2]


def spans_of_job(job: EndedJob, trace: str, parent: str) -> Iterator[Span]:
    """The spans of a job that has ended: it waited, a worker ran it in phases, the result was taken in and stored.
    Workers tell how long phases took and not when they began, so they stand one after the other."""

    def span(name: str, within: str, begin_ns: int, end_ns: int, **attributes: str | int | float) -> Span:
        id = hashlib.sha256(f"{job.job} {name}".encode()).hexdigest()[:16]
        end_ns = max(begin_ns, end_ns)
        return Span(
            trace=trace, id=id, parent=within, name=name, begin_ns=begin_ns, end_ns=end_ns, attributes=attributes
        )

    facts = {"qmk.job": job.job, "qmk.tenant": job.tenant, "qmk.state": job.state, "qmk.engine": job.engine}
    whole = span(
        "job", parent, job.submitted_ns, job.ended_ns, **facts, **{"qmk.shots": job.shots, "qmk.epochs": job.epochs}
    )
    yield msgspec.structs.replace(whole, failed=job.error)
    if not job.started_ns:
        if not job.cached:
            yield span("queue", whole.id, job.submitted_ns, job.ended_ns)
        return
    yield span("queue", whole.id, job.submitted_ns, job.started_ns)
    told = {"qmk.method": job.method, "qmk.attempts": job.attempts, "qmk.predicted_s": job.predicted_s}
    worker = span("worker", whole.id, job.started_ns, job.ended_ns, **told)
    yield worker
    at_ns = job.started_ns
    for name, seconds in (("engine.prepare", job.prepare_s), ("engine.run", job.run_s)):
        if seconds:
            end_ns = min(at_ns + round(seconds * 1e9), job.ended_ns)
            cpu = {"qmk.cpu_s": job.cpu_s} if name == "engine.run" else {}
            yield span(name, worker.id, at_ns, end_ns, **cpu)
            at_ns = end_ns
    yield span("deliver", worker.id, at_ns, job.ended_ns)


class Traces:
    """The newest traces, by id; in each its spans as they came."""

    def __init__(self, kept: int = TRACES_KEPT) -> None:
        self._kept = kept
        self._by_id: OrderedDict[str, list[Span | tuple[EndedJob, Parent]]] = OrderedDict()
        self.of_job: OrderedDict[str, Parent] = OrderedDict()
        """The trace of a job, and the span that it is part of, where a request here made it."""

    def __len__(self) -> int:
        return len(self._by_id)

    def put(self, span: Span) -> None:
        self._put(span.trace, span)

    def put_job(self, job: EndedJob, of: Parent) -> None:
        """Takes a job that has ended; its spans are made when somebody looks."""
        self._put(of.trace, (job, of))

    def _put(self, trace: str, row: Span | tuple[EndedJob, Parent]) -> None:
        rows = self._by_id.setdefault(trace, [])
        self._by_id.move_to_end(trace)
        if len(rows) < SPANS_OF_A_TRACE:
            rows.append(row)
        if len(self._by_id) > self._kept:
            self._by_id.popitem(last=False)

    def name_parent(self, job: str, parent: Parent) -> None:
        self.of_job[job] = parent
        if len(self.of_job) > 8 * self._kept:
            self.of_job.popitem(last=False)

    def find(self, name: str) -> str:
        """The id of a trace by itself or by the id of a job; a job that has not ended has that of its request."""
        of = self.of_job.get(name)
        return of.trace if of is not None else trace_of_job(name) if "_" in name else name

    def newest(self, count: int) -> list[list[Span]]:
        """The spans of the newest traces, the newest first."""
        return [self.get(id) for id, _ in zip(reversed(self._by_id), range(count), strict=False)]

    def get(self, trace: str) -> list[Span]:
        """The spans of a trace, in the order of their begins; empty for one that is not kept."""
        found: list[Span] = []
        for row in self._by_id.get(trace, ()):
            found += [row] if isinstance(row, Span) else spans_of_job(row[0], row[1].trace, row[1].span)
        return sorted(found, key=lambda span: (span.begin_ns, -span.end_ns))
