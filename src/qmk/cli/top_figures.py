"""What ``qmk top`` shows: the figures of a daemon, for its operator, or for a tenant what it may see."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from qmk.abi.calls.q_jobs import JobRow
from qmk.abi.operator.shapes import TenantRow
from qmk.base.limits import LIMITS

if TYPE_CHECKING:
    from qmk.client import Client

RECENT_S = 60.0
"""Rates are of the jobs that have ended within so many seconds."""


class Machine(Struct, frozen=True):
    """The machine that the daemon runs on, as this one sees it."""

    load: float
    cpus: int
    memory_bytes: int
    available_bytes: int


class EngineLoad(Struct, frozen=True):
    """The jobs of one engine that have not ended."""

    engine: str
    running: int
    queued: int


class Rates(Struct, frozen=True):
    """What has ended within the last minute."""

    ended: int
    failed: int
    shots_per_s: float


class Figures(Struct, frozen=True, kw_only=True):
    """One look at a daemon. ``jobs`` are those that have not ended, and those that have lately. ``more``: there are
    more than these. ``machine`` is null for a server elsewhere, ``tenants`` are for the operator alone."""

    time: float
    place: str
    tenant: str | None
    running: int
    queued: int
    workers: int
    jobs: list[JobRow]
    more: bool
    tenants: list[TenantRow]
    engines: list[EngineLoad]
    rates: Rates
    machine: Machine | None


def of_operator(data_dir: Path | None, resources: Callable[[], Any]) -> Figures:
    """All jobs and tenants, by the line of the user who runs the daemon. ``resources`` asks what the machine has."""
    from qmk.client.operator import Operator

    operator = Operator(data_dir)
    tenants = operator.call("op_tenant_list").tenants
    jobs, more = _look(functools.partial(operator.call, "op_jobs"))
    return _sum(str(operator.path), None, jobs, more, resources(), tenants, True)


def of_tenant(client: Client, is_here: bool) -> Figures:
    """The jobs of the client's own tenant."""
    jobs, more = _look(client.jobs)
    return _sum(str(client.path), client.negotiate().tenant, jobs, more, client.query_resources(), [], is_here)


def _look(ask: Callable[..., Any]) -> tuple[list[JobRow], bool]:
    """The jobs that have not ended, and the newest ones that ended lately; and whether that is not all."""
    pages = [ask(state=state, limit=LIMITS.page_rows) for state in ("RUNNING", "QUEUED")]
    since = time.time() - RECENT_S
    newest = ask(limit=LIMITS.page_rows)
    rows = {row.job_id: row for page in pages for row in page.jobs}
    rows |= {row.job_id: row for row in newest.jobs if row.ended is not None and row.ended >= since}
    return list(rows.values()), any(page.next is not None for page in pages)


def _sum(
    place: str,
    tenant: str | None,
    jobs: list[JobRow],
    more: bool,
    resources: Any,
    tenants: list[TenantRow],
    is_here: bool,
) -> Figures:
    states = Counter(row.state for row in jobs)
    by_engine = Counter((row.engine, row.state) for row in jobs if row.ended is None and row.engine)
    ended = [row for row in jobs if row.ended is not None]
    names = sorted({engine for engine, _ in by_engine})
    return Figures(
        time=time.time(),
        place=place,
        tenant=tenant,
        running=states["RUNNING"],
        queued=states["QUEUED"],
        workers=resources.queue.workers,
        jobs=jobs,
        more=more,
        tenants=tenants,
        engines=[EngineLoad(name, by_engine[name, "RUNNING"], by_engine[name, "QUEUED"]) for name in names],
        rates=Rates(
            len(ended),
            sum(row.state == "FAILED" for row in ended),
            sum(row.progress.shots_done for row in ended) / RECENT_S,
        ),
        machine=read_machine() if is_here else None,
    )


def read_machine() -> Machine:
    """The load, cores and memory of this machine."""
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    return Machine(os.getloadavg()[0], os.cpu_count() or 1, total, available)
