"""The kernel's tables, and what handlers do to them: answer, journal, launch, wait."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls import q_events
from qmk.base.errors import QmkError
from qmk.kernel import ledger, views
from qmk.kernel.accounts import Accounts
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.effects import (
    ClearTimer,
    Effect,
    Forget,
    Journal,
    Kill,
    Launch,
    Reply,
    ReplyError,
    ReplyResult,
    SetTimer,
)
from qmk.kernel.events import CallReceived, Cancelled, Event
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.job import COMPLETED, FAILED, Job
from qmk.kernel.objects.session import Session, SessionTable, not_found
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.pending import Pending
from qmk.kernel.waits import STATUS_WAIT, Wait, WaitTable

MS = 1_000_000
SECOND = 1_000_000_000
JOB_TIMER = "job:"


class State:
    """``out`` collects the effects of the step at hand; ``now_ns`` is its time. ``pending`` are jobs in VALIDATING."""

    def __init__(self, config: KernelConfig | None = None) -> None:
        self.config = config or KernelConfig()
        self.closing = False
        self.now_ns = 0
        self.out: list[Effect] = []
        self.pending: dict[str, Pending] = {}
        self.pending_keys: dict[tuple[str, str], str] = {}
        self.sessions = SessionTable(self.config.sessions, self.config.session_idle_s * SECOND)
        self.waits = WaitTable(self.config.open_waits)
        self.accounts = Accounts(self.tenant, self.sessions.get, self.config)
        self.jobs = JobTable(self.accounts, self.config.kept_jobs)
        configured = (self.config.local, *self.config.tokens.values())
        self.known_caps = frozenset(name for row in configured for name in row.allowed_caps)
        self._tenants = {row.name: Tenant(row) for row in configured}

    def reply(self, event: CallReceived, result: Any) -> None:
        self.out.append(Reply(event.conn, event.ref, result))

    def audit(self, kind: str, tenant: str, **fields: Any) -> None:
        """Note a decision in the audit log."""

    def epoch(self) -> int:
        """The scheduling epoch of this step: epochs are ``epoch_ms`` long and counted from the Unix epoch."""
        return self.now_ns // (self.config.epoch_ms * MS)

    def tenant(self, name: str) -> Tenant:
        """The tenant; one that only the journal knows (its tokens were removed since) gets default quotas."""
        found = self._tenants.get(name)
        if found is None:
            found = self._tenants[name] = Tenant(TenantConfig(name=name))
        return found

    def session_of(self, event: CallReceived, session_id: str) -> Session:
        return self.sessions.use(session_id, event.conn, event.now_ns)

    def job_of(self, session: Session, job_id: str) -> Job:
        """The tenant's job; another tenant's is answered exactly like one that does not exist."""
        job = self.jobs.by_id.get(job_id)
        if job is None or job.tenant != session.tenant.name:
            raise QmkError("JOB_NOT_FOUND", f"no job '{job_id[:64]}'", job_id=job_id[:64])
        return job

    def commit(self, record: Event, durable: bool = True) -> list[Job]:
        """Applies a record and journals it, with what the launches that it ends are charged; then answers whoever waits
        for what it changed."""
        charges = ledger.charges(self.accounts, self.jobs, record)
        changed = self.jobs.apply(record)
        self.out.append(Journal(record, durable))
        self.out.extend(charges)
        for job in changed:
            if job.ended:
                self._account(job)
                if "timeout_ms" in job.submitted.policy:
                    self.out.append(ClearTimer(JOB_TIMER + job.id))
            self._wake(job)
        self.out.extend(Forget(job_id) for job_id in self.jobs.forgotten)
        self.jobs.forgotten.clear()
        return changed

    def stop(self, job: Job, record: Cancelled) -> None:
        """Ends a job before its time, on its worker too."""
        fence = job.fence
        self.commit(record)
        if fence:
            self.out.append(Kill(job.id, fence))

    def set_deadline(self, job: Job) -> None:
        timeout_ms = job.submitted.policy.get("timeout_ms")
        if timeout_ms is not None:
            self.out.append(SetTimer(JOB_TIMER + job.id, job.submitted.now_ns + timeout_ms * MS))

    def launch_ready(self) -> None:
        """Launches jobs in queue order while there are free slots. The first job that does not fit the memory left
        holds back those behind it, so that a large job is never starved by small ones."""
        jobs = self.jobs
        while not self.closing and len(jobs.launched) < self.config.workers:
            job = next((job for job in jobs.queue if self._may_run(job)), None)
            if job is None or not self._fits(job):
                return
            fence = jobs.launch(job)
            record = job.submitted
            self.out.append(
                Launch(
                    record.job,
                    fence,
                    record.engine,
                    record.method,
                    record.digest,
                    job.shots,
                    job.seed,
                    record.keep_events,
                    record.memory_bytes,
                )
            )

    def open_wait(self, event: CallReceived, session: Session, job: Job, after: int, timeout_ms: int | None) -> None:
        wait = self.waits.add(event.conn, event.ref, session.id, job.id, after, timeout_ms is not None)
        if timeout_ms is not None:
            self.out.append(SetTimer(wait.key, event.now_ns + timeout_ms * MS))

    def answer_wait(self, conn: int, ref: int, job: Job) -> None:
        """Answers a q_wait with the state as it is."""
        reply = views.wait_status(self.jobs, job, self.now_ns, self.config.workers)
        if job.state == COMPLETED:
            self.out.append(ReplyResult(conn, ref, job.id, 0, status=reply, result=views.result(job)))
        else:
            self.out.append(Reply(conn, ref, reply))

    def answer_events(self, conn: int, ref: int, job: Job, after: int) -> None:
        """Answers a q_events with what there is."""
        self.out.append(Reply(conn, ref, q_events.Reply(job.events[after:], len(job.events), job.ended)))

    def end_session(self, session: Session) -> list[str]:
        """Closes a session; the qubit handles it still held. Its open waits are answered with SESSION_NOT_FOUND."""
        released = list(session.qubits)
        session.release(released)
        for wait in self.waits.of_session(session.id):
            self.close_wait(wait)
            self.out.append(ReplyError(wait.conn, wait.ref, not_found(session.id)))
        self.sessions.remove(session)
        return released

    def close_wait(self, wait: Wait) -> None:
        """Takes a wait that is being answered off the tables."""
        self.waits.remove(wait)
        if wait.timed:
            self.out.append(ClearTimer(wait.key))

    def answer(self, wait: Wait, job: Job) -> None:
        """Answers an open wait with the state as it is."""
        self.close_wait(wait)
        if wait.after == STATUS_WAIT:
            self.answer_wait(wait.conn, wait.ref, job)
        else:
            self.answer_events(wait.conn, wait.ref, job, wait.after)

    def _wake(self, job: Job) -> None:
        for wait in self.waits.of_job(job.id):
            if job.ended or (wait.after != STATUS_WAIT and len(job.events) > wait.after):
                self.answer(wait, job)

    def _account(self, job: Job) -> None:
        """Counts an ended job for the session that submitted it, if that is still open."""
        session = self.sessions.get(job.submitted.session)
        if session is None:
            return
        if job.state == COMPLETED:
            session.jobs_completed += 1
            session.shots_completed += job.shots
            session.engine_seconds += float(job.usage.get("engine_seconds", 0.0))
        elif job.state == FAILED:
            session.jobs_failed += 1
        else:
            session.jobs_cancelled += 1

    def _may_run(self, job: Job) -> bool:
        return self.accounts.may_run(job.id)

    def _fits(self, job: Job) -> bool:
        """Whether the launches out and this one stay within the machine's memory; a job alone always may try."""
        bound = self.config.memory_bytes
        jobs = self.jobs
        return not bound or not jobs.launched or jobs.memory_bytes + job.submitted.memory_bytes <= bound
