"""The host carries out the kernel's effects in order, and tells the kernel what happened.

It is the same for the daemon and for the embedded mode. What differs comes in as ports: where answers go, who runs a
launch, what a timer is, when a turn ends. The ordering contract of ``kernel.effects`` is kept here: a reply or launch
waits for every record made before it, of its own step or an earlier one; everything else is carried out at once.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from qmk.base.errors import Finding, QmkError
from qmk.host.answers import Makers, PlainMakers, ProgramAnswers, Replies, ResultAnswers
from qmk.host.choosing import Choosing
from qmk.host.clock import ClockWatch, steady_ns
from qmk.host.commit import Committer
from qmk.host.drifting import Drifting
from qmk.host.entropy import ENTROPY_BYTES, draw_entropy
from qmk.host.gc import Collector
from qmk.host.graphs import Graphs
from qmk.host.journal import Batch, Journal
from qmk.host.launcher import Launcher
from qmk.host.launches import Launches, Sources
from qmk.host.patches import Here, Writing
from qmk.host.routing import Routing
from qmk.host.seals import InTurn, Seal, Seals
from qmk.host.states import States
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.core import Kernel
from qmk.kernel.engines import SLICE_TIMER
from qmk.kernel.rewriting import Rewritten
from qmk.qvm.graph import Graph
from qmk.worker.messages import Failed

log = logging.getLogger("qmk.host")


class Timers(Protocol):
    """Calls ``host.timer_fired(key)`` at wall-clock ``at_ns``."""

    def set(self, key: str, at_ns: int) -> None: ...
    def clear(self, key: str) -> None: ...


class Turns(msgspec.Struct, frozen=True):
    """How the host gets things done later; see ``Committer``, for ``soon`` ``Launches``, for ``makers`` ``answers``."""

    schedule: Callable[[Callable[[], None]], object]
    in_thread: Callable[[Callable[[], None], Callable[[BaseException | None], None]], None] | None = None
    broken: Callable[[QmkError], None] | None = None
    soon: Callable[[Callable[[], None]], object] | None = None
    makers: Makers | None = None
    wrote: Callable[[Batch, float], None] | None = None


_REPLIES = (fx.Reply, fx.ReplyError, fx.ReplyResult, fx.ReplyProgram)
_AFTER_RECORDS = frozenset((*_REPLIES, fx.Launch, fx.Interrupt, fx.Recall, fx.Forget, fx.Collect))
"""Effects that wait for the records made before them. To forget waits too: an answer that waits may show the result."""


_READS = frozenset(("q_status", "q_events"))
_WITH_RECORDS = frozenset((fx.Audit, fx.Charge))
"""Effects that are written in the transaction of the records."""


class _Afterwards(msgspec.Struct, frozen=True):
    """Work for when the journal has what was recorded before it."""

    do: Callable[[], None]


class Host:
    """Takes calls. News of launches go to its ``launches``."""

    _watch: ClockWatch | None = None

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        routing: Routing,
        replies: Replies,
        timers: Timers,
        turns: Turns,
        clock_ns: Callable[[], int] = time.time_ns,
        entropy: Callable[[int], bytes] = draw_entropy,
        seals: Seals | None = None,
        writing: Writing | None = None,
    ) -> None:
        assert seals is not None or not kernel.config.audited
        self._kernel, self._journal = kernel, journal
        self.routing, self._replies, self._timers = routing, replies, timers
        self._clock_ns, self._entropy = clock_ns, entropy
        self._seals = seals and InTurn(seals, turns.in_thread)
        release, refuse, later = self._release, self._refuse_held, turns.schedule
        self._committer = Committer(journal, release, refuse, later, turns.in_thread, turns.broken, turns.wrote)
        self._events: deque[ev.Event] = deque()
        self._stepping = False
        self._graphs, jobs = Graphs(journal.graph), kernel.jobs
        self.launches = Launches(
            self.feed,
            Sources(clock_ns, entropy, self._graphs.get, jobs.checkpoints.uses, self._version_of, jobs.by_id.get),
            States(journal, turns.in_thread),
            turns.schedule,
            self._committer.drop,
            turns.soon,
        )
        drop = self._committer.drop_blob
        self.collector = Collector(journal, self.launches, jobs.checkpoints, drop, turns.in_thread)
        makers = turns.makers or PlainMakers(replies, turns.in_thread)
        self._results = ResultAnswers(journal, makers, self.launches.partials)
        choosing = Choosing(routing, writing or Here(), replies, self.feed, clock_ns, self._held_for)
        self._carry_out: dict[type, Callable[[Any], None]] = {
            fx.Route: choosing.route,
            fx.Estimate: choosing.estimate,
            fx.Recalibrate: Drifting(self._graphs.get, writing or Here(), self.feed, clock_ns).look,
            fx.QueryResources: self._query_resources,
            fx.Recall: self._recall,
            fx.Interrupt: self.launches.interrupt,
            fx.DropBlob: self._drop_blob,
            fx.Collect: self._collect,
            _Afterwards: lambda held: held.do(),
            fx.Kill: self.launches.kill,
            fx.SetTimer: lambda effect: self._timers.set(effect.key, effect.at_ns),
            fx.ClearTimer: lambda effect: self._timers.clear(effect.key),
            fx.Forget: self._forget,
            fx.Audit: self._committer.audit,
            fx.Charge: self._committer.charge,
            fx.Reply: lambda effect: self._replies.answer(effect.conn, effect.ref, effect.result),
            fx.ReplyError: lambda effect: self._replies.refuse(effect.conn, effect.ref, effect.error),
            fx.ReplyResult: self._results.answer,
            fx.ReplyProgram: ProgramAnswers(self._graphs.get, makers).answer,
            fx.Launch: self.launches.launch,
            fx.SealEpoch: self._seal,
            Seal: self._record_seal,
        }

    def _version_of(self, job: str, engine: str) -> str:
        """The version of ``engine``, or of the job's engine."""
        found = self._kernel.jobs.by_id.get(job)
        return self.routing.version(engine or (found.submitted.engine if found is not None else ""))

    def tenant_of(self, session_id: str) -> str:
        """The tenant whose session that is; empty for none."""
        return self.holder(session_id)[1]

    def holder(self, session_id: str) -> tuple[frozenset[str] | None, str]:
        """The capabilities that the session holds, and its tenant; (None, "") for no session."""
        session = self._kernel.sessions.get(session_id)
        return (None, "") if session is None else (session.caps.held, session.tenant.name)

    def _held_for(self, job: str) -> frozenset[str]:
        """The capabilities that a job in VALIDATING is verified for."""
        return self._kernel.pending[job].held

    @property
    def tenants(self) -> int:
        """How many tenants there are, the local one among them."""
        return self._kernel.tenants.others + 1

    def connect(self, launcher: Launcher) -> None:
        """Sets who runs launches, once, before the first event."""
        self.launches.launcher = launcher

    def watch_clock(self, steady_ns: Callable[[], int] = steady_ns) -> None:
        """Notices from now on when the clock is set, by another that nobody sets."""
        self._watch = ClockWatch(self._clock_ns(), steady_ns)

    @property
    def idle(self) -> bool:
        """Whether everything promised so far is in the journal."""
        return self._committer.idle

    def recover(self) -> int:
        """Replay the journal into the kernel and launch again what had not ended; the number of records."""
        count = 0

        def records() -> Any:
            nonlocal count
            for record in self._journal.records():
                count += 1
                self._keep_graph(record)
                yield record

        self._kernel.replay(records())
        now_ns = self._clock_ns()
        adopted = self.launches.reconcile(job for job in self._kernel.jobs.by_id.live.values() if not job.has_ended)
        tail = self._journal.audit_tail()
        self.feed(
            ev.Recovered(
                now_ns=now_ns,
                used=self._journal.usage_since(self._kernel.counted_from_ns(now_ns)),
                audit_seq=tail.seq,
                audit_head=tail.head,
                audit_open=tail.open,
                audit_epoch=tail.epoch,
                adopted=adopted,
            )
        )
        return count

    def call(
        self,
        conn: int,
        ref: int,
        method: str,
        request: Any,
        graph: Graph | None = None,
        peer_uid: int = -1,
        warnings: Sequence[Finding] = (),
        operator: bool = False,
    ) -> None:
        """Handles a decoded call; its answer goes to ``Replies`` now or later. ``warnings`` are the reader's.
        ``operator``: it is one of the operator's calls, from whoever may make them."""
        event = ev.CallReceived(
            now_ns=self._clock_ns(),
            conn=conn,
            ref=ref,
            method=method,
            params=request,
            entropy=self._entropy(ENTROPY_BYTES),
            graph=graph,
            peer_uid=peer_uid,
            operator=operator,
            warnings=list(warnings),
        )
        self.feed(event)

    def connection_closed(self, conn: int) -> None:
        self.feed(ev.ConnectionClosed(now_ns=self._clock_ns(), conn=conn))

    def timer_fired(self, key: str) -> None:
        waited_ns = self._waited_ns(key.removeprefix(SLICE_TIMER)) if key.startswith(SLICE_TIMER) else 0
        self.feed(ev.TimerFired(now_ns=self._clock_ns(), key=key, waited_ns=waited_ns))

    def _waited_ns(self, job_id: str) -> int:
        """How long the job's launch was ready to run and had no processor."""
        job = self._kernel.jobs.by_id.live.get(job_id)
        return 0 if job is None else round(self.launches.waited_s(job_id, job.fence) * 1e9)

    def shut_down(self) -> None:
        """Shuts down: it accepts no new jobs and answers waits."""
        self.feed(ev.ShuttingDown(now_ns=self._clock_ns()))

    def feed(self, event: ev.Event) -> None:
        """Step the kernel with ``event``, and with whatever carrying out its effects brings about."""
        self._events.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._events:
                event = self._events.popleft()
                by_ns = self._watch.step_ns(event.now_ns) if self._watch is not None else 0
                if by_ns:
                    log.warning("the clock was set by %.0f s", by_ns / 1e9)
                    self._step(ev.ClockStepped(now_ns=event.now_ns, by_ns=by_ns))
                self._step(event)
        finally:
            self._stepping = False

    def _step(self, event: ev.Event) -> None:
        try:
            effects = self._kernel.step(event)
        except Exception:
            log.exception("the kernel failed on %s", type(event).__name__)
            if isinstance(event, ev.CallReceived):
                error = QmkError("INTERNAL_ERROR", f"a defect in QMK stopped {event.method}; the daemon's log has more")
                self._replies.refuse(event.conn, event.ref, error)
            if any(isinstance(effect, fx.Journal) for effect in self._kernel.out):
                self._committer.give_up("the kernel is ahead of its journal after a defect")
            return
        journaled = self._committer.behind and not self._reads_what_is_written(event)
        for effect in effects:
            if type(effect) is fx.ReplyError:
                _forget_frames(effect.error)
            if type(effect) is fx.Journal:
                journaled = True
                self._record(effect)
            elif type(effect) in _WITH_RECORDS:
                journaled = True
                self._do(effect)
            elif journaled and type(effect) in _AFTER_RECORDS:
                self._committer.hold(effect)
            else:
                self._do(effect)

    def _reads_what_is_written(self, event: ev.Event) -> bool:
        """Whether the answer rests on nothing that is not durable yet."""
        if not isinstance(event, ev.CallReceived) or event.operator or event.method not in _READS:
            return False
        return not self._committer.is_behind_for(event.params.job_id)

    def _do(self, effect: Any) -> None:
        """Carry out one effect. A defect in doing so is answered to whoever it concerns and ends nothing else."""
        try:
            self._carry_out[type(effect)](effect)
        except Exception:
            log.exception("carrying out a %s failed", type(effect).__name__)
            error = QmkError("INTERNAL_ERROR", "a defect in QMK; the daemon's log has more")
            now_ns, kind, message = self._clock_ns(), error.kind.name, error.message
            if isinstance(effect, fx.Route):
                self.feed(ev.Refused(now_ns=now_ns, job=effect.job, kind=kind, message=message, fields={}))
            elif isinstance(effect, fx.Recall):
                self.feed(ev.Refused(now_ns=now_ns, job=effect.key, kind=kind, message=message, fields={}))
            elif isinstance(effect, fx.Launch):
                self.launches.on_failed(effect.job, effect.fence, Failed(effect.fence, kind, message), None)
            elif isinstance(effect, (fx.Reply, fx.ReplyResult, fx.ReplyProgram, fx.Estimate, fx.QueryResources)):
                self._replies.refuse(effect.conn, effect.ref, error)

    def _record(self, effect: fx.Journal) -> None:
        record = effect.record
        self._committer.record(record, effect.durable, effect.data)
        self._keep_graph(record)
        if isinstance(record, ev.Finished) and record.cached_from:
            self._results.recent.share(record.cached_from, record.job)
            self._committer.copy(record.job, record.cached_from)
        elif isinstance(record, ev.Finished) and (record.job, record.fence) in self.launches.arrived:
            result = self.launches.arrived.pop((record.job, record.fence))
            self._results.recent.put(record.job, result)
            self._committer.result(record.job, result)

    def _keep_graph(self, record: ev.Event) -> None:
        """Hold the graph of a job from its acceptance to its end."""
        if isinstance(record, (ev.Submitted, Rewritten)):
            self._graphs.put(record.job, record.graph)
        elif isinstance(record, (ev.Finished, ev.Cancelled)) or (isinstance(record, ev.Failed) and not record.died):
            self._graphs.drop(record.job)

    def _release(self, held: list[Any]) -> None:
        for effect in held:
            self._do(effect)

    def _refuse_held(self, held: list[Any], error: QmkError) -> None:
        for effect in held:
            if isinstance(effect, _REPLIES):
                self._replies.refuse(effect.conn, effect.ref, error)

    def _query_resources(self, effect: fx.QueryResources) -> None:
        result = self.routing.resources(effect.queued, effect.running, effect.workers)
        self._replies.answer(effect.conn, effect.ref, result)

    def _recall(self, effect: fx.Recall) -> None:
        now_ns = self._clock_ns()
        try:
            graph = self._graphs.get(effect.job)
        except QmkError as error:
            kind, message = error.kind.name, error.message
            self.feed(ev.Refused(now_ns=now_ns, job=effect.key, kind=kind, message=message, fields=error.fields))
        else:
            self.feed(ev.Recalled(now_ns=now_ns, key=effect.key, graph=graph))

    def _forget(self, effect: fx.Forget) -> None:
        self._graphs.drop(effect.job)
        self._results.forget(effect.job, partial(self._committer.forget, effect.job))

    def _drop_blob(self, effect: fx.DropBlob) -> None:
        """Deletes the row, then the blob that it named: states are large, so they go at once."""
        self._committer.drop_blob(effect)
        self._committer.hold(_Afterwards(lambda: self.launches.drop_unused([effect.blob])))

    def _collect(self, wish: fx.Collect) -> None:
        """Collects, once the rows of the jobs that it names are gone too."""
        begin = partial(self.collector.collect, wish, partial(self._answer_collect, wish))
        self._committer.hold(_Afterwards(begin))

    def _answer_collect(self, wish: fx.Collect, found: Any) -> None:
        if not isinstance(found, BaseException):
            self._replies.answer(wish.conn, wish.ref, found)
            return
        log.error("collecting failed", exc_info=found)
        error = found if isinstance(found, QmkError) else QmkError("INTERNAL_ERROR", f"collecting failed: {found}")
        self._replies.refuse(wish.conn, wish.ref, error)

    def _seal(self, effect: fx.SealEpoch) -> None:
        """Sign the root; the seal goes into the transaction of what follows it."""
        assert self._seals is not None
        seal = self._seals.seal(effect)
        self._committer.seal(seal)
        self._committer.hold(seal)

    def _record_seal(self, seal: Seal) -> None:
        assert self._seals is not None
        self._seals.keep_seal(seal)


def _forget_frames(error: QmkError) -> None:
    """Lets go of where an error was raised: in a flood of refusals that wait for the journal, their frames would be
    most of what Python's collector of garbage has to look at."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
