"""The lines that ``qmk top`` shows of a daemon's figures, as wide and as high as there is room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from qmk.base.units import seconds_text
from qmk.client.ids import short_id
from qmk.client.job_text import progress_text
from qmk.formats import columns
from qmk.formats.printable import one_line

if TYPE_CHECKING:
    from qmk.abi.calls.q_jobs import JobRow
    from qmk.cli.top_figures import Figures

GIB = 1 << 30
NAME_CHARS = 24
"""Characters of a name that is shown."""

SORTS: dict[str, Callable[[JobRow], Any]] = {
    "state": lambda row: (_ORDER.get(row.state, 2), row.started or row.submitted),
    "newest": lambda row: -row.submitted,
    "tenant": lambda row: (row.tenant, row.submitted),
    "engine": lambda row: (row.engine, row.submitted),
    "shots": lambda row: -row.progress.shots_total,
}
_ORDER = {"RUNNING": 0, "QUEUED": 1}

COLUMNS: dict[str, Callable[[JobRow, float], str]] = {
    "job": lambda row, now: short_id(row.job_id),
    "tenant": lambda row, now: row.tenant,
    "state": lambda row, now: row.state,
    "engine": lambda row, now: " ".join(filter(None, (row.engine, row.method))),
    "time": lambda row, now: seconds_text(max(0.0, (row.ended or now) - (row.started or row.submitted))),
    "progress": lambda row, now: row.error or (_progress(row) if row.started else "-"),
    "name": lambda row, now: row.name[:NAME_CHARS],
}
"""Columns of the table of jobs; ``time`` is how long a job has run, or has waited."""
DROPPED = ("name", "engine", "tenant", "time", "progress")
"""Columns that a narrow terminal does without, the first one first."""


def _progress(row: JobRow) -> str:
    import msgspec

    return progress_text(msgspec.to_builtins(row.progress))


def pick(figures: Figures, sort: str, tenant: str | None) -> list[JobRow]:
    """The jobs in an order, all or those of one tenant."""
    return sorted((row for row in figures.jobs if tenant in (None, row.tenant)), key=SORTS[sort])


def lines(
    figures: Figures,
    width: int | None = None,
    height: int | None = None,
    sort: str = "state",
    tenant: str | None = None,
    bold: Callable[[str], str] = str,
) -> list[str]:
    """The figures as lines of at most ``width`` columns, ``height`` of them; None: of any number. ``tenant``: only its
    jobs."""
    rows = [*_head(figures, tenant, sort), "", *_tenants(figures, width, bold)]
    shown = pick(figures, sort, tenant)
    room = len(shown) if height is None else max(0, height - len(rows) - 2)
    rows += _jobs(shown[:room], figures.time, width, bold) if shown else ["no jobs"]
    left = len(shown) - room
    if left > 0 or figures.more:
        rows.append(f"... {left} more jobs" if left > 0 and not figures.more else "... more jobs")
    return [one_line(row)[:width] if bold is str else row for row in rows][:height]


def _head(figures: Figures, tenant: str | None, sort: str) -> Iterator[str]:
    clock = time.strftime("%H:%M:%S UTC", time.gmtime(figures.time))
    who = "all tenants" if figures.tenant is None else f"tenant {figures.tenant}"
    yield f"qmk top  {clock}  {who if tenant is None else f'tenant {tenant}'}, by {sort}  {figures.place}"
    rates = figures.rates
    yield f"jobs     {figures.running} running ({figures.workers} workers), {figures.queued} queued"
    failed = f", {rates.failed} of them failed" if rates.failed else ""
    yield f"minute   {rates.ended} ended{failed}, {rates.shots_per_s:,.0f} shots/s"
    if figures.engines:
        load = (f"{each.engine} {each.running} running {each.queued} queued" for each in figures.engines)
        yield f"engines  {'; '.join(load)}"
    if figures.machine is not None:
        machine = figures.machine
        used = (machine.memory_bytes - machine.available_bytes) / GIB
        memory = f"memory {used:.1f} of {machine.memory_bytes / GIB:.1f} GiB"
        yield f"machine  load {machine.load:.2f} of {machine.cpus} cores, {memory}"


def _tenants(figures: Figures, width: int | None, bold: Callable[[str], str]) -> Iterator[str]:
    if len(figures.tenants) < 2:
        return
    head = ("tenant", "jobs", "sessions", "weight", "")
    cells = [
        (each.tenant, str(each.jobs), str(each.sessions), f"{each.weight:g}", "suspended" if each.suspended else "")
        for each in sorted(figures.tenants, key=lambda each: -each.jobs)
    ]
    yield from _fit(head, cells, ("weight", "sessions", ""), width, bold)
    yield ""


def _jobs(jobs: Sequence[JobRow], now: float, width: int | None, bold: Callable[[str], str]) -> list[str]:
    wanted = [name for name in COLUMNS if name not in ("tenant", "name") or any(getattr(row, name) for row in jobs)]
    cells = [tuple(COLUMNS[name](row, now) for name in wanted) for row in jobs]
    return _fit(tuple(wanted), cells, DROPPED, width, bold)


def _fit(
    head: Sequence[str],
    cells: Sequence[Sequence[str]],
    dropped: Sequence[str],
    width: int | None,
    bold: Callable[[str], str],
) -> list[str]:
    """A table without as many of the ``dropped`` columns as do not fit."""
    found: list[str] = []
    for count in range(len(dropped) + 1):
        kept = [at for at, name in enumerate(head) if name not in dropped[:count]]
        table = [[row[at] for at in kept] for row in cells]
        found = list(columns.table([head[at] for at in kept], table))
        if width is None or max(map(len, found)) <= width or count == len(dropped):
            break
    return [bold(found[0]), *found[1:]]
