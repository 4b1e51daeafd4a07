"""The kernel: ``step(event) -> effects``. See ``events`` for what goes in and ``effects`` for what comes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from qmk.abi.call import Call
from qmk.abi.calls import METHODS
from qmk.base.errors import QmkError
from qmk.kernel.denials import note_denial
from qmk.kernel.effects import Effect, Kill, ReplyError
from qmk.kernel.events import (
    CallReceived,
    Cancelled,
    ConnectionClosed,
    Event,
    Failed,
    Finished,
    Progressed,
    Recovered,
    Refused,
    Routed,
    ShuttingDown,
    Started,
    TimerFired,
)
from qmk.kernel.handlers import HANDLERS, OPEN_HANDLERS, submit
from qmk.kernel.jobs import progress_step, reported_error
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.job import RUNNING
from qmk.kernel.pending import Pending
from qmk.kernel.state import JOB_TIMER, State


class Kernel(State):
    """All state of the system that is not a file or a process.

    The host calls ``step`` for everything that happens, one event at a time, and carries out the effects in order.
    At start it calls ``replay`` with the journal's records and then ``step(Recovered(now_ns=...))``.
    """

    def step(self, event: Event) -> list[Effect]:
        """The effects of ``event``. Every ``CallReceived`` is answered exactly once, in this step or a later one, by
        Reply, ReplyError, ReplyResult, Estimate or QueryResources, unless its connection closes first. Answers of
        launches that are no longer current, and of jobs that are gone, have no effect."""
        self.out = []
        self.now_ns = event.now_ns
        match event:
            case CallReceived():
                self._call(event)
            case Routed():
                pending = self._take_pending(event.job)
                if pending is not None:
                    self._routed(pending, event)
            case Refused():
                self._refused(event)
            case Started():
                if self.jobs.current(event.job, event.fence) is not None:
                    self.commit(event, durable=False)
            case Progressed():
                self._progressed(event)
            case Finished():
                if self.jobs.current(event.job, event.fence) is not None:
                    self.commit(event)
                    self.launch_ready()
            case Failed():
                self._failed(event)
            case TimerFired():
                self._timer(event)
            case ConnectionClosed():
                self._disconnect(event.conn)
            case Recovered():
                self._recovered(event)
            case ShuttingDown():
                self._shut_down(event)
            case _:
                raise AssertionError(f"{type(event).__name__} is a journal record, not something that happens")
        out, self.out = self.out, []
        return out

    def replay(self, records: Iterable[Event]) -> None:
        """Feed the records of ``Journal`` effects, oldest first, into a fresh kernel; gives no effects."""
        for record in records:
            self.jobs.apply(record)
        self.jobs.forgotten.clear()

    def snapshot(self) -> dict[str, Any]:
        """The part of the state that the journal carries, as comparable data: a replayed kernel's equals the live
        one's."""
        return self.jobs.snapshot()

    def _call(self, event: CallReceived) -> None:
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
            self.accounts.call(session, event.now_ns)
            _require_supported(call)
            if not session.caps.held.issuperset(call.rights):
                raise insufficient(call.rights, session.caps.held)
            HANDLERS[call.name](self, event, session)
        except QmkError as error:
            if session is not None:
                session.errors += 1
                note_denial(self, session.tenant.name, session.id, event.method, error)
            self.out.append(ReplyError(event.conn, event.ref, error))

    def _take_pending(self, job_id: str) -> Pending | None:
        """The job the router answers for; None when it is gone since."""
        pending = self.pending.pop(job_id, None)
        if pending is not None:
            self.pending_keys.pop((pending.draft.tenant, pending.draft.idempotency_key), None)
        return pending

    def _routed(self, pending: Pending, event: Routed) -> None:
        try:
            submit.routed(self, pending, event)
        except QmkError as error:
            self._drop_pending(pending, error)

    def _refused(self, event: Refused) -> None:
        pending = self._take_pending(event.job)
        if pending is not None:
            self._drop_pending(pending, reported_error(event.kind, event.message, event.fields))

    def _drop_pending(self, pending: Pending, error: QmkError) -> None:
        draft = pending.draft
        self.accounts.drop(draft.job)
        note_denial(self, draft.tenant, draft.session, "q_submit", error)
        self.out.extend(ReplyError(conn, ref, error) for conn, ref in pending.callers)

    def _progressed(self, event: Progressed) -> None:
        """Progress goes to the journal and the history in steps; q_status shows every report."""
        job = self.jobs.current(event.job, event.fence)
        if job is None or not job.shots_done < event.shots_done <= job.shots:
            return
        if job.state != RUNNING or progress_step(job, event.shots_done) > job.progress_steps:
            self.commit(event, durable=False)
        else:
            job.shots_done = event.shots_done

    def _failed(self, event: Failed) -> None:
        job = self.jobs.current(event.job, event.fence)
        if job is None:
            return
        attempt = job.attempts + 1
        if event.died and attempt >= self.config.job_attempts:
            engine = job.submitted.engine
            event = Failed(
                now_ns=event.now_ns,
                job=event.job,
                fence=event.fence,
                kind="JOB_FAILED",
                message=f"the worker of engine '{engine}' died in {attempt} of {attempt} attempts: {event.message}",
                fields={**event.fields, "engine": engine, "attempts": attempt},
                lost=True,
            )
        self.commit(event)
        self.launch_ready()

    def _timer(self, event: TimerFired) -> None:
        wait = self.waits.get(event.key)
        if wait is not None:
            self.answer(wait, self.jobs.by_id[wait.job])
            return
        job = self.jobs.by_id.get(event.key.removeprefix(JOB_TIMER))
        if event.key.startswith(JOB_TIMER) and job is not None and not job.ended:
            self.stop(job, Cancelled(now_ns=event.now_ns, job=job.id, timeout=True))
            self.launch_ready()

    def _disconnect(self, conn: int) -> None:
        """Nobody is left to answer; jobs and sessions go on."""
        for wait in self.waits.of_conn(conn):
            self.close_wait(wait)
        for pending in self.pending.values():
            pending.callers = [caller for caller in pending.callers if caller[0] != conn]
        self.sessions.disconnect(conn)

    def _recovered(self, event: Recovered) -> None:
        """After a replay: what ran is queued again, time limits go on counting from acceptance."""
        self.accounts.recovered(event.used, event.now_ns)
        if self.jobs.launched:
            self.commit(structs.replace(event, used={}))
        for job in self.jobs.by_id.values():
            if not job.ended:
                self.set_deadline(job)
        self.launch_ready()

    def _shut_down(self, event: ShuttingDown) -> None:
        self.closing = True
        for pending in list(self.pending.values()):
            self._take_pending(pending.draft.job)
            self._drop_pending(pending, submit.closing())
        launches = [(job.id, job.fence) for job in self.jobs.launched.values()]
        if launches:
            self.commit(event)
        self.out.extend(Kill(job_id, fence) for job_id, fence in launches)
        for wait in self.waits.all():
            self.answer(wait, self.jobs.by_id[wait.job])


def _require_supported(call: Call) -> None:
    if not call.supported:
        raise QmkError(
            "UNSUPPORTED",
            f"{call.name} is not in this release",
            feature=call.name,
            planned="a later release",
            help="docs/spec/qsyscall.md lists what is",
        )
