"""The kernel: ``step(event) -> effects``. See ``events`` for what goes in and ``effects`` for what comes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from qmk.abi.calls import METHODS
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import SECOND_NS
from qmk.kernel import (
    archiving,
    authority,
    checkpoint,
    condensing,
    denials,
    engines,
    firewall,
    interrupts,
    machines,
    retention,
    succession,
)
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.audit import AUDIT_TIMER
from qmk.kernel.handlers import HANDLERS, OPEN_HANDLERS, OPERATOR_HANDLERS, checkpoints, submit
from qmk.kernel.objects.job import RUNNING, Job
from qmk.kernel.objects.refused import CallsRefused
from qmk.kernel.objects.session import Session
from qmk.kernel.rewriting import Recalibrated
from qmk.kernel.state import EPOCH_TIMER, JOB_TIMER, State
from qmk.kernel.succession import progress_step, reported_error


class Kernel(State):
    """All state of the system that is not a file or a process.

    The host calls ``step`` for everything that happens, one event at a time, and carries out the effects in order.
    At start it calls ``replay`` with the journal's records and then ``step(ev.Recovered(now_ns=...))``.
    """

    def step(self, event: ev.Event) -> list[fx.Effect]:
        """Gives the effects of ``event``. Every ``CallReceived`` is answered exactly once, in this step or a later one,
        by Reply, fx.ReplyError, ReplyResult, Estimate or QueryResources, unless its connection closes first. Answers of
        launches that are no longer current, and of jobs that are gone, have no effect."""
        self.out = []
        self.replan = self.replan or event.now_ns < self.now_ns  # the clock was set back, and the scheduler's timer not
        self.now_ns = event.now_ns
        self.jobs.queue.clock(event.now_ns)
        if not isinstance(event, ev.Recovered):
            firewall.expire(self)
        match event:
            case ev.CallReceived():
                self._call(event)
            case ev.Routed():
                pending = self.pending.take(event.job)
                if pending is not None:
                    submit.on_routed(self, pending, event)
            case ev.Refused() | CallsRefused():
                self._on_refused(event)
            case ev.Started():
                self._on_started(event)
            case ev.Progressed():
                self._on_progressed(event)
            case ev.Finished():
                self._on_finished(event)
            case ev.Failed():
                self._on_failed(event)
            case ev.Saved():
                checkpoint.on_saved(self, event)
            case ev.Yielded():
                checkpoint.on_yielded(self, event)
            case ev.NotSaved():
                checkpoint.not_saved(self, event)
            case ev.NotInterrupted():
                checkpoint.not_interrupted(self, event)
            case Recalibrated():
                machines.rewrite(self, event)
            case ev.Recalled():
                checkpoints.on_recalled(self, event)
            case ev.CheckpointDropped():
                self._on_dropped(event)
            case ev.TimerFired():
                self._timer(event)
            case ev.ConnectionClosed():
                self._disconnect(event.conn)
            case ev.Recovered():
                self._on_recovered(event)
            case ev.ClockStepped():
                self._on_clock_stepped(event)
            case ev.ShuttingDown():
                self._shut_down(event)
            case _:
                raise AssertionError(f"{type(event).__name__} is a journal record, not something that happens")
        if self.replan:  # a slot is free or a job waits, and nobody has asked the scheduler since
            self.launch_ready()
        if self.waits.freed or self.asks.freed:
            self._settle()
        out, self.out = self.out, []
        return out

    def _settle(self) -> None:
        """Clears away the used-up capabilities of sessions whose calls were answered."""
        while freed := self.waits.freed or self.asks.freed:
            session = self.sessions.get(freed.pop())
            if session is not None:
                authority.settle(self, session)

    def replay(self, records: Iterable[ev.Record]) -> None:
        """Feeds the records of ``Journal`` effects, oldest first, into a fresh kernel; gives no effects. Jobs that are
        forgotten on the way were on the way to be forgotten when the journal ended: ``Recovered`` tells the host."""
        for record in records:
            self.apply(record)
        self.jobs.checkpoints.freed.clear()

    def counted_from_ns(self, now_ns: int) -> int:
        """From when on the ledger's charges count in the quota period of a start at ``now_ns``, after the replay."""
        return self.jobs.clock.counted_from_ns(now_ns, self.accounts.period_ns)

    def snapshot(self) -> dict[str, Any]:
        """The part of the state that the journal carries, as comparable data. A replayed kernel has the same as the
        live one."""
        return {**self.jobs.snapshot(), **self.tenants.snapshot(), **self.channels.snapshot()}

    def _call(self, event: ev.CallReceived) -> None:
        if event.operator:
            self._operate(event)
            return
        call = METHODS.get(event.method)
        session = None
        try:
            if call is None:
                raise QmkError("METHOD_NOT_FOUND", f"no call is named '{event.method[:64]}'", method=event.method[:64])
            if call.name in OPEN_HANDLERS:
                OPEN_HANDLERS[call.name](self, event)
                return
            session = self.session_of(event, event.params.session_id)
            session.calls += 1
            self.accounts.call(session.accounts, event.now_ns)
            authority.require(session, call)
            self.rights = call.rights
            HANDLERS[call.name](self, event, session)
            if session.caps.metered and call.name not in checkpoints.PROGRAM_LATER:
                self._spend(event, session)
        except QmkError as error:
            if session is not None:
                session.errors += 1
            denials.note(self, event.method, session, error)
            self.out.append(fx.ReplyError(event.conn, event.ref, error))

    def _operate(self, event: ev.CallReceived) -> None:
        """Handles a call on the operator's socket, which takes only those of operators."""
        try:
            if event.method not in OPERATOR_HANDLERS:
                raise QmkError("METHOD_NOT_FOUND", f"no operator's call is named '{event.method[:64]}'")
            OPERATOR_HANDLERS[event.method](self, event)
        except QmkError as error:
            self.out.append(fx.ReplyError(event.conn, event.ref, error))

    def _spend(self, event: ev.CallReceived, session: Session) -> None:
        """Counts what a call that was carried out has used of capabilities that count."""
        rights = set(self.rights)
        shots = 0
        if event.graph is not None:
            rights |= authority.program_rights(event.graph)
            shots = event.params.shots or event.graph.shots or self.config.default_shots
        job = self.jobs.by_id.get(getattr(event.params, "job_id", None) or "")
        authority.spend(self, session, sorted(rights), job, shots)

    def _on_refused(self, event: ev.Refused | CallsRefused) -> None:
        if isinstance(event, CallsRefused):
            if event.job in self.jobs.by_id.live:
                self.commit(event, durable=False)
            denials.note_refused_calls(self, event)
            return
        ask = self.asks.get(event.job)
        if ask is not None:
            interrupts.refuse(self, ask, reported_error(event.kind, event.message, event.fields))
        pending = self.pending.take(event.job)
        if pending is not None:
            self.drop_pending(pending, reported_error(event.kind, event.message, event.fields))

    def _on_dropped(self, event: ev.CheckpointDropped) -> None:
        """The host says that a checkpoint's retention ended."""
        row = self.jobs.checkpoints.by_id.get(event.checkpoint)
        if row is not None:
            self.commit(structs.replace(event, job=row.job))

    def _on_started(self, event: ev.Started) -> None:
        job = self.jobs.current(event.job, event.fence)
        if job is None or job.state == RUNNING:
            return
        region, first_qubit = self.jobs.queue.where(job)
        self.commit(structs.replace(event, region=region, first_qubit=first_qubit), durable=False)
        if job.submitted.alternatives:
            engines.watch(self, job)

    def _on_finished(self, event: ev.Finished) -> None:
        job = self.jobs.current(event.job, event.fence)
        if job is not None:
            self.commit(structs.replace(event, place=self.jobs.queue.where(job)))
            self.launch_ready()

    def _on_progressed(self, event: ev.Progressed) -> None:
        """Progress goes to the journal and the history in steps; q_status shows every report."""
        job = self.jobs.current(event.job, event.fence)
        if job is None or not job.shots_done <= event.shots_done <= job.shots:
            return
        if not 0 <= event.epoch <= job.submitted.epochs:
            return
        at_fence = event.epoch != job.epochs_behind
        if job.state != RUNNING or progress_step(job, event.shots_done) > job.progress_steps:
            self.commit(event, durable=False)
        else:
            job.shots_done, job.epochs_behind = event.shots_done, event.epoch
        if at_fence:
            machines.pass_fence(self, job, event.epoch)

    def _on_failed(self, event: ev.Failed) -> None:
        job = self.jobs.current(event.job, event.fence)
        if job is None:
            return
        if job.saved and event.fields.get("start") and not event.died:
            checkpoint.start_anew(self, job)
            return
        if job.submitted.alternatives and engines.fail_over(self, job, event):
            return
        self.commit(engines.judge_loss(self, job, event) if event.died else event)
        self.launch_ready()

    def _timer(self, event: ev.TimerFired) -> None:
        if event.key == AUDIT_TIMER:
            self.audit_log.due(self.now_ns, self.out)
            return
        wait = self.waits.get(event.key)
        if wait is not None:
            self.answer(wait, self.jobs.by_id[wait.job])
            return
        if event.key == EPOCH_TIMER:
            self.jobs.queue.woken()
            self.launch_ready()
            return
        if event.key == retention.TIMER:
            retention.expire(self)
            return
        if event.key == authority.IDLE_TIMER:
            authority.end_idle(self)
            authority.set_idle_timer(self)
            return
        if event.key.startswith((authority.CAPABILITY_TIMER, authority.SESSION_TIMER)):
            authority.timer(self, event.key)
            return
        if event.key.startswith(engines.SLICE_TIMER):
            self._slice_over(event.key.removeprefix(engines.SLICE_TIMER), event.waited_ns)
            return
        channel = self.channels.by_id.get(event.key.removeprefix(firewall.CHANNEL_TIMER))
        if channel is not None:
            firewall.set_expiry(self, channel)  # it came early: the clock was set back
            return
        job = self.jobs.by_id.get(event.key.removeprefix(JOB_TIMER))
        if event.key.startswith(JOB_TIMER) and job is not None and not job.has_ended:
            self.stop(job, ev.Cancelled(now_ns=event.now_ns, job=job.id, timeout=True))
            self.launch_ready()

    def _slice_over(self, job_id: str, waited_ns: int) -> None:
        job = self.jobs.current(job_id, self.slices.get(job_id, -1))
        if job is not None:
            engines.end_slice(self, job, waited_ns)

    def _disconnect(self, conn: int) -> None:
        """Nobody is left to answer; jobs and sessions go on."""
        for wait in self.waits.of_conn(conn):
            self.close_wait(wait)
        for ask in self.asks.of_conn(conn):
            self.asks.remove(ask)
        self.pending.disconnect(conn)
        self.sessions.disconnect(conn)

    def _on_recovered(self, event: ev.Recovered) -> None:
        """Goes on after a replay: what ran is taken over or queued again, and time limits count from acceptance. The
        record makes the numbers of later launches new."""
        self.accounts.recover(event.used, event.now_ns)
        if self.config.audited:
            self.audit_log.recover(event, self.out)
        self.audit("kernel.start", "", jobs=len(self.jobs.by_id), running=len(self.jobs.launched))
        clock, period_ns = self.jobs.clock, self.accounts.period_ns
        skew_ns = clock.skew_after_stop_ns(event.now_ns)
        spent_from_ns = clock.counted_from_ns(event.now_ns, period_ns)
        adopted = succession.adoptable(self.jobs.by_id.live, event.adopted)
        moved = {**self.jobs.launched, **{id: self.jobs.by_id.live[id] for id, _ in adopted}}
        record = ev.Recovered(
            now_ns=event.now_ns,
            adopted=adopted,
            generation=self.jobs.generation + 1,
            skew_ns=skew_ns,
            spent_from_ns=spent_from_ns,
        )
        for job in self.commit(record):
            moved.pop(job.id, None)
        condensing.compact(self, moved.values())  # so that no record of a start is needed past the next one
        condensing.settle(self)
        self.out.extend(fx.Kill(job, fence) for job, fence in event.adopted if (job, fence) not in adopted)
        retention.recover(self)
        for tenant in list(self.jobs.ended_by_tenant):
            archiving.look(self, tenant)
        firewall.expire(self)
        for channel in self.channels.by_id.values():
            firewall.set_expiry(self, channel)
        for job_id in self.jobs.queue.misfits():
            self.commit(_misfit(self.jobs.by_id[job_id], event.now_ns))
        for job in list(self.jobs.by_id.live.values()):
            if job.has_ended:
                continue
            if job.crashes > max(LIMITS.job_crashes, self.config.job_attempts):
                self.commit(_poisonous(job, event.now_ns))
            else:
                self.set_deadline(job)
                if job.fence and job.started_ns:
                    engines.watch(self, job)
        self.launch_ready()

    def _on_clock_stepped(self, event: ev.ClockStepped) -> None:
        """Neither the age of what is kept nor what was spent in the period changes with the wall clock."""
        before_ns, period_ns = event.now_ns - event.by_ns, self.accounts.period_ns
        since_ns = self.jobs.clock.spent_since_ns(min(before_ns, event.now_ns), period_ns)
        skew_ns = self.jobs.clock.skew_ns + event.by_ns
        if event.by_ns > 0:
            sessions = [session.account for session in self.sessions if session.account is not None]
            for account in (*(tenant.account for tenant in self.tenants), *sessions):
                account.carry(before_ns, event.now_ns, period_ns)
        self.audit("clock.step", "", by_s=event.by_ns / SECOND_NS)
        self.commit(structs.replace(event, skew_ns=skew_ns, spent_from_ns=since_ns))
        retention.expire(self)

    def _shut_down(self, event: ev.ShuttingDown) -> None:
        self.closing = True
        for pending in list(self.pending.values()):
            self.pending.take(pending.draft.job)
            self.drop_pending(pending, self.refusals.closing())
        launches = [(job.id, job.fence) for job in self.jobs.launched.values()]
        if launches:
            moved = dict(self.jobs.launched)
            for job in self.commit(event):
                moved.pop(job.id, None)
            condensing.compact(self, moved.values())
        self.out.extend(fx.Kill(job_id, fence) for job_id, fence in launches)
        for wait in self.waits:
            self.answer(wait, self.jobs.by_id[wait.job])
        for ask in self.asks:
            interrupts.refuse(self, ask, self.refusals.closing())
        condensing.settle(self)
        self.audit("kernel.stop", "", jobs=len(self.jobs.by_id), running=len(launches))
        self.audit_log.seal(self.out)


def _poisonous(job: Job, now_ns: int) -> ev.Failed:
    """The end of a job whose launches took the daemon down with them, again and again."""
    message = f"the daemon crashed {job.crashes} times while this job ran"
    fields = {"engine": job.submitted.engine, "crashes": job.crashes}
    return ev.Failed(now_ns=now_ns, job=job.id, fence=job.fence, kind="JOB_FAILED", message=message, fields=fields)


def _misfit(job: Job, now_ns: int) -> ev.Failed:
    """The end of a job that was accepted for a larger device than there is now."""
    qubits = job.submitted.width
    message = f"the job needs {qubits} qubits in one region, and since the restart no region of the device has as many"
    fields = {"resource": "qubits", "asked": qubits, "retryable": False}
    kind = "RESOURCE_EXHAUSTED"
    return ev.Failed(now_ns=now_ns, job=job.id, fence=0, kind=kind, message=message, fields=fields)
