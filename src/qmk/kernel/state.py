"""The kernel's tables, and what handlers do to them: answer, journal, launch, wait."""

from __future__ import annotations

from msgspec import structs

from qmk.abi.rights import CAP_RESULT, CAP_STATUS
from qmk.base.errors import QmkError
from qmk.base.ids import trace
from qmk.base.isolation import Level, highest, parse
from qmk.base.units import MS_NS
from qmk.kernel import (
    archiving,
    authority,
    checkpoint,
    condensing,
    denials,
    engines,
    firewall,
    interrupts,
    labels,
    ledger,
    records,
    retention,
    scripts,
)
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.objects.archive import Archived, ArchiveForgotten
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.job import COMPLETED, FAILED, Job
from qmk.kernel.objects.refused import CallsRefused
from qmk.kernel.objects.session import Session, not_found
from qmk.kernel.open_calls import STATUS_WAIT, Wait
from qmk.kernel.pending import Pending
from qmk.kernel.scheduling import Action, Place, Preempt, WakeAt
from qmk.kernel.tables import Tables

JOB_TIMER = "job:"
EPOCH_TIMER = "epoch"

_MAKES_FULL = (ev.Submitted, ev.Finished, ev.Failed, ev.Cancelled, ev.Saved)
"""After these records more may be kept than there is room for."""


class State(Tables):
    """What is done to the tables: the steps that every handler and every event share."""

    def session_of(self, event: ev.CallReceived, session_id: str) -> Session:
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

    def apply(self, record: ev.Record) -> list[Job]:
        """Applies a journal record, live or replayed, and gives the jobs that it changed."""
        match record:
            case ev.TenantSet():
                self.tenants.apply(record)
                self.jobs.queue.share(self.tenant(record.config.name))
                return []
            case ev.TokenIssued() | ev.TokenRevoked():
                self.tenants.apply(record)
                return []
            case ev.ChannelChanged():
                self.channels.put(record)
                return []
            case CallsRefused():
                job = self.jobs.by_id.live.get(record.job)
                if job is not None:
                    job.refuse_calls(record.calls)
                return []
            case labels.Labelled():
                labels.apply(self.jobs, record)
                return []
            case Archived() | ArchiveForgotten():
                archiving.apply(self, record)
                return []
            case ev.ChannelForgotten():
                return []  # whatever made it give way is in the journal before, or its own records are gone
            case _:
                changed = self.jobs.apply(record)
                self.channels.follow(record, changed)
                return changed

    def commit(self, record: ev.Record, durable: bool = True, data: bytes = b"") -> list[Job]:
        """Applies a record and journals it, with what the launches that it ends are charged; then answers whoever waits
        for what it changed. ``data`` are its bytes, if it has been encoded already."""
        if self.jobs.clock.skew_ns and isinstance(record, ev.Ending):
            record = structs.replace(record, skew_ns=self.jobs.clock.skew_ns)
        if not data:
            record, data = records.writable(record)
        charges = ledger.charges(self.accounts, self.jobs, record)
        changed = self.apply(record)
        self.out.append(fx.Journal(record, durable, data))
        self.out += charges
        long = False
        for job in changed:
            long = long or job.records >= self.config.job_records
            settled = job.has_ended or not job.fence
            self.replan = self.replan or settled
            if job.has_ended:
                self._account(job)
                self.asks.forget_asked(job.id)
                error = job.error["data"]["name"] if job.error else ""
                level = record.isolation if isinstance(record, ev.Finished) else ""
                self.audit("job.end", job.tenant, job=job.id, state=job.state, error=error, isolation=level)
                if job.submitted.script is not None:
                    scripts.end(self, job)
                if "timeout_ms" in job.submitted.policy:
                    self.out.append(fx.ClearTimer(JOB_TIMER + job.id))
            self._wake(job)
            if settled:
                if self.hedged or self.slices:
                    engines.settle(self, job)
                checkpoint.settle(self, job)
        if isinstance(record, _MAKES_FULL):
            for job in changed:
                retention.look(self, job)
                if job.has_ended:
                    archiving.look(self, job.tenant)
        if self.jobs.forgotten:
            self._forget()
        if self.channels.forgotten:
            self._forget_channels()
        if long or isinstance(record, ev.TenantSet):
            condensing.compact(self, [job for job in changed if job.records >= self.config.job_records])
            condensing.settle(self)
        if isinstance(record, (ev.Recovered, ev.ShuttingDown)):  # the next one supersedes it, and below a job may end
            condensing.compact(self, changed)
        freed = self.jobs.checkpoints.freed
        if freed:
            self.out += [fx.DropBlob(id, blob) for id, blob in freed]
            freed.clear()
        for job in changed:
            if job.submitted.channels:
                if isinstance(record, ev.Submitted):
                    firewall.note_charges(self, job)
                firewall.recheck(self, job)
        return changed

    def _forget(self) -> None:
        """Tells the host of the jobs that are no longer remembered."""
        gone, self.jobs.forgotten = self.jobs.forgotten, []
        archiving.carry_over_channels(self, gone)
        self.out.extend(fx.Forget(job.id) for job in gone)
        for job in gone:
            if job.labelled:
                self.out.append(fx.Journal(labels.Labelled(now_ns=self.now_ns, job=job.id), durable=False))
        archiving.forget_empty(self)

    def _forget_channels(self) -> None:
        """Lets the journal leave out the channels that are no longer remembered."""
        for id in self.channels.forgotten:
            self.out.append(fx.Journal(ev.ChannelForgotten(now_ns=self.now_ns, channel=id), durable=False))
        self.channels.forgotten.clear()

    def stop(self, job: Job, record: ev.Cancelled) -> None:
        """Ends a job before its time, on its worker too."""
        fence = job.fence
        self.commit(record)
        if fence:
            self.out.append(fx.Kill(job.id, fence))

    def set_deadline(self, job: Job) -> None:
        timeout_ms = job.submitted.policy.get("timeout_ms")
        if timeout_ms is not None:
            self.out.append(fx.SetTimer(JOB_TIMER + job.id, job.submitted.now_ns + timeout_ms * MS_NS))

    def launch_ready(self) -> None:
        """Lets the scheduler decide, and does what it says."""
        self.carry_out(self.decide())

    def decide(self) -> list[Action]:
        """Asks the scheduler what to do now. It supposes that ``carry_out`` follows."""
        self.replan = False
        return self.jobs.queue.decide(self.now_ns) if self.config.launching and not self.closing else []

    def carry_out(self, actions: list[Action]) -> None:
        """Does what the scheduler proposes, as far as it may be done."""
        for action in actions:
            why = self.jobs.queue.admit(action)
            if why:
                named = getattr(action, "job", "")
                self.audit("schedule.refuse", "", proposal=type(action).__name__, job=named, why=why)
                continue
            match action:
                case Place():
                    self._launch(action)
                case Preempt() if not self.states_fit:  # it would lose what it has done
                    self.jobs.queue.decline(self.jobs.by_id.live[action.job])
                case Preempt():
                    interrupts.interrupt(self, self.jobs.by_id.live[action.job], interrupts.YIELD, "preempted")
                case WakeAt():
                    self.out.append(fx.SetTimer(EPOCH_TIMER, action.at_ns))

    def _launch(self, place: Place) -> None:
        job = self.jobs.by_id.live[place.job]
        fence = self.jobs.launch(job)
        record = job.submitted
        scripts.open_for(self, job, fence)
        beside = engines.choose_second(self, job) if record.alternatives and not record.blocks else None
        if beside is not None:
            self.hedged[job.id] = fence
        self.out.append(
            fx.Launch(
                fence=fence,
                region=place.region,
                first_qubit=place.first_qubit,
                start_from=self.jobs.state_of(job),
                save_fences=record.fenced,
                elsewhere=job.elsewhere,
                hedge=beside,
                job=record.job,
                engine=record.engine,
                method=record.method,
                digest=record.digest,
                shots=record.shots,
                seed=record.seed,
                keep_events=record.keep_events,
                memory_bytes=record.memory_bytes,
                tenant=record.tenant,
                isolation=self.floor_of(record),
                outputs=record.outputs,
                script=record.script is not None,
                blocks=record.blocks,
                policy=record.policy if record.blocks else {},
            )
        )
        where = {"region": place.region, "first_qubit": place.first_qubit, "n_qubits": record.n_qubits}
        if record.footprint is not None:
            where["physical_qubits"] = record.width
        self.audit("job.launch", job.tenant, job=job.id, fence=fence, engine=record.engine, **where)
        checkpoint.settle(self, job)

    def floor_of(self, record: ev.Submitted) -> Level:
        """The weakest level that the job may run at: its own wish, or its tenant's floor if that is stronger."""
        wish, floor = record.policy.get("isolation", ""), self.tenant(record.tenant).config.isolation
        return highest(parse(wish), parse(floor)) if wish or floor else "process"

    def drop_pending(self, pending: Pending, error: QmkError) -> None:
        draft = pending.draft
        self.accounts.drop(draft.job)
        denials.note_refused_job(self, draft, error)
        self.out.extend(fx.ReplyError(conn, ref, error) for conn, ref in pending.callers)

    def open_wait(self, event: ev.CallReceived, session: Session, job: Job, after: int, timeout_ms: int | None) -> None:
        who = authority.origin(self, event, session, job, CAP_STATUS)
        wait = self.waits.add(Wait(**who, after=after, timed=timeout_ms is not None))
        if timeout_ms is not None:
            self.out.append(fx.SetTimer(wait.key, event.now_ns + timeout_ms * MS_NS))

    def answer_wait(self, conn: int, ref: int, job: Job, session: Session, under: str = "") -> None:
        """Answers a q_wait with the state as it is, and with the result if the session may read it, or if the call was
        the last use of the capability ``under`` which it could have."""
        reply = self.views.wait_status(job, self.jobs.queue.forecast(job))
        rights = authority.rights_over(self, session, job) | authority.rights_paid(self, under, job)
        if job.state == COMPLETED and CAP_RESULT in rights:
            self.out.append(fx.ReplyResult(conn, ref, job.id, 0, status=reply, result=self.views.result(job)))
        else:
            self.out.append(fx.Reply(conn, ref, reply))

    def answer_events(self, conn: int, ref: int, job: Job, after: int) -> None:
        """Answers a q_events with what there is, a page of it."""
        self.out.append(fx.Reply(conn, ref, self.views.events(job, after)))

    def end_session(self, session: Session, why: str = "closed") -> list[str]:
        """Closes a session; the qubit handles it still held. Its open waits are answered with SESSION_NOT_FOUND, and
        whatever was delegated from it ends with it."""
        for wait in self.waits.of_session(session.id):
            self.close_wait(wait)
            self.out.append(fx.ReplyError(wait.conn, wait.ref, not_found(session.id)))
        for ask in self.asks.of_session(session.id):
            interrupts.refuse(self, ask, not_found(session.id))
        released = list(session.qubits)
        session.release(released)
        authority.settle(self, session)
        for capability in list(session.caps.items.values()):
            if self.caps.get(capability.id) is capability and not capability.granted:
                authority.revoke(self, capability, why)
        self.sessions.remove(session)
        self.jobs.queue.lift(session.id)
        if session.expires_ns:
            self.out.append(fx.ClearTimer(authority.SESSION_TIMER + session.id))
        self.audit("session.close", session.tenant.name, session=trace(session.id), why=why)
        return released

    def close_wait(self, wait: Wait) -> None:
        """Takes a wait that is being answered off the tables."""
        self.waits.remove(wait)
        if wait.timed:
            self.out.append(fx.ClearTimer(wait.key))

    def answer(self, wait: Wait, job: Job) -> None:
        """Answers an open wait with the state as it is."""
        self.close_wait(wait)
        if wait.after == STATUS_WAIT:
            session = self.sessions.get(wait.session)
            assert session is not None, "a session's waits end with it"
            self.answer_wait(wait.conn, wait.ref, job, session, wait.under)
        else:
            self.answer_events(wait.conn, wait.ref, job, wait.after)

    def _wake(self, job: Job) -> None:
        for wait in self.waits.of_job(job.id):
            if job.has_ended or (wait.after != STATUS_WAIT and job.last_seq > wait.after):
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
