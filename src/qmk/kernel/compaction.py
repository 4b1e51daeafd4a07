"""What a journal may leave out: which records make which others superfluous.

A journal's rows are kept under keys. Those of a job have its id, and go when it is forgotten. Tenants, tokens and
channels have keys of their own, and of each only the newest record says anything. A job that was started, saved and
stopped again and again gets its whole state as one record in place of all but those that have its program. What the
superfluous records did to the shares of tenants stands in ``SharesSettled``, which comes with whatever supersedes. So a
replay of what is left gives the same kernel as a replay of everything, and neither restarts nor a busy job make the
journal grow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import convert, to_builtins

from qmk.abi.calls.q_events import JobEvent
from qmk.kernel.effects import Journal
from qmk.kernel.events import (
    ChannelChanged,
    ChannelForgotten,
    Event,
    JobState,
    Recovered,
    SharesSettled,
    ShuttingDown,
    TenantSet,
    TokenIssued,
    TokenRevoked,
)
from qmk.kernel.objects.alternative import Moved
from qmk.kernel.objects.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qmk.kernel.jobs import JobTable
    from qmk.kernel.state import State

_OWN = frozenset(("id", "mapping", "records", "seed", "shots", "submitted", "tenant"))
"""What of a job follows from its ``Submitted`` record, or is not kept."""

_SUPERSEDES = (JobState, TenantSet, TokenRevoked, ChannelChanged, ChannelForgotten, Recovered, SharesSettled)


class Superseded(NamedTuple):
    """The rows with keys from ``first`` to ``last`` that are older than the record: ``itself``: and the record's own;
    ``but_first``: all but the oldest of them, and but the newest ``Rewritten``, which has the graph of the job."""

    first: str
    last: str
    itself: bool = False
    but_first: bool = False


def key(record: Event) -> str:
    """Under what a journal keeps the record; empty: under nothing."""
    match record:
        case TenantSet():
            return f"tenant:{record.config.name}"
        case TokenIssued() | TokenRevoked():
            return f"token:{record.tenant}/{record.serial}"
        case ChannelChanged() | ChannelForgotten():
            return f"channel:{record.channel}"
        case Recovered() | ShuttingDown():
            return "daemon:"
        case SharesSettled():
            return "shares:"
        case _:
            return getattr(record, "job", "")


def superseded(record: Event) -> Superseded | None:
    """The rows that the record makes superfluous."""
    if not isinstance(record, _SUPERSEDES):
        return None
    name = key(record)
    match record:
        case TokenRevoked(serial=""):
            return Superseded(name, name + "~", itself=True)  # serials are hexadecimal: all are before a tilde
        case TokenRevoked() | ChannelForgotten():
            return Superseded(name, name, itself=True)
        case JobState():
            return Superseded(name, name, but_first=True)
        case _:
            return Superseded(name, name)


def compact(kernel: State, jobs: Iterable[Job]) -> None:
    """Put the whole state of these jobs, as far as they have not ended, in place of their records so far."""
    for job in jobs:
        if job.ended:
            continue
        hold = kernel.channels.holds.get(job.id)
        state = {name: getattr(job, name) for name in Job.__slots__ if name not in _OWN}
        queue = kernel.jobs.queue
        record = JobState(
            now_ns=kernel.now_ns,
            job=job.id,
            state={**state, "events": to_builtins(job.events)},
            checkpoints=tuple(kernel.jobs.checkpoints.of_job(job.id)),
            started=queue.has_started(job),
            left_ns=queue.scheduler.left_ns(job.id),
            holds=hold is not None and hold.started,
        )
        job.records = 0
        kernel.out.append(Journal(record, durable=False))


def settle(kernel: State) -> None:
    """Put down how the shares of tenants stand, whatever is left out before."""
    times = kernel.jobs.queue.scheduler.accounts()
    kernel.out.append(Journal(SharesSettled(now_ns=kernel.now_ns, times=times), durable=False))


def load(jobs: JobTable, record: JobState) -> list[Job]:
    """The job as the record has it. Where the records before it were replayed too, it is so already."""
    job = jobs.by_id.get(record.job)
    if job is None or job.ended:
        return []
    for row in record.checkpoints:
        if row.id not in jobs.checkpoints.by_id:
            jobs.checkpoints.add(row)
    state: dict[str, Any] = {**record.state, "events": convert(record.state["events"], list[JobEvent])}
    target, fence = state.pop("state"), state.pop("fence")
    moved = convert(state.pop("moved", ()), tuple[Moved, ...])
    state["tried"], state["changes"] = tuple(state.get("tried", ())), tuple(state.get("changes", ()))
    for name, value in state.items():
        setattr(job, name, tuple(value) if name == "place" else value)
    job.records = 0
    for move in moved[len(job.moved) :]:
        jobs.put_on(job, move)
    if record.started:
        jobs.take_over(job, fence)
    else:  # it may be out here, by a start whose later records are left out
        jobs.put_back(job, record.now_ns, record.left_ns)
    if job.state != target:
        jobs.move(job, target)
    return [job]
