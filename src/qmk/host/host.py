"""The host: carries out the kernel's effects, in order, and tells it what happened.

It is the same for the daemon and for the embedded mode. What differs comes in as ports: where answers go, who runs a
launch, what a timer is, when a turn ends. The ordering contract of ``kernel.effects`` is kept here: a reply or launch
waits for every record made before it, of its own step or an earlier one; everything else is carried out at once.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from qmk.base.errors import Finding, QmkError
from qmk.host import results
from qmk.host.commit import Committer
from qmk.host.journal import Journal
from qmk.host.routing import Routing
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.kernel.core import Kernel
from qmk.qvm.graph import Graph
from qmk.sdk.messages import Done, Failed

log = logging.getLogger("qmk.host")
ENTROPY_BYTES = 16


class Replies(Protocol):
    """Where answers go. ``conn`` and ``ref`` are those of the call."""

    def answer(self, conn: int, ref: int, result: Any) -> None: ...
    def refuse(self, conn: int, ref: int, error: QmkError) -> None: ...


class Launcher(Protocol):
    """Who runs launches: a pool of processes, or this very process."""

    def launch(self, launch: fx.Launch, graph: bytes) -> None: ...
    def kill(self, job: str, fence: int) -> None: ...


class Listener(Protocol):
    """Who is told what becomes of launches; the host is one."""

    def started(self, launch: fx.Launch) -> None: ...
    def progressed(self, launch: fx.Launch, shots_done: int) -> None: ...
    def done(self, launch: fx.Launch, done: Done, version: str) -> None: ...
    def failed(self, launch: fx.Launch, failed: Failed, died: bool) -> None: ...


class Timers(Protocol):
    """Calls ``host.timer_fired(key)`` at wall-clock ``at_ns``."""

    def set(self, key: str, at_ns: int) -> None: ...
    def clear(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Turns:
    """How the host gets things done later; see ``Committer``."""

    schedule: Callable[[Callable[[], None]], object]
    in_thread: Callable[[Callable[[], None], Callable[[BaseException | None], None]], None] | None = None
    broken: Callable[[QmkError], None] | None = None


class Host:
    """Feed it calls; it also listens to the launcher (``started``, ``progressed``, ``done``, ``failed``)."""

    def __init__(
        self,
        kernel: Kernel,
        journal: Journal,
        routing: Routing,
        replies: Replies,
        timers: Timers,
        turns: Turns,
        clock_ns: Callable[[], int] = time.time_ns,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._kernel = kernel
        self._journal = journal
        self.routing = routing
        self._replies = replies
        self._timers = timers
        self._clock_ns = clock_ns
        self._entropy = entropy
        self._launcher: Launcher | None = None
        self._launches: list[fx.Launch] = []
        self._schedule = turns.schedule
        self._committer = Committer(
            journal, self._release, self._refuse_held, turns.schedule, turns.in_thread, turns.broken
        )
        self._events: deque[ev.Event] = deque()
        self._stepping = False
        self._graphs: dict[str, bytes] = {}
        self._arrived: dict[str, results.Result] = {}
        self._recent = results.RecentResults()
        self._carry_out: dict[type, Callable[[Any], None]] = {
            fx.Route: self._route,
            fx.Estimate: self._estimate,
            fx.QueryResources: self._query_resources,
            fx.Kill: self._kill,
            fx.SetTimer: lambda effect: self._timers.set(effect.key, effect.at_ns),
            fx.ClearTimer: lambda effect: self._timers.clear(effect.key),
            fx.Forget: self._forget,
            fx.Charge: self._committer.charge,
            fx.Reply: lambda effect: self._replies.answer(effect.conn, effect.ref, effect.result),
            fx.ReplyError: lambda effect: self._replies.refuse(effect.conn, effect.ref, effect.error),
            fx.ReplyResult: self._reply_result,
            fx.Launch: self._launch,
        }

    def connect(self, launcher: Launcher) -> None:
        """Say who runs launches, once, before the first event."""
        self._launcher = launcher

    @property
    def idle(self) -> bool:
        """Everything promised so far is in the journal."""
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
        used = self._journal.used(self._kernel.accounts.period_start_ns(now_ns))
        self.feed(ev.Recovered(now_ns=now_ns, used=used))
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
    ) -> None:
        """A decoded call came in; its answer goes to ``Replies`` now or later. ``warnings`` are the reader's."""
        event = ev.CallReceived(
            now_ns=self._clock_ns(),
            conn=conn,
            ref=ref,
            method=method,
            params=request,
            entropy=self._entropy(ENTROPY_BYTES),
            graph=graph,
            peer_uid=peer_uid,
            warnings=list(warnings),
        )
        self.feed(event)

    def connection_closed(self, conn: int) -> None:
        self.feed(ev.ConnectionClosed(now_ns=self._clock_ns(), conn=conn))

    def timer_fired(self, key: str) -> None:
        self.feed(ev.TimerFired(now_ns=self._clock_ns(), key=key))

    def shut_down(self) -> None:
        """No new jobs; waits are answered."""
        self.feed(ev.ShuttingDown(now_ns=self._clock_ns()))

    def started(self, launch: fx.Launch) -> None:
        self.feed(ev.Started(now_ns=self._clock_ns(), job=launch.job, fence=launch.fence))

    def progressed(self, launch: fx.Launch, shots_done: int) -> None:
        self.feed(ev.Progressed(now_ns=self._clock_ns(), job=launch.job, fence=launch.fence, shots_done=shots_done))

    def done(self, launch: fx.Launch, done: Done, version: str) -> None:
        """A worker's result. It is stored in the transaction that records the end of the job."""
        try:
            self._arrived[launch.job] = results.of_done(done, version)
        except QmkError as error:
            self.failed(launch, Failed(launch.fence, error.kind.name, error.message, error.fields), died=False)
            return
        self.feed(
            ev.Finished(now_ns=self._clock_ns(), job=launch.job, fence=launch.fence, usage=results.usage_of(done))
        )
        self._arrived.pop(launch.job, None)

    def failed(self, launch: fx.Launch, failed: Failed, died: bool) -> None:
        self.feed(
            ev.Failed(
                now_ns=self._clock_ns(),
                job=launch.job,
                fence=launch.fence,
                kind=failed.kind,
                message=failed.message,
                fields=failed.fields,
                died=died,
            )
        )

    def feed(self, event: ev.Event) -> None:
        """Step the kernel with ``event``, and with whatever carrying out its effects brings about."""
        self._events.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._events:
                self._step(self._events.popleft())
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
            return
        journaled = not self._committer.idle  # what is answered now may rest on records that are not durable yet
        for effect in effects:
            if isinstance(effect, fx.Journal):
                journaled = True
                self._record(effect)
            elif journaled and isinstance(effect, (fx.Reply, fx.ReplyError, fx.ReplyResult, fx.Launch)):
                self._committer.hold(effect)
            else:
                self._do(effect)

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
            elif isinstance(effect, fx.Launch):
                self.failed(effect, Failed(effect.fence, kind, message), died=False)
            elif isinstance(effect, (fx.Reply, fx.ReplyResult, fx.Estimate, fx.QueryResources)):
                self._replies.refuse(effect.conn, effect.ref, error)

    def _record(self, effect: fx.Journal) -> None:
        record = effect.record
        self._committer.record(record, effect.durable)
        self._keep_graph(record)
        if isinstance(record, ev.Finished) and record.job in self._arrived:
            result = self._arrived.pop(record.job)
            self._recent.put(record.job, result)
            self._committer.result(record.job, result)

    def _keep_graph(self, record: ev.Event) -> None:
        """Hold the graph of a job from its acceptance to its end."""
        if isinstance(record, ev.Submitted):
            self._graphs[record.job] = record.graph
        elif isinstance(record, (ev.Finished, ev.Cancelled)) or (isinstance(record, ev.Failed) and not record.died):
            self._graphs.pop(record.job, None)

    def _release(self, held: list[Any]) -> None:
        for effect in held:
            self._do(effect)

    def _refuse_held(self, held: list[Any], error: QmkError) -> None:
        for effect in held:
            if not isinstance(effect, fx.Launch):
                self._replies.refuse(effect.conn, effect.ref, error)

    def _route(self, effect: fx.Route) -> None:
        now_ns = self._clock_ns()
        assert effect.graph is not None
        try:
            decision = self.routing.choose(effect.graph, effect.digest, effect.shots, effect.policy.get("engine"))
        except QmkError as error:
            kind, fields = error.kind.name, msgspec.to_builtins(error.fields)
            self.feed(ev.Refused(now_ns=now_ns, job=effect.job, kind=kind, message=error.message, fields=fields))
            return
        self.feed(
            ev.Routed(
                now_ns=now_ns,
                job=effect.job,
                engine=decision.engine,
                method=decision.method,
                seconds=decision.seconds,
                memory_bytes=decision.memory_bytes,
                reasons=decision.reasons,
            )
        )

    def _estimate(self, effect: fx.Estimate) -> None:
        assert effect.graph is not None
        try:
            result = self.routing.estimate(effect.graph, effect.digest, effect.shots)
        except QmkError as error:
            self._replies.refuse(effect.conn, effect.ref, error)
            return
        self._replies.answer(effect.conn, effect.ref, result)

    def _query_resources(self, effect: fx.QueryResources) -> None:
        result = self.routing.resources(effect.queued, effect.running, effect.workers)
        self._replies.answer(effect.conn, effect.ref, result)

    def _launch(self, effect: fx.Launch) -> None:
        """Launch at the end of this turn: a worker that wakes at once would take the processor from the daemon before
        the answer of the submit has left."""
        if not self._launches:
            self._schedule(self._launch_now)
        self._launches.append(effect)

    def _launch_now(self) -> None:
        assert self._launcher is not None
        launches, self._launches = self._launches, []
        for effect in launches:
            self._launcher.launch(effect, self._graphs[effect.job])

    def _kill(self, effect: fx.Kill) -> None:
        assert self._launcher is not None
        waiting = [launch for launch in self._launches if _is_launch(launch, effect.job, effect.fence)]
        for launch in waiting:
            self._launches.remove(launch)
        if not waiting and not self._committer.drop(lambda held: _is_launch(held, effect.job, effect.fence)):
            self._launcher.kill(effect.job, effect.fence)

    def _forget(self, effect: fx.Forget) -> None:
        self._graphs.pop(effect.job, None)
        self._recent.drop(effect.job)
        self._committer.forget(effect.job)

    def _reply_result(self, effect: fx.ReplyResult) -> None:
        try:
            result = self._result(effect)
        except QmkError as error:
            self._replies.refuse(effect.conn, effect.ref, error)
            return
        if effect.status is not None:
            result = msgspec.structs.replace(effect.status, result=result)
        self._replies.answer(effect.conn, effect.ref, result)

    def _result(self, effect: fx.ReplyResult) -> Any:
        recent = self._recent.get(effect.job)
        if recent is not None:
            return results.reply(effect.result, recent.head, effect.from_shot, recent.page)
        head = self._journal.head(effect.job)
        if head is None:
            raise QmkError("INTERNAL_ERROR", f"the result of {effect.job} is not in the store")
        return results.reply(
            effect.result, head, effect.from_shot, lambda number: self._journal.page(effect.job, number, head)
        )


def _is_launch(effect: Any, job: str, fence: int) -> bool:
    return isinstance(effect, fx.Launch) and (effect.job, effect.fence) == (job, fence)
