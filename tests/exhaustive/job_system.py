"""A real kernel, driven by the actions of the model of jobs."""

from __future__ import annotations

from typing import Any

from qmk.abi.shapes import Policy
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import (
    Charge,
    ClearTimer,
    Effect,
    Kill,
    Launch,
    Reply,
    ReplyError,
    ReplyResult,
    Route,
    SetTimer,
)
from qmk.kernel.events import (
    ConnectionClosed,
    Failed,
    Finished,
    Refused,
    Routed,
    Started,
    TimerFired,
)
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import keep
from tests.exhaustive.job_model import ENDED, Act, Bounds, Job, State
from tests.unit.kernel.conftest import Bench, bell

ANSWERS = (Reply, ReplyError, ReplyResult)
GRAPH = keep(bell())


class KernelOfJobs:
    """``ids``: the newest job of each request; ``fences``: all launches of each, also of jobs that are forgotten."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.bench = Bench()
        config = KernelConfig(workers=1, kept_jobs=bounds.kept, job_attempts=bounds.attempts)
        self.bench.kernel = Kernel(config, STANDARD)
        self.session = self.bench.open()
        self.ids: list[str] = ["job_none"] * bounds.jobs
        self.fences: list[list[tuple[str, int]]] = [[("job_none", 0)] for _ in range(bounds.jobs)]
        self.unanswered: set[int] = set()
        self.timers: set[str] = set()
        self.charges: dict[tuple[str, int], str] = {}
        self.out: dict[str, int] = {}

    @property
    def kernel(self) -> Kernel:
        return self.bench.kernel

    def take(self, effects: list[Effect]) -> list[Effect]:
        """Notes what the kernel asks for."""
        for effect in effects:
            match effect:
                case Charge():
                    assert (effect.job, effect.attempt) not in self.charges, "charged twice"
                    self.charges[effect.job, effect.attempt] = effect.outcome
                case Launch():
                    assert not self.out, "there is one worker"
                    self.out[effect.job] = effect.fence
                    self.fences[self.ids.index(effect.job)].append((effect.job, effect.fence))
                case Kill():
                    assert self.out.pop(effect.job) == effect.fence
                case SetTimer():
                    self.timers.add(effect.key)
                case ClearTimer():
                    self.timers.discard(effect.key)
                case Reply() | ReplyError() | ReplyResult():
                    self.unanswered.remove(effect.ref)
        return effects

    def call(self, name: str, **params: Any) -> list[Effect]:
        """The effects of a call; it may be answered later."""
        self.unanswered.add(self.bench.count + 1)
        return self.take(self.bench.call(name, session_id=self.session, **params))

    def ask(self, name: str, **params: Any) -> bool:
        """Whether the call was not refused."""
        return not any(isinstance(effect, ReplyError) for effect in self.call(name, **params))

    def step(self, event: Any, **fields: Any) -> bool:
        """Whether the event changed anything."""
        return bool(self.take(self.bench.step(event, **fields)))

    def do(self, act: Act) -> bool:
        if act.what in ("start", "finish", "fail", "crash"):
            return self.hear(act)
        job = self.ids[act.number]
        match act.what:
            case "submit":
                return self.submit(act.number, shots=100)
            case "other":
                return self.submit(act.number, shots=200)
            case "route":
                routed = {"engine": "e", "method": "", "seconds": 1.0, "memory_bytes": 0, "reasons": []}
                return self.step(Routed, job=job, **routed)
            case "refuse":
                known = job in set(self.kernel.pending)
                return self.step(Refused, job=job, kind="UNSUPPORTED", message="no", fields={}) or known
            case "cancel" | "wait" | "result":
                return self.ask(f"q_{act.what}", job_id=job)
            case "deadline":
                return act.number in self.bounds.timed and self.step(TimerFired, key=f"job:{job}")
        self.unanswered.clear()
        self.step(ConnectionClosed, conn=1)
        self.bench.kernel.sessions.use(self.session, 1, self.bench.now_ns)
        return True

    def submit(self, number: int, shots: int) -> bool:
        """A request whose job is known gives that one."""
        policy = Policy(seed=1, timeout_ms=60_000 if number in self.bounds.timed else None, cache=False)
        key = f"key{number}"
        effects = self.call("q_submit", graph=GRAPH, shots=shots, policy=policy, idempotency_key=key)
        for effect in effects:
            if isinstance(effect, Route):
                self.ids[number] = effect.job
            elif isinstance(effect, Reply):
                assert effect.result.job_id == self.ids[number]
        return not any(isinstance(effect, ReplyError) for effect in effects)

    def hear(self, act: Act) -> bool:
        """What a worker says of a launch: the one that is out, else the newest; ``late``: of the one before."""
        own = self.fences[act.number]
        out = self.out.get(self.ids[act.number])
        over = [row for row in own if row[1] != out]
        job, fence = over[-1] if act.late or out is None else own[-1]
        if act.what != "start" and self.out.get(job) == fence:
            del self.out[job]
        match act.what:
            case "start":
                return self.step(Started, job=job, fence=fence)
            case "finish":
                return self.step(Finished, job=job, fence=fence, usage={})
            case "fail":
                return self.step(Failed, job=job, fence=fence, kind="JOB_FAILED", message="m", fields={})
        return self.step(Failed, job=job, fence=fence, kind="JOB_FAILED", message="m", fields={}, died=True)

    def view(self) -> State:
        kernel, jobs = self.kernel, []
        waiting = {pending.draft.job: pending for pending in kernel.pending.values()}
        for id in self.ids:
            job, pending = kernel.jobs.by_id.get(id), waiting.get(id)
            if pending is not None:
                jobs.append(Job("VALIDATING", callers=len(pending.callers)))
            elif job is None:
                jobs.append(Job())
            else:
                assert (job.fence > 0) == (id in kernel.jobs.launched)
                assert self.out.get(id, 0) == job.fence
                charges = tuple((attempt, how) for (name, attempt), how in self.charges.items() if name == id)
                waits = len(kernel.waits.of_job(id))
                jobs.append(Job(job.state, job.fence > 0, job.launches, job.attempts, 0, waits, charges))
        self.require_counts(jobs)
        numbers = {id: number for number, id in enumerate(self.ids)}
        live = [job for job in kernel.jobs.by_id.values() if not job.has_ended]
        order = tuple(numbers[job.id] for job in sorted(live, key=lambda job: job.submitted.seq))
        ended = tuple(numbers[id] for id in kernel.jobs.ended_by_tenant.get("local", ()))
        return State(tuple(jobs), order, ended)

    def require_counts(self, jobs: list[Job]) -> None:
        """Quotas, timers and calls that are not answered agree with the jobs."""
        account = self.kernel.tenant("local").account
        going = [job for job in jobs if job.state and job.state not in ENDED]
        assert account.quotas["queued_jobs"].held == len(going)
        assert account.quotas["running_jobs"].held == sum(job.out for job in jobs)
        assert len(self.unanswered) == sum(job.callers + job.waits for job in jobs)
        for number, job in enumerate(jobs):
            timed = number in self.bounds.timed and job.state in ("QUEUED", "RUNNING")
            assert (f"job:{self.ids[number]}" in self.timers) == timed
