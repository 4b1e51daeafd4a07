"""The kernel's tables, and what handlers do to them: answer, journal, launch, wait."""

from __future__ import annotations

from typing import Any

from qmk.abi.calls import q_events
from qmk.base.errors import QmkError
from qmk.kernel import checkpoint, firewall, records, views
from qmk.kernel.asks import AskTable
from qmk.kernel.audit import AuditLog, reference
from qmk.kernel.channels import ChannelTable
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.effects import (
    ClearTimer,
    DropBlob,
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
from qmk.kernel.events import CallReceived, Cancelled, ChannelChanged, Event, Submitted
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.channel import Channel
from qmk.kernel.objects.job import COMPLETED, FAILED, Job
from qmk.kernel.objects.session import Session, SessionTable, not_found
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.pending import Pending
from qmk.kernel.schedule.messages import Action, Place, Preempt, WakeAt
from qmk.kernel.waits import STATUS_WAIT, Wait, WaitTable

MS = 1_000_000
SECOND = 1_000_000_000
JOB_TIMER = "job:"
EPOCH_TIMER = "epoch"


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
        self.asks = AskTable(self.config.open_waits)
        self.audit_log = AuditLog(self.config.epoch_ms * MS)
        self.jobs = JobTable(self.tenant, self.config)
        self.channels = ChannelTable(self.tenant)
        configured = (self.config.local, *self.config.tokens.values())
        self.known_caps = frozenset(name for row in configured for name in row.allowed_caps)
        self._tenants = {row.name: Tenant(row) for row in configured}

    def reply(self, event: CallReceived, result: Any) -> None:
        self.out.append(Reply(event.conn, event.ref, result))

    def audit(self, kind: str, tenant: str, **fields: Any) -> None:
        """Note a decision in the audit log. ``fields`` are small JSON values, never programs or secrets; a session is
        named by ``audit.reference``."""
        if self.config.audited:
            self.audit_log.note(self.now_ns, kind, tenant, fields, self.out)

    def epoch(self) -> int:
        """The scheduling epoch of this step: epochs are ``epoch_ms`` long and counted from the Unix epoch. It never
        goes back: while the clock does, it stands still."""
        return self.jobs.queue.epoch

    def tenant(self, name: str) -> Tenant:
        """The tenant; one that only the journal knows (its tokens were removed since) gets default quotas."""
        found = self._tenants.get(name)
        if found is None:
            found = self._tenants[name] = Tenant(TenantConfig(name=name))
        return found

    @property
    def only_local(self) -> bool:
        """Whether there is no tenant but the local one, so that nothing is to be kept from anybody."""
        return not self.config.tokens

    def session_of(self, event: CallReceived, session_id: str) -> Session:
        return self.sessions.use(session_id, event.conn, event.now_ns)

    def job_of(self, session: Session, job_id: str) -> Job:
        """The tenant's job; another tenant's is answered exactly like one that does not exist."""
        job = self.jobs.by_id.get(job_id)
        if job is None or job.tenant != session.tenant.name:
            raise QmkError("JOB_NOT_FOUND", f"no job '{job_id[:64]}'", job_id=job_id[:64])
        return job

    @property
    def alone(self) -> bool:
        """Nobody but the local tenant is known here: owners that a program names are labels of its own."""
        return not self.config.tokens and set(self._tenants) <= {self.config.local.name}

    def apply(self, record: Event) -> list[Job]:
        """Carries out a journal record, live or replayed; the jobs it changed."""
        if isinstance(record, ChannelChanged):
            self.channels.put(record)
            return []
        changed = self.jobs.apply(record)
        self.channels.follow(record, changed)
        return changed

    def commit(self, record: Event, durable: bool = True) -> list[Job]:
        """Applies a record and journals it; then answers whoever waits for what it changed."""
        record = records.writable(record)
        changed = self.apply(record)
        self.out.append(Journal(record, durable))
        for job in changed:
            if job.ended:
                self._account(job)
                self.asks.forget_asked(job.id)
                error = job.error["data"]["name"] if job.error else ""
                self.audit("job.end", job.tenant, job=job.id, state=job.state, error=error)
                if "timeout_ms" in job.submitted.policy:
                    self.out.append(ClearTimer(JOB_TIMER + job.id))
            self._wake(job)
            if job.ended or not job.fence:
                checkpoint.settle(self, job)
        self.out.extend(Forget(job_id) for job_id in self.jobs.forgotten)
        self.jobs.forgotten.clear()
        self.out.extend(DropBlob(id, blob) for id, blob in self.jobs.checkpoints.freed)
        self.jobs.checkpoints.freed.clear()
        for job in changed:
            if job.submitted.channels:
                if isinstance(record, Submitted):
                    firewall.charged(self, job)
                firewall.recheck(self, job)
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

    def set_expiry(self, channel: Channel) -> None:
        if channel.expiry_ns and not channel.ended:
            self.out.append(SetTimer(firewall.CHANNEL_TIMER + channel.id, channel.expiry_ns))

    def launch_ready(self) -> None:
        """Lets the scheduler decide, and does what it says."""
        self.carry_out(self.decide())

    def decide(self) -> list[Action]:
        """What the scheduler wants done now. It supposes that ``carry_out`` follows."""
        return [] if self.closing else self.jobs.queue.decide(self.now_ns)

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Place():
                    self._launch(action)
                case Preempt():
                    checkpoint.interrupt(self, self.jobs.by_id[action.job], checkpoint.YIELD, "preempted")
                case WakeAt():
                    self.out.append(SetTimer(EPOCH_TIMER, action.at_ns))

    def _launch(self, place: Place) -> None:
        job = self.jobs.by_id[place.job]
        fence = self.jobs.launch(job)
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
                place.region,
                place.first_qubit,
                self.jobs.state_of(job),
                record.fenced,
                job.elsewhere,
            )
        )
        where = {"region": place.region, "first_qubit": place.first_qubit, "n_qubits": record.n_qubits}
        self.audit("job.launch", job.tenant, job=job.id, fence=fence, engine=record.engine, **where)
        checkpoint.settle(self, job)

    def take_pending(self, job_id: str) -> Pending | None:
        """The job the router answers for; None when it is gone since."""
        pending = self.pending.pop(job_id, None)
        if pending is not None:
            self.pending_keys.pop((pending.draft.tenant, pending.draft.idempotency_key), None)
        return pending

    def drop_pending(self, pending: Pending, error: QmkError) -> None:
        draft = pending.draft
        self.tenant(draft.tenant).queued_jobs.give()
        self.audit("job.refuse", draft.tenant, error=error.kind.name, session=reference(draft.session), job=draft.job)
        self.out.extend(ReplyError(conn, ref, error) for conn, ref in pending.callers)

    def open_wait(self, event: CallReceived, session: Session, job: Job, after: int, timeout_ms: int | None) -> None:
        wait = self.waits.add(event.conn, event.ref, session.id, job.id, after, timeout_ms is not None)
        if timeout_ms is not None:
            self.out.append(SetTimer(wait.key, event.now_ns + timeout_ms * MS))

    def answer_wait(self, conn: int, ref: int, job: Job) -> None:
        """Answers a q_wait with the state as it is."""
        reply = views.wait_status(self.jobs, job)
        if job.state == COMPLETED:
            self.out.append(ReplyResult(conn, ref, job.id, 0, status=reply, result=views.result(job)))
        else:
            self.out.append(Reply(conn, ref, reply))

    def answer_events(self, conn: int, ref: int, job: Job, after: int) -> None:
        """Answers a q_events with what there is."""
        self.out.append(Reply(conn, ref, q_events.Reply(job.events[after:], len(job.events), job.ended)))

    def end_session(self, session: Session, why: str = "closed") -> list[str]:
        """Closes a session; the qubit handles it still held. Its open waits are answered with SESSION_NOT_FOUND."""
        released = list(session.qubits)
        session.release(released)
        self.audit("session.close", session.tenant.name, session=reference(session.id), why=why)
        for wait in self.waits.of_session(session.id):
            self.close_wait(wait)
            self.out.append(ReplyError(wait.conn, wait.ref, not_found(session.id)))
        for ask in self.asks.of_session(session.id):
            checkpoint.refuse(self, ask, not_found(session.id))
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
