"""Keeps all jobs, and changes them by journal records.

A live kernel decides what happens, makes a record of it and applies the record; a restarted kernel applies the same
records. Nothing else changes what ``snapshot`` shows, so a replayed journal equals the live run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from typing import Any

from msgspec import convert, structs

from qmk.abi.calls.q_events import JobEvent
from qmk.base.errors import QmkError
from qmk.kernel import cache, succession
from qmk.kernel import events as ev
from qmk.kernel.accounts import Accounts
from qmk.kernel.clock import RunningClock
from qmk.kernel.config import KernelConfig
from qmk.kernel.dispatch import Dispatch, nanoseconds
from qmk.kernel.objects.alternative import Moved
from qmk.kernel.objects.archive import Ended, Jobs
from qmk.kernel.objects.checkpoint import Checkpoint, CheckpointTable
from qmk.kernel.objects.job import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING, VALIDATING, Job, labels_of
from qmk.kernel.policy import Entry, Policy
from qmk.kernel.rewriting import ChangeRefused, Rewritten

GENERATION_BITS = 32
"""A fence number is the generation (starts of the daemon) above this many bits, a count of launches below."""


class JobTable:
    """Jobs by id, the launch queue, launches that are out (``launched``). ``archives`` is the number of the newest
    archive; ``forgotten`` and ``emptied`` collect jobs and archives that are to leave the journal."""

    def __init__(self, accounts: Accounts, config: KernelConfig, policy: Policy) -> None:
        self._accounts = accounts
        self._maps, self._views, self._refusals = policy.maps, policy.views, policy.refusals
        self.by_id = Jobs()
        self.by_key: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.queue = Dispatch(config, accounts, policy)
        self.launched: dict[str, Job] = {}
        self.seq = self.fence = self.generation = self.archives = 0
        self.clock = RunningClock()
        self.checkpoints = CheckpointTable(accounts.keep_state, policy.index())
        self.forgotten: list[Job] = []
        self.emptied: list[int] = []
        self.listed = policy.index()
        self.cache = policy.cache(config.cache_entries, config.cache_bytes)
        self.ended_by_tenant: defaultdict[str, Ended] = defaultdict(Ended)

    def apply(self, record: ev.Record) -> list[Job]:
        """Applies a record, and gives the jobs that it changed. Records of forgotten jobs change nothing."""
        if record.now_ns != self.queue.wall_ns:
            self.queue.clock(record.now_ns)
        self.clock.latest_ns = record.now_ns
        match record:
            case ev.Submitted():
                return [self._submit(record)]
            case ev.Recovered() | ev.ClockStepped():
                self.clock.follow(record)
                return self._recover(record) if isinstance(record, ev.Recovered) else []
            case ev.ShuttingDown():
                return self._requeue_all(record)
            case ev.CheckpointDropped():
                return self._drop_checkpoint(record.checkpoint)
            case ev.Forgotten():
                self._forget(record.job)
                return []
            case ev.SharesSettled():
                self.queue.set_times(record.times)
                return []
            case ev.JobState():
                return _load(self, record)
            case ev.OfLaunch() | ev.Cancelled():
                job = self.by_id.live.get(record.job)
                if job is None:
                    return []
                job.records += 1
                self._change(job, record)
                return [job]
            case Rewritten() | ChangeRefused():
                job = self.by_id.live.get(record.job)
                return [self._rewrite(job, record)] if job is not None else []
            case _:
                raise AssertionError(f"{type(record).__name__} is not a journal record")

    def launch(self, job: Job) -> int:
        """The scheduler gave the job a place: the fence of its launch. Not a record: what is out when the daemon goes
        down is asked of the launcher (``Recovered.adopted``), or launched again."""
        self.fence += 1
        self._occupy(job, self.fence)
        return self.fence

    def state_of(self, job: Job) -> str:
        """The blob that a launch of the job continues from; empty: from the start."""
        saved = self.checkpoints.by_id.get(job.saved)
        return saved.blob if saved is not None else ""

    def current(self, job_id: str, fence: int) -> Job | None:
        """The job if ``fence`` is its current launch, else None: the answer is stale."""
        job = self.launched.get(job_id)
        return job if job is not None and job.fence == fence else None

    def snapshot(self) -> dict[str, Any]:
        """What a replay must rebuild, as comparable data. ``seq`` is not in it: it need only be past those of the jobs
        there are, and the journal no longer has those that were forgotten."""
        return {
            "jobs": {id: job.comparable() for id, job in self.by_id.items()},
            "keys": {tenant: dict(keys) for tenant, keys in self.by_key.items() if keys},
            "ended": {tenant: list(jobs) for tenant, jobs in self.ended_by_tenant.items() if jobs},
            "generation": self.generation,
            "checkpoints": self.checkpoints.snapshot(),
            "virtual_times": self.queue.scheduler.accounts(),
            "accounts": self._accounts.snapshot(),
        }

    def _submit(self, record: ev.Submitted) -> Job:
        assert record.job not in self.by_id.live, "the host gave the same entropy twice"
        graph_bytes = record.graph_bytes or len(record.graph)
        mapping = self._maps.map_job(record) if record.policy.get("debug") else None
        job = Job(structs.replace(record, graph=b"", graph_bytes=graph_bytes), mapping)
        self.by_id.live[record.job] = job
        if record.idempotency_key:
            self.by_key[record.tenant][record.idempotency_key] = record.job
        self.seq = max(self.seq, record.seq)
        self._accounts.admit(record)
        self.move(job, QUEUED)
        job.note(record.now_ns, "queued", engine=record.engine, method=record.method)
        self.queue.put(job)
        return job

    def _change(self, job: Job, record: ev.OfLaunch | ev.Cancelled) -> None:
        now_ns = record.now_ns
        if isinstance(record, ev.Cancelled):
            state = FAILED if record.timeout else CANCELLED
            self._end(job, state, record, self._refusals.end_error(job, record))
            return
        self.fence = max(self.fence, record.fence)
        if isinstance(record, (ev.Saved, ev.Yielded)):
            self._save(job, record)
            return
        if isinstance(record, ev.Failed) and record.died:
            job.lose(record.cause, record.workers)
            job.retired = max(job.retired, record.fence)
            self._requeue(job, now_ns, record.message)
            return
        if isinstance(record, ev.Failed) and (not record.fence or (record.lost and job.state == QUEUED)):  # it waited
            self._end(job, FAILED, record, succession.reported_error(record.kind, record.message, record.fields))
            return
        if job.state == QUEUED and record.fence:
            self._start(job, record)
        match record:
            case ev.FellBack():
                self._fall_back(job, record)
            case ev.Progressed():
                job.shots_done, job.epochs_behind = record.shots_done, record.epoch
                job.progress_steps = succession.progress_step(job, record.shots_done)
                job.note(now_ns, "progress", shots_done=record.shots_done, shots_total=job.shots)
            case ev.Finished():
                self._finish(job, record)
            case ev.Failed():
                self._end(job, FAILED, record, succession.reported_error(record.kind, record.message, record.fields))
            case _:
                pass

    def _finish(self, job: Job, record: ev.Finished) -> None:
        job.usage, job.cached_from = dict(record.usage), record.cached_from
        if record.hedge is not None:
            job.tried += (succession.describe_try(job, "hedged", "the engine beside it was done first", record.now_ns),)
            self.put_on(job, Moved(record.hedge))
        job.shots_done = job.shots
        self._end(job, COMPLETED, record)
        if record.version and cache.cacheable(job.submitted):
            size_bytes = int(job.usage.get("result_bytes", 0))
            self.cache.add(job.tenant, cache.key_of(job.submitted, record.version), Entry(job.id, size_bytes))

    def _fall_back(self, job: Job, record: ev.FellBack) -> None:
        """Moves the job to another engine, from the start of the program: saved states belong to the engine before."""
        job.tried += (succession.describe_try(job, record.why, record.message, record.now_ns),)
        job.retired = max(job.retired, record.fence)
        job.saved = ""
        self.checkpoints.drop_passing(job.id)
        self.vacate(job, record.now_ns)
        self.put_on(job, Moved(record.to, again=record.why == "slow"))
        left_ns = max(1, nanoseconds(record.to.seconds))
        self._requeue(job, record.now_ns, f"{record.message}; it goes on with '{record.to.name}'", left_ns)

    def _rewrite(self, job: Job, record: Rewritten | ChangeRefused) -> Job:
        """Gives the job its new program, from the start: saved states belong to the program before."""
        job.records, job.changes = job.records + 1, (*job.changes, record.change)
        self.fence = max(self.fence, record.fence)
        if isinstance(record, ChangeRefused):
            return job
        job.rewritten, job.saved = job.rewritten + 1, ""
        job.retired = max(job.retired, record.fence)
        self.checkpoints.drop_passing(job.id)
        self.vacate(job, record.now_ns)
        succession.rewrite(job, record, self._maps)
        self._accounts.change(job.submitted)
        self._requeue(
            job, record.now_ns, self._views.reason(record), nanoseconds(job.submitted.seconds), epoch=record.epoch
        )
        return job

    def put_on(self, job: Job, move: Moved) -> None:
        """Makes this engine the job's own."""
        job.submitted = succession.move(job.submitted, move)
        job.moved += (move,)
        self._accounts.change(job.submitted)

    def _start(self, job: Job, record: ev.OfLaunch) -> None:
        began_ns = (record.began_ns if isinstance(record, ev.Finished) else 0) or record.now_ns
        if isinstance(record, ev.Started):
            succession.arrive(job, (record.region, record.first_qubit), began_ns)
        elif isinstance(record, ev.Finished) and record.began_ns:
            succession.arrive(job, record.place, began_ns)
        if job.id not in self.launched:
            self._occupy(job, record.fence)
        job.elsewhere = False
        self.queue.start(job)
        self.move(job, RUNNING)
        job.launches += 1
        job.started_ns = began_ns
        job.note(began_ns, "started", engine=job.submitted.engine, attempt=job.attempts + 1)

    def move(self, job: Job, state: str) -> None:
        """Moves the job to another state, and to the tenant's lists of jobs in that state."""
        labels = labels_of(job.submitted)
        for label in labels if job.state != VALIDATING else ():
            self.listed.drop((job.tenant, job.state, label), job.submitted.now_ns, job.id)
        job.move(state)
        for label in labels:
            self.listed.put((job.tenant, state, label), job.submitted.now_ns, job.id)

    def _end(self, job: Job, state: str, record: ev.Ending, error: QmkError | None = None) -> None:
        now_ns, job.skew_ns = record.now_ns, record.skew_ns
        self.vacate(job, now_ns)
        self.queue.drop(job)
        self.move(job, state)
        job.ended_ns, job.saved = now_ns, ""
        self.checkpoints.drop_passing(job.id)
        job.error = error.to_dict() if error is not None else None
        job.note(now_ns, state.lower(), **({"error": job.error} if error is not None else {}))
        job.kept_bytes = self._accounts.end(job.id, int(job.usage.get("result_bytes", 0)))
        self.checkpoints.age(job.id, now_ns, job.skew_ns)
        self.ended_by_tenant[job.tenant].fresh[job.id] = None

    def _forget(self, job_id: str) -> None:
        job = self.by_id.get(job_id)
        if job is None:
            return
        archive = self.by_id.archive_of(job_id)
        self.ended_by_tenant[job.tenant].remove(job_id, archive)
        self.by_id.remove(job_id)
        if archive is not None and not archive.left:
            self.emptied.append(archive.number)
        for label in labels_of(job.submitted):
            self.listed.drop((job.tenant, job.state, label), job.submitted.now_ns, job_id)
        self.cache.drop(job.tenant, job_id)
        self._accounts.keep(job.tenant, -job.kept_bytes)
        self.checkpoints.drop_job(job_id)
        keys, key = self.by_key[job.tenant], job.submitted.idempotency_key
        if keys.get(key) == job_id:
            del keys[key]
        self.forgotten.append(job)

    def _save(self, job: Job, record: ev.Saved | ev.Yielded) -> None:
        """Keeps the state; a job that has not ended goes on from it."""
        kept = isinstance(record, ev.Saved) and record.kept
        table = self.checkpoints
        if record.checkpoint and record.checkpoint not in table.by_id:
            table.add(
                Checkpoint(
                    id=record.checkpoint,
                    job=job.id,
                    tenant=job.tenant,
                    epoch=record.epoch,
                    blob=record.blob,
                    size_bytes=record.size_bytes,
                    kept=kept,
                    saved_ns=record.now_ns,
                )
            )
        if kept:
            job.note(record.now_ns, "saved", checkpoint=record.checkpoint, epoch=record.epoch)
        if job.has_ended:
            return
        job.saved = record.checkpoint
        job.epochs_done = job.epochs_behind = record.epoch
        job.crashes = 0
        if isinstance(record, ev.Yielded):
            self._yield(job, record)

    def _yield(self, job: Job, record: ev.Yielded) -> None:
        """Takes the job back to the queue. A record without a launch only says where a queued job goes on, and from
        what."""
        self.checkpoints.drop_passing(job.id, but=job.saved)
        job.retired = max(job.retired, record.fence)
        job.wanted_region = record.region or job.wanted_region
        sent = record.why == "migrated" or record.region  # a preemption may answer a q_migrate as well
        job.elsewhere = job.elsewhere or bool(sent and record.fence)
        self.vacate(job, record.now_ns, continued=record.why in ("preempted", "migrated"))
        self._requeue(job, record.now_ns, self._views.reason(record), epoch=record.epoch)

    def _drop_checkpoint(self, checkpoint: str) -> list[Job]:
        """A job that was to go on from it starts anew: the bits are the same, it only takes longer."""
        row = self.checkpoints.by_id.get(checkpoint)
        job = self.by_id.live.get(row.job) if row is not None else None
        self.checkpoints.drop(checkpoint)
        if job is None or job.saved != checkpoint:
            return []
        job.saved, job.epochs_done = "", 0
        job.epochs_behind = job.epochs_behind if job.fence else 0
        return [job]

    def _requeue(self, job: Job, now_ns: int, reason: str, left_ns: int = 0, **fields: Any) -> None:
        self.vacate(job, now_ns)
        if job.state == RUNNING:
            self.move(job, QUEUED)
        job.started_ns = job.shots_done = job.progress_steps = 0
        saved = self.checkpoints.by_id.get(job.saved)
        job.epochs_done = job.epochs_behind = saved.epoch if saved is not None else 0
        job.note(now_ns, "requeued", reason=reason, **fields)
        self.queue.put(job, left_ns)  # also one that waits: where it is wanted may have changed

    def _recover(self, record: ev.Recovered) -> list[Job]:
        """A new generation. Launches that still run are taken over; jobs whose launch went down with the daemon are
        queued again, and it is counted against them."""
        self.generation = max(self.generation + 1, record.generation)
        self.fence = self.generation << GENERATION_BITS
        adopted = {job: fence for job, fence in record.adopted if job in self.by_id.live}  # one may be forgotten since
        for job in self.launched.values():
            job.crashes += job.id not in adopted
        changed = self._requeue_all(record, adopted)
        for job_id, fence in adopted.items():
            self.take_over(self.by_id.live[job_id], fence)
        return changed

    def take_over(self, job: Job, fence: int) -> None:
        """Notes that the launch is under way."""
        if job.id not in self.launched:
            self._occupy(job, fence)
            self.queue.start(job)
        job.fence = fence

    def _requeue_all(self, record: ev.Recovered | ev.ShuttingDown, adopted: Container[str] = ()) -> list[Job]:
        """Every job with a launch out goes back to the queue. One whose worker had not answered yet was never
        started, as far as the journal knows, so its history says nothing."""
        changed: list[Job] = []
        for job in [job for job in self.launched.values() if job.id not in adopted]:
            if job.state == RUNNING:
                job.retired = max(job.retired, job.fence)
                self.vacate(job, job.started_ns)  # nobody knows how long it ran before the daemon went down
                self._requeue(job, record.now_ns, "the daemon stopped")
                changed.append(job)
            else:
                self.vacate(job, record.now_ns)
                self.queue.put(job)
        return changed

    def _occupy(self, job: Job, fence: int) -> None:
        job.fence = fence
        self.launched[job.id] = job
        self._accounts.occupy(job.id)

    def vacate(self, job: Job, now_ns: int, continued: bool = False) -> None:
        if self.launched.pop(job.id, None) is not None:
            self.queue.stop(job, now_ns, continued)
            self._accounts.vacate(job.id)
        job.fence = 0


def _load(jobs: JobTable, record: ev.JobState) -> list[Job]:
    """The job as the record has it. Where the records before it were replayed too, it is so already."""
    job = jobs.by_id.live.get(record.job)
    if job is None or job.has_ended:
        return []
    for row in record.checkpoints:
        if row.id not in jobs.checkpoints.by_id:
            jobs.checkpoints.add(row)
    state: dict[str, Any] = {**record.state, "records": 0, "events": convert(record.state["events"], list[JobEvent])}
    target, fence, lost = state.pop("state"), state.pop("fence"), job.lost
    moved = convert(state.pop("moved", ()), tuple[Moved, ...])
    state["tried"], state["changes"] = tuple(state.get("tried", ())), tuple(state.get("changes", ()))
    for name, value in state.items():
        setattr(job, name, tuple(value) if name == "place" else value)
    for move in moved[len(job.moved) :]:
        jobs.put_on(job, move)
    if not record.started or job.lost != lost:  # it may be out here, by a start whose later records are left out
        jobs.vacate(job, record.now_ns)
    if job.id not in jobs.launched:
        jobs.queue.put(job, record.left_ns)
    if record.started:
        jobs.take_over(job, fence)
    if job.state != target:
        jobs.move(job, target)
    return [job]
