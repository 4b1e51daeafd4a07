"""The scheduler as the kernel's job table uses it: jobs become tasks, records become events.

Every change goes through ``_tell`` as an event, so a list of them replays the scheduler. ``put``, ``drop``, ``start``
and ``stop`` follow the journal's records, live and at a replay; ``decide`` is called live only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qmk.abi.shapes import Footprint
from qmk.base.decoding import THROTTLE_LOAD
from qmk.kernel import mapping
from qmk.kernel.config import KernelConfig
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.schedule import forecast
from qmk.kernel.schedule.capacity import Settings
from qmk.kernel.schedule.messages import (
    Action,
    AllowanceSet,
    Clock,
    Declined,
    Event,
    Left,
    Queued,
    Settled,
    ShareSet,
    Started,
    Stopped,
    Task,
    Woken,
)
from qmk.kernel.schedule.plan import decide
from qmk.kernel.schedule.shares import LONGEST_NS
from qmk.kernel.schedule.state import WAITING, Schedule

MS = 1_000_000
MILLION = 1_000_000
SECOND = 1_000_000_000


def settings_of(config: KernelConfig) -> Settings:
    return Settings(
        workers=config.workers,
        memory_bytes=config.memory_bytes,
        regions=tuple(mapping.regions(config).items()),
        slots=not config.regions,
        epoch_ns=config.epoch_ms * MS,
    )


def nanoseconds(seconds: float) -> int:
    """Of a prediction or a measurement: whatever an engine says, from none to the longest there is."""
    return round(max(0.0, min(seconds, LONGEST_NS / SECOND)) * SECOND) if seconds == seconds else 0


class Dispatch:
    """Jobs that wait and jobs that are out."""

    def __init__(self, config: KernelConfig, tenant_of: Callable[[str], Tenant]) -> None:
        self.schedule = Schedule(settings_of(config))
        self._tenant_of = tenant_of
        self._jobs: dict[str, Job] = {}
        self._shares: dict[str, ShareSet] = {}
        self._allowances: set[str] = set()

    def __len__(self) -> int:
        return self.schedule.waiting

    def __iter__(self) -> Iterator[Job]:
        """The jobs that wait, as they came; for tests and listings."""
        return (job for id, job in self._jobs.items() if self.schedule.entries[id].state == WAITING)

    def __contains__(self, job: Job) -> bool:
        entry = self.schedule.entries.get(job.id)
        return entry is not None and entry.state == WAITING

    @property
    def epoch(self) -> int:
        """The scheduling epoch; it never goes back."""
        return self.schedule.epoch

    @property
    def now_s(self) -> float:
        """The wall clock of the last decision, Unix time in seconds."""
        return (self.schedule.wall_ns or 0) / 1e9

    def figures(self, tenant: str) -> tuple[int, int]:
        """Jobs of the tenant that wait, and that are out."""
        share = self.schedule.shares.by_name.get(tenant)
        return (len(share.queue), share.running) if share is not None else (0, 0)

    def clock(self, now_ns: int) -> None:
        if now_ns != self.schedule.wall_ns:
            self._tell(Clock(now_ns))

    def put(self, job: Job, left_ns: int = 0) -> None:
        """The job waits: a new one, or one whose launch is over. ``left_ns``: what it is predicted to take yet, where
        that is not for the scheduler to say."""
        self.share(self._tenant_of(job.tenant))
        self._jobs[job.id] = job
        allowance = job.submitted.session if job.submitted.session in self._allowances else ""
        self._tell(Queued(task_of(job, allowance), left_ns))

    def drop(self, job: Job) -> None:
        """The job waits no more, nor is it out."""
        if self._jobs.pop(job.id, None) is not None:
            self._tell(Left(job.id))

    def start(self, job: Job) -> None:
        """A worker took the job. A replay learns of its launch, and of its place, only now."""
        self._tell(Started(job.id, *job.place))

    def stop(self, job: Job, now_ns: int, continued: bool = False) -> None:
        """The launch is over; ``put`` or ``drop`` follows. It is charged the engine time that it reported, or else the
        time since its start. ``continued`` True: it was saved at a fence, and goes on from there."""
        measured = job.usage.get("engine_seconds")
        if isinstance(measured, int | float):
            used_ns = nanoseconds(measured)
        else:
            used_ns = max(0, now_ns - job.started_ns) if job.started_ns else 0
        self._tell(Stopped(job.id, used_ns, continued))

    def settled(self, times: dict[str, int]) -> None:
        """The virtual times of all tenants."""
        self._tell(Settled(times))

    def declined(self, job: Job) -> None:
        """The launch could not yield."""
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
        self.clock(now_ns)
        return decide(self.schedule, ())

    def woken(self) -> None:
        """The timer came that a decision asked for."""
        self._tell(Woken())

    def misfits(self) -> list[str]:
        """Jobs that no region of the map can hold: it was larger when they were accepted."""
        state = self.schedule
        return [id for id, entry in state.entries.items() if not state.capacity.may_ever_hold(entry.task)]

    def place(self, job: Job) -> int | None:
        """How many of the tenant's own jobs are launched before it; None when it does not wait."""
        return forecast.place(self.schedule, job.id)

    def start_s(self, job: Job) -> float:
        """Predicted launch of a waiting job, Unix time in seconds."""
        return forecast.start_ns(self.schedule, job.id) / 1e9

    def where(self, job: Job) -> tuple[str, int]:
        """Region of a job that is out, and the device index of its first qubit; ("", 0) of any other."""
        entry = self.schedule.entries.get(job.id)
        site = entry.site if entry is not None else None
        return (site.region, site.first) if site is not None else ("", 0)

    def decoder_load_beside(self, job: Job) -> float:
        """What the other jobs that are out put on the decoder."""
        out = self.schedule.out
        own = out[job.id].task.decoder_ppm if job.id in out else 0
        return (self.schedule.capacity.used_decoder - own) / MILLION

    def _tell(self, event: Event) -> None:
        self.schedule.apply(event)


def decoder_ppm(footprint: Footprint) -> int:
    """A job whose noise has risen until it alone is too much for the decoder runs with none beside it that asks for
    any of it: it has the bound."""
    return round(max(0.0, min(THROTTLE_LOAD, footprint.decoder_load)) * MILLION)


def task_of(job: Job, allowance: str) -> Task:
    record = job.submitted
    return Task(
        job=record.job,
        tenant=record.tenant,
        seq=record.seq,
        cost_ns=nanoseconds(record.seconds),
        memory_bytes=record.memory_bytes,
        qubits=record.width,
        priority=record.policy.get("priority", 0),
        deadline_epochs=record.policy.get("deadline_epochs"),
        fenced=record.fenced,
        wanted_region=job.wanted_region,
        allowance=allowance,
        decoder_ppm=0 if record.footprint is None else decoder_ppm(record.footprint),
    )
