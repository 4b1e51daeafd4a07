"""The kernel's tables, and what handlers do to them: answer, journal, launch, wait."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls import q_events
from qmk.abi.rights import CAP_RESULT
from qmk.base.errors import QmkError
from qmk.base.ids import trace
from qmk.kernel import authority, views
from qmk.kernel.config import KernelConfig
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
from qmk.kernel.events import CallReceived, Cancelled, Event, TenantSet, TokenIssued, TokenRevoked
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.capability import CapabilityTree, insufficient
from qmk.kernel.objects.job import COMPLETED, FAILED, Job
from qmk.kernel.objects.session import Session, SessionTable, not_found
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.pending import Pending
from qmk.kernel.tenants import TenantTable
from qmk.kernel.waits import STATUS_WAIT, Wait, WaitTable

MS = 1_000_000
SECOND = 1_000_000_000
JOB_TIMER = "job:"


class State:
    """``out`` collects the effects of the step at hand; ``now_ns`` is its time, ``rights`` what the call it carries out
    asks for. ``pending`` are jobs in VALIDATING."""

    def __init__(self, config: KernelConfig | None = None) -> None:
        self.config = config or KernelConfig()
        self.closing = False
        self.now_ns = 0
        self.out: list[Effect] = []
        self.pending: dict[str, Pending] = {}
        self.pending_keys: dict[tuple[str, str], str] = {}
        self.sessions = SessionTable(self.config.sessions, self.config.session_idle_s * SECOND)
        self.waits = WaitTable(self.config.open_waits)
        self.tenants = TenantTable(self.config.local)
        self.caps = CapabilityTree()
        self.rights: tuple[str, ...] = ()
        self._refused_callers = self._refusal_noted_ns = 0
        self.jobs = JobTable(self.tenant, self.config.kept_jobs)

    def reply(self, event: CallReceived, result: Any) -> None:
        self.out.append(Reply(event.conn, event.ref, result))

    def audit(self, kind: str, tenant: str, **fields: Any) -> None:
        """Note a decision in the audit log."""

    def epoch(self) -> int:
        """The scheduling epoch of this step: epochs are ``epoch_ms`` long and counted from the Unix epoch."""
        return self.now_ns // (self.config.epoch_ms * MS)

    def tenant(self, name: str) -> Tenant:
        """The tenant; see ``TenantTable.get`` for one that is not registered."""
        return self.tenants.get(name)

    def session_of(self, event: CallReceived, session_id: str) -> Session:
        """The caller's session. SESSION_NOT_FOUND without one, TENANT_SUSPENDED when its tenant is suspended."""
        session = self.sessions.use(session_id, event.conn, event.now_ns, event.peer_uid)
        if 0 < session.expires_ns <= event.now_ns:
            self.end_session(session, "its token has expired")
            raise not_found(session_id)
        session.tenant.require_active()
        if session.caps.expiring:
            authority.expire(self, session)
        return session

    def job_of(self, session: Session, job_id: str, rights: tuple[str, ...] | None = None) -> Job:
        """The job, if the session may do with it what ``rights`` say (by default those of the call at hand). One that
        the session holds no right over is answered exactly like one that does not exist."""
        wanted = self.rights if rights is None else rights
        job = self.jobs.by_id.get(job_id)
        if job is not None:
            if job.tenant == session.tenant.name and session.caps.held.issuperset(wanted):
                return job
            over = authority.rights_over(self, session, job)
            if wanted and over.issuperset(wanted):
                return job
            if over:
                raise insufficient(wanted, over)
        raise QmkError("JOB_NOT_FOUND", f"no job '{job_id[:64]}'", job_id=job_id[:64])

    def apply(self, record: Event) -> list[Job]:
        """Carries out a journal record, live or replayed; the jobs it changed."""
        if isinstance(record, (TenantSet, TokenIssued, TokenRevoked)):
            self.tenants.apply(record)
            return []
        return self.jobs.apply(record)

    def commit(self, record: Event, durable: bool = True) -> list[Job]:
        """Applies a record and journals it; then answers whoever waits for what it changed."""
        changed = self.apply(record)
        self.out.append(Journal(record, durable))
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

    def answer_wait(self, conn: int, ref: int, job: Job, session: Session) -> None:
        """Answers a q_wait with the state as it is, and with the result if the session may read it."""
        reply = views.wait_status(self.jobs, job, self.now_ns, self.config.workers)
        if job.state == COMPLETED and CAP_RESULT in authority.rights_over(self, session, job):
            self.out.append(ReplyResult(conn, ref, job.id, 0, status=reply, result=views.result(job)))
        else:
            self.out.append(Reply(conn, ref, reply))

    def answer_events(self, conn: int, ref: int, job: Job, after: int) -> None:
        """Answers a q_events with what there is."""
        self.out.append(Reply(conn, ref, q_events.Reply(job.events[after:], len(job.events), job.ended)))

    def end_session(self, session: Session, why: str = "closed") -> list[str]:
        """Closes a session; the qubit handles it still held. Its open waits are answered with SESSION_NOT_FOUND, and
        whatever was delegated from it ends with it."""
        for wait in self.waits.of_session(session.id):
            self.close_wait(wait)
            self.out.append(ReplyError(wait.conn, wait.ref, not_found(session.id)))
        released = list(session.qubits)
        session.release(released)
        for capability in list(session.caps.items.values()):
            if self.caps.get(capability.id) is capability and not capability.granted:
                authority.revoke(self, capability, why)
        self.sessions.remove(session)
        if session.expires_ns:
            self.out.append(ClearTimer(authority.SESSION_TIMER + session.id))
        self.audit("session.close", session.tenant.name, session=trace(session.id), why=why)
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
            session = self.sessions.get(wait.session)
            assert session is not None, "a session's waits end with it"
            self.answer_wait(wait.conn, wait.ref, job, session)
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
        tenant = self.tenant(job.tenant)
        return not tenant.config.suspended and tenant.running_jobs.used < tenant.running_jobs.limit

    def _fits(self, job: Job) -> bool:
        """Whether the launches out and this one stay within the machine's memory; a job alone always may try."""
        bound = self.config.memory_bytes
        jobs = self.jobs
        return not bound or not jobs.launched or jobs.memory_bytes + job.submitted.memory_bytes <= bound
