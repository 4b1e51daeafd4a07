"""Keeps the jobs that wait and those that are launched, and checks every launch that the scheduler proposes.

``put``, ``drop``, ``start`` and ``stop`` follow the journal's records, live and at a replay, and the scheduler is told
of each. ``decide`` is called live only. Whatever the scheduler proposes is checked here against the kernel's own books
before it is done: a job that waits, of a tenant that is not suspended, within the quotas, in a place that is free. A
proposal that fails is not done, and the audit log says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from qmk.abi.shapes import Footprint
from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.limits import LIMITS
from qmk.base.units import SECOND_NS
from qmk.kernel.accounts import Accounts
from qmk.kernel.capacity import Capacity, Settings, Site, width_of
from qmk.kernel.config import KernelConfig
from qmk.kernel.objects.job import QUEUED, Job
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.policy import Forecast, Policy
from qmk.kernel.scheduling import (
    Action,
    AllowanceSet,
    Clock,
    Declined,
    Left,
    Preempt,
    Queued,
    Settled,
    ShareSet,
    Started,
    Stopped,
    Task,
    WakeAt,
    Woken,
)

MILLION = 1_000_000


def settings_of(config: KernelConfig) -> Settings:
    return Settings(
        workers=config.workers,
        memory_bytes=max(config.memory_bytes, config.together_bytes),
        regions=tuple(config.region_qubits.items()),
        slots=not config.regions,
        epoch_ns=config.epoch_ms * MILLION,
    )


def nanoseconds(seconds: float) -> int:
    """Converts a prediction or a measurement of an engine, limited to the longest time limit."""
    return round(max(0.0, min(seconds, LIMITS.timeout_ms / 1000)) * SECOND_NS) if seconds == seconds else 0


class _Entry:
    """A job that waits, or is out: then ``site`` is its place, None if it was launched on a map that is no more.
    ``started``: a worker has taken it."""

    __slots__ = ("job", "out", "site", "started", "task", "waits")

    def __init__(self, job: Job, task: Task) -> None:
        self.job = job
        self.task = task
        self.site: Site | None = None
        self.waits = self.out = self.started = False


class Dispatch:
    """The launch queue. ``capacity`` is what is free by the kernel's own account."""

    def __init__(self, config: KernelConfig, accounts: Accounts, policy: Policy) -> None:
        settings = settings_of(config)
        self.scheduler = policy.scheduler(settings)
        self.capacity = Capacity(settings)
        self._memory_bytes = config.memory_bytes
        self._accounts = accounts
        self._entries: dict[str, _Entry] = {}
        self._waiting = 0
        self._shares: dict[str, ShareSet] = {}
        self._allowances: set[str] = set()
        self.wall_ns: int | None = None
        self._steady_ns = 0
        self._tell = self.scheduler.apply

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[Job]:
        """The jobs that wait, as they came; for tests and listings."""
        return (entry.job for entry in self._entries.values() if entry.waits)

    def __contains__(self, job: Job) -> bool:
        entry = self._entries.get(job.id)
        return entry is not None and entry.waits

    @property
    def epoch(self) -> int:
        """The scheduling epoch; it never goes back: while the clock does, it stands still."""
        return self._steady_ns // self.capacity.settings.epoch_ns

    @property
    def now_s(self) -> float:
        """The wall clock of the last decision, Unix time in seconds."""
        return (self.wall_ns or 0) / 1e9

    def clock(self, now_ns: int) -> None:
        if now_ns != self.wall_ns:
            if self.wall_ns is None or now_ns > self.wall_ns:
                self._steady_ns += now_ns - (self.wall_ns or 0)
            self.wall_ns = now_ns
            self._tell(Clock(now_ns))

    def put(self, job: Job, left_ns: int = 0) -> None:
        """Queues a job that is new, or whose launch is over. ``left_ns``: what it is predicted to take yet, where that
        is not for the scheduler to say."""
        self.share(self._accounts.tenant_of(job.tenant))
        entry = self._entries.get(job.id)
        if entry is None:
            allowance = job.submitted.session if job.submitted.session in self._allowances else ""
            entry = self._entries[job.id] = _Entry(job, task_of(job, allowance, self._memory_bytes))
        else:
            assert not entry.out, f"{job.id} is out"
            entry.task = task_of(job, entry.task.allowance, self._memory_bytes)
        self._waiting += not entry.waits
        entry.waits = True
        self._tell(Queued(entry.task, left_ns))

    def drop(self, job: Job) -> None:
        """Forgets a job that neither waits nor runs any more."""
        entry = self._entries.pop(job.id, None)
        if entry is not None:
            self._waiting -= entry.waits
            if entry.out:
                self._vacate(entry)
            self._tell(Left(job.id))

    def start(self, job: Job) -> None:
        """Notes that a worker took the job. A replay learns of its launch and its place only now."""
        entry = self._entries[job.id]
        if not entry.out:
            self._occupy(entry, self.capacity.site(entry.task, *job.place))
        entry.started = True
        self._tell(Started(job.id, *job.place))

    def stop(self, job: Job, now_ns: int, continued: bool = False) -> None:
        """Notes the end of the launch; ``put`` or ``drop`` follows. It is charged the engine time that it reported, or
        else the time since its start. ``continued`` True: it was saved at a fence, and goes on from there."""
        measured = job.usage.get("engine_seconds")
        if isinstance(measured, int | float):
            used_ns = nanoseconds(measured)
        else:
            used_ns = max(0, now_ns - job.started_ns) if job.started_ns else 0
        entry = self._entries[job.id]
        if entry.out:
            self._vacate(entry)
        self._tell(Stopped(job.id, used_ns, continued))

    def set_times(self, times: dict[str, int]) -> None:
        """The virtual times of all tenants."""
        self._tell(Settled(times))

    def decline(self, job: Job) -> None:
        """Tells the scheduler that the launch could not yield."""
        self._tell(Declined(job.id))

    def share(self, tenant: Tenant) -> None:
        """The tenant's weight and quotas, as they are now; call it when they change. A suspended one launches none."""
        jobs, qubits = tenant.account.launch_limits
        told = ShareSet(tenant.name, tenant.config.weight, 0 if tenant.config.suspended else jobs, qubits)
        if self._shares.get(tenant.name) != told:
            self._shares[tenant.name] = told
            self._tell(told)

    def allow(self, session: str, running_jobs: int, running_qubits: int) -> None:
        """The session has bounds of its own on what its jobs may have out at once. Call it before its first job."""
        self._allowances.add(session)
        self._tell(AllowanceSet(session, running_jobs, running_qubits))

    def lift(self, session: str) -> None:
        """The session is over, and its bounds with it; its jobs go on."""
        if session in self._allowances:
            self._allowances.discard(session)
            self._tell(AllowanceSet(session))

    def decide(self, now_ns: int) -> list[Action]:
        """Gives what the scheduler proposes. ``admit`` must check each proposal when its turn comes."""
        if now_ns != self.wall_ns:
            self.clock(now_ns)
        return self.scheduler.decide()

    def admit(self, action: Action) -> str:
        """Checks a proposal, and takes the place for a ``Place``. Says what is wrong with it; empty: nothing."""
        if isinstance(action, WakeAt):
            return "" if action.at_ns > (self.wall_ns or 0) else "it asks to be woken in the past"
        entry = self._entries.get(action.job)
        if isinstance(action, Preempt):
            return "" if entry is not None and entry.out and entry.task.fenced else "the job cannot yield"
        if entry is None or not entry.waits:
            return "the job does not wait"
        site = Site(action.region, action.first_qubit, width_of(entry.task))
        why = self._trouble(entry.task, site)
        if not why:
            self._occupy(entry, site)
        else:  # the scheduler supposes that it is out
            self._tell(Stopped(action.job, 0))
            self._tell(Queued(entry.task))
        return why

    def _trouble(self, task: Task, site: Site) -> str:
        """Says why the job may not be launched there."""
        if self._accounts.tenant_of(task.tenant).config.suspended:
            return "its tenant is suspended"
        if not self._accounts.may_occupy(task.job, task.allowance in self._allowances):
            return "its tenant or its session has as much out as it may"
        wanted = self.capacity.wanted_region(task) if task.wanted_region else None
        if wanted is not None and wanted.name != site.region:
            return "the job was sent to another region"
        return "" if self.capacity.holds(task, site) else "the place is not free"

    def woken(self) -> None:
        """Tells the scheduler that the timer it asked for came due."""
        self._tell(Woken())

    def misfits(self) -> list[str]:
        """Jobs that no region of the map can hold: it was larger when they were accepted."""
        return [id for id, entry in self._entries.items() if not self.capacity.may_ever_hold(entry.task)]

    def where(self, job: Job) -> tuple[str, int]:
        """Region of a job that is out, and the device index of its first qubit; ("", 0) of any other."""
        entry = self._entries.get(job.id)
        site = entry.site if entry is not None else None
        return (site.region, site.first) if site is not None else ("", 0)

    def has_started(self, job: Job) -> bool:
        """Whether a worker has taken the launch of the job that is out."""
        return self._entries[job.id].started

    def forecast(self, job: Job) -> Forecast:
        """What the scheduler expects of the job."""
        if job.state != QUEUED:
            return None, None
        place = self.scheduler.place(job.id)
        return ((0, 0), self.now_s) if place is None else (place, self.scheduler.start_ns(job.id) / 1e9)

    def decoder_load_beside(self, job: Job) -> float:
        """The load that the other running jobs put on the decoder."""
        entry = self._entries.get(job.id)
        own = entry.task.decoder_ppm if entry is not None and entry.out else 0
        return (self.capacity.used_decoder - own) / MILLION

    def _occupy(self, entry: _Entry, site: Site | None) -> None:
        self._waiting -= entry.waits
        entry.waits, entry.out, entry.site = False, True, site
        self.capacity.take(entry.task, site)

    def _vacate(self, entry: _Entry) -> None:
        self.capacity.give(entry.task, entry.site)
        entry.out, entry.started, entry.site = False, False, None


def decoder_ppm(footprint: Footprint) -> int:
    """A job whose noise has risen until it alone is too much for the decoder runs with none beside it that asks for
    any of it: it has the bound."""
    return round(max(0.0, min(THROTTLE_LOAD, footprint.decoder_load)) * MILLION)


def task_of(job: Job, allowance: str, memory_bytes: int) -> Task:
    """``memory_bytes``: all that there is in one place, which a job gets after memory ran out."""
    record = job.submitted
    return Task(
        job=record.job,
        tenant=record.tenant,
        seq=record.seq,
        cost_ns=nanoseconds(record.seconds),
        memory_bytes=max(record.memory_bytes, memory_bytes if "memory" in job.lost else 0),
        qubits=record.width,
        priority=record.policy.get("priority", 0),
        deadline_epochs=record.policy.get("deadline_epochs"),
        fenced=record.fenced,
        wanted_region=job.wanted_region,
        allowance=allowance,
        decoder_ppm=0 if record.footprint is None else decoder_ppm(record.footprint),
        script=record.script is not None,
    )
