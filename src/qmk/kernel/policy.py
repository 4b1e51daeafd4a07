"""What the kernel leaves to policy: choices that can be unfair, slow or unkind, and never unsafe.

A policy proposes and the kernel checks. It is handed to the kernel when the kernel is made, lives outside the trusted
base (``qmk.policy``), and changes nothing that it is shown.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from qmk.abi.calls import q_events, q_get_telemetry, q_jobs, q_result, q_status, q_submit, q_wait
from qmk.base.errors import Finding
from qmk.kernel.capacity import Settings
from qmk.kernel.events import Submitted
from qmk.kernel.index import Index
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session
from qmk.kernel.scheduling import Scheduler

Forecast = tuple[int | None, float | None]
"""How many of the tenant's own jobs are launched before a job, and its predicted launch in Unix seconds: 0 and now
while a launch waits for its worker, None once it runs. The place depends on nobody else's jobs; the prediction depends
on the load, as it must."""


class Entry(NamedTuple):
    """A job whose result may serve another."""

    job: str
    size_bytes: int


class Cache(Protocol):
    """Which ended job of a tenant has what a new one asks for."""

    def add(self, tenant: str, key: Hashable, entry: Entry, /) -> None: ...

    def find(self, tenant: str, key: Hashable, /) -> Entry | None: ...

    def drop(self, tenant: str, job: str, /) -> None: ...


class Views(Protocol):
    """What calls show of a job or a session that the caller may see."""

    def status(self, job: Job, forecast: Forecast, /) -> q_status.Reply: ...
    def wait_status(self, job: Job, forecast: Forecast, /) -> q_wait.Reply: ...
    def submitted(self, job: Job, forecast: Forecast, warnings: list[Finding], /) -> q_submit.Reply: ...
    def events(self, job: Job, after: int, /) -> q_events.Reply: ...
    def result(self, job: Job, /) -> q_result.Reply: ...
    def job_row(self, job: Job, /) -> q_jobs.JobRow: ...
    def job_figures(self, job: Job, now_ns: int, /) -> q_get_telemetry.JobFigures: ...
    def session_figures(self, session: Session, open_waits: int, /) -> q_get_telemetry.SessionFigures: ...


class Policy(Protocol):
    """What it makes belongs to one kernel; the rest is functions of their arguments."""

    @property
    def views(self) -> Views: ...

    def scheduler(self, settings: Settings, /) -> Scheduler: ...

    def index(self) -> Index: ...

    def cache(self, entries: int, size_bytes: int, /) -> Cache:
        """``entries`` and ``size_bytes`` bound what each tenant has."""
        ...

    def second_engine(self, record: Submitted, rows: Sequence[Alternative], /) -> Alternative | None:
        """The one of ``rows`` to start beside the job's own engine, on a worker that has nothing to do."""
        ...
