"""The pool: warm worker processes, at most so many, and the launches that wait for one.

A worker loads one engine once and runs one job at a time. A launch takes an idle worker that may serve it
(``workers.Workers``); else a new one is started, for which the idle one unused for longest is ended when there are too
many. Launches start in the order given, within the slots and the memory of the machine. A launch with a second engine
(``Launch.hedge``) gets a second worker if one has nothing to do; the first result counts and ends the other, and the
second gives way to any launch that waits. Cancelling kills the process. ``Listener`` hears what the pool learns, never
of a launch that was cancelled. It is the first ``launcher.Launcher``; its workers end with the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from functools import partial

from msgspec import structs

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.driver import Ask, Site
from qmk.host.isolation.policy import Isolation
from qmk.host.isolation.refusals import RefusedCalls
from qmk.host.isolation.starter import Starter
from qmk.host.launcher import Capacity, Listener, Loss, ask_of, plan_name, run_of
from qmk.host.lines import Lines
from qmk.host.losses import Memory, judge_end
from qmk.host.machine import OutOfMemoryKills
from qmk.host.process import ChildProcess
from qmk.host.spawn import end_text
from qmk.host.tasks import Bounds, Task, Worker, choose_end
from qmk.host.watch import Watch
from qmk.host.workers import Workers, is_for_one_job
from qmk.kernel.effects import Interrupt, Launch
from qmk.rpc.metrics import Counters
from qmk.worker.messages import Done, Failed, FromAnyWorker, FromWorker, NotDone, Ready, RunProgress, StateSaved

log = logging.getLogger("qmk.pool")
SHORTAGE_S = 0.5
"""How long a launch waits that no worker could be started for."""
CLOSING_S = 5.0
"""How long the ends of workers are waited for; one that hangs in the system dies when it can."""


class Pool:
    def __init__(
        self,
        bounds: Bounds,
        listener: Listener,
        external: dict[str, spawn.External] | None = None,
        isolation: Isolation | None = None,
        lines: Lines | None = None,
    ) -> None:
        self.counters, self._bounds = Counters(), bounds
        self._lines = lines or Lines()
        isolation = isolation or Isolation()
        self._starter = Starter(Site(bounds.threads, bounds.memory_bytes, bounds.nice, external or {}), isolation)
        self._listener, self._loop = listener, asyncio.get_running_loop()
        self._workers = Workers(bounds, shared=isolation.shares_processes)
        self._dying: set[Worker] = set()
        self._queue: deque[Task] = deque()
        self._ended: asyncio.Future[None] | None = None
        self._sweeper = self._loop.call_later(bounds.idle_s, self._sweep)
        self._kills = OutOfMemoryKills()
        self._watcher = self._loop.call_later(bounds.look_s, self._look)
        self._retry = self._loop.call_soon(self._pump)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that exist."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    @property
    def zygote_pids(self) -> list[int]:
        return self._starter.pids

    def capacity(self) -> Capacity:
        bounds = self._bounds
        return Capacity(bounds.slots, len(self._workers.tasks), len(self._queue), len(self.pids))

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        """Run ``launch`` as soon as there is room."""
        self._queue.append(Task(launch, graph, state))
        self._pump()

    def interrupt(self, interrupt: Interrupt) -> None:
        """Passes an interrupt to the launch's worker, now or when it has begun."""
        for task in self._queue:
            if task.is_launch(interrupt.job, interrupt.fence):
                task.asks.append(interrupt)
                return
        worker = self._runner_of(interrupt.job, interrupt.fence)
        if worker is not None and worker.task is not None:
            worker.task.asks.append(interrupt)
            if worker.ready and worker.process is not None:
                worker.process.send(ask_of(interrupt))

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        """Stop that launch, wherever it is; with a grace, a worker that has a task elsewhere may cancel it first."""
        for task in self._queue:
            if task.is_launch(job, fence):
                self._queue.remove(task)
                return
        runners = self._workers.runners(job, fence)
        for worker in runners:
            self._end(worker, ask=grace_s > 0)
        self._pump()
        for worker in runners:
            self._replace(worker.engine)

    def waited_s(self, job: str, fence: int) -> float:
        """Seconds for which the launch's worker was ready to run and had no processor, since it began."""
        worker = self._runner_of(job, fence)
        return 0.0 if worker is None else worker.launch_waited_s

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        """Gives the launches that still run: none, as workers end with the daemon."""
        out = [(task.launch.job, task.launch.fence) for task in (*self._queue, *self._workers.tasks)]
        for job, fence in out:
            if job not in fences:
                self.cancel(job, fence)
        return [launch for launch in out if launch[0] in fences]

    def _runner_of(self, job: str, fence: int) -> Worker | None:
        """The worker of the launch; of two, that of the first engine."""
        return next(iter(self._workers.runners(job, fence)), None)

    def prestart(self, engine: str) -> None:
        """Have a warm worker of ``engine`` unless there is one."""
        if self._ended is None and engine not in self._workers.engines:
            self._start(engine, self._starter.level_for(engine))
            self._starter.prepare(engine)

    async def close(self) -> None:
        """Kill every worker and return when all are gone, or hang where no signal reaches them."""
        self._sweeper.cancel()
        self._watcher.cancel()
        self._queue.clear()
        self._ended = self._loop.create_future()
        for worker in list(self._workers):
            self._end(worker)
        if self._dying:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended, CLOSING_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._starter.close(), CLOSING_S)

    def _pump(self) -> None:
        while self._queue and self._ended is None:
            if self._workers.has_room(self._queue[0].launch):
                task = self._queue.popleft()
                try:
                    self._assign(task)
                except spawn.Shortage as error:
                    self._wait_for(task, error)
                    return
                if not self._queue:
                    self._begin_hedge(task)
            elif not self._give_up_hedge():
                return

    def _wait_for(self, task: Task, error: QmkError) -> None:
        """Tries the launch again soon; an idle worker, if there is one, gives its descriptors and memory."""
        log.warning("%s; %s waits", error.message, task.launch.job)
        self._queue.appendleft(task)
        self._make_room(at_least=1)
        self._retry.cancel()
        self._retry = self._loop.call_later(SHORTAGE_S, self._pump)

    def _begin_hedge(self, task: Task) -> None:
        """Start the launch's second engine, if it has one and there is room that nobody waits for."""
        to = task.launch.hedge
        if to is None or not any(worker.task is task for worker in self._workers):
            return
        second = task.second(to)
        if self._workers.has_room(second.launch):
            task.partner = second
            try:
                self._assign(second)
            except spawn.Shortage:
                task.partner = None

    def _give_up_hedge(self) -> bool:
        """End a second engine whose first still runs, so that another launch has its place; whether there was one."""
        for task in self._workers.tasks:
            if task.hedge is not None and task.partner is not None:
                self._end_partner(task.partner)
                return True
        return False

    def _end_partner(self, task: Task) -> None:
        """End the worker of the other engine of the launch, if it is at work."""
        partner, task.partner = task.partner, None
        for worker in [worker for worker in self._workers if partner is not None and worker.task is partner]:
            self._end(worker)

    def _assign(self, task: Task) -> None:
        engine, tenant = task.launch.engine, task.launch.tenant
        try:
            level = self._starter.level_for(engine, task.launch.isolation)
            worker = self._workers.choose(task.launch, level) or self._start(engine, level)
        except spawn.Shortage:
            raise
        except QmkError as error:
            self._report_failure(task, task.fail_with(error), None)
            return
        worker.task, worker.tenant = task, tenant
        if worker.refused is not None:
            worker.refused.begin(task.launch)
        self.counters.add("sandbox_denials_total", (engine, tenant), 0)  # a rise from 0 is seen as one
        if worker.ready:
            self._run(worker)

    def _start(self, engine: str, level: Level) -> Worker:
        self._make_room()
        worker = Worker(engine, level, used_s=self._loop.time())
        self._workers.append(worker)
        if level != "process":
            worker.refused = RefusedCalls(engine, self._listener.on_calls_refused, self.counters)
        hears = () if worker.refused is None else (worker.refused.add,)
        ask = Ask(partial(self._on_child, worker), partial(self._on_unborn, worker), *hears)
        try:
            self._starter.start(engine, level, ask)
        except QmkError:
            self._workers.remove(worker)
            raise
        return worker

    def _on_child(self, worker: Worker, child: spawn.Child) -> None:
        """Handles the start of a worker's process; nobody may want it any more."""
        hear = self._lines.listen(worker, partial(self._on_message, worker), partial(self._on_exit, worker))
        worker.process = ChildProcess(child, FromAnyWorker, *hear)
        self.counters.add("worker_starts_total", (worker.engine,))
        worker.watch = Watch(worker.process.pid, self._bounds.look_s)
        if worker not in self._workers:
            self._dying.add(worker)
            worker.process.kill()

    def _on_unborn(self, worker: Worker, failed: Failed, loss: Loss | None = None) -> None:
        """Handles a worker that its zygote could not make. Its launch starts anew where it may be at another level."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        task, engine = worker.task, worker.engine
        if task is not None and failed.kind == "UNSUPPORTED":
            self._queue.appendleft(task)
        elif task is not None:
            self._report_failure(task, task.no_start(engine, failed), loss)
        self._pump()

    def _make_room(self, at_least: int = 0) -> None:
        """End idle workers, those unused for longest, until one more is within the bound, or ``at_least`` so many."""
        for worker in self._workers.superfluous(at_least):
            self._end(worker)

    def _replace(self, engine: str) -> None:
        """Start another worker of ``engine`` for the next job, if there is room and none is left."""
        if len(self._workers) < self._bounds.processes:
            try:
                self.prestart(engine)
            except QmkError as error:
                log.warning("no spare worker of engine %s: %s", engine, error)

    def _run(self, worker: Worker, with_graph: bool = False) -> None:
        assert worker.task is not None
        assert worker.process is not None
        task, launch = worker.task, worker.task.launch
        holds = plan_name(launch) in worker.holds and not with_graph
        if not holds:
            worker.holds.append(plan_name(launch))
        if not with_graph:
            worker.note_start(self._loop.time())
        worker.process.send(run_of(launch, None if holds else task.graph, task.state))
        for interrupt in task.asks:
            worker.process.send(ask_of(interrupt))
        if not with_graph and task.hedge is None:
            self._listener.on_started(launch.job, launch.fence)  # while the worker is at work already

    def _on_message(self, worker: Worker, message: FromWorker) -> None:
        if isinstance(message, Ready):
            worker.ready, worker.version = True, message.version
            worker.follow(message.pid, self._bounds.look_s, self._starter.group)
            if worker.task is not None:
                self._run(worker)
            return
        if worker.task is None or message.fence != worker.task.launch.fence:
            if isinstance(message, Failed) and not worker.ready:
                worker.complaint = message
            return
        task = worker.task
        job, fence = task.launch.job, task.launch.fence
        if isinstance(message, RunProgress) and task.hedge is not None and task.partner is not None:
            return  # the first engine says how far the launch is
        if isinstance(message, RunProgress):
            self._listener.on_progressed(job, fence, message.shots_done, message.epoch, message.partial)
        elif isinstance(message, NotDone):
            task.asks = [ask for ask in task.asks if ask.ref != message.ref]
            self._listener.on_not_done(job, fence, message)
        elif isinstance(message, StateSaved) and not message.stopped:
            task.asks = [ask for ask in task.asks if ask.ref != message.ref]
            self._listener.on_saved(job, fence, message)
        elif isinstance(message, Failed) and message.missing_graph:
            self._run(worker, with_graph=True)
        else:
            self._ended_run(worker, task, message)

    def _ended_run(self, worker: Worker, task: Task, message: Done | Failed | StateSaved) -> None:
        """Handles the end of a run: the worker is idle again."""
        launch, worker.task, worker.used_s = task.launch, None, self._loop.time()
        if worker.refused is not None:
            worker.refused.end()
        if isinstance(message, Done):
            self._end_partner(task)
            second = () if task.hedge is None else (task.hedge,)
            done = structs.replace(message, isolation=worker.level)
            self._listener.on_done(launch.job, launch.fence, done, worker.version, *second)
        elif isinstance(message, StateSaved):
            self._workers.note_stop(launch.job, worker)
            self._listener.on_saved(launch.job, launch.fence, message)
        else:
            worker.holds.clear()
            self._report_failure(task, self._memory_of(task).explain(message), None)
        if is_for_one_job(launch, worker.level) and worker in self._workers:
            self._end(worker)
        self._pump()

    def _report_failure(self, task: Task, failed: Failed, loss: Loss | None) -> None:
        """Handles an engine of a launch that gave no result. While the other engine runs, the launch goes on; at the
        end the first engine's failure is reported, or that of the one that was lost."""
        partner, task.partner = task.partner, None
        if partner is not None:
            partner.partner = None
            partner.failure = (failed, loss)
            return
        ends = [end for end in ((failed, loss), task.failure) if end is not None]
        ends.sort(key=lambda end: (end[0] is failed) == (task.hedge is not None))  # that of the first engine first
        self._listener.on_failed(task.launch.job, task.launch.fence, *choose_end(ends))

    def _memory_of(self, task: Task) -> Memory:
        return Memory(task.launch.memory_bytes, self._bounds.memory_bytes)

    def _end(self, worker: Worker, ask: bool = False) -> None:
        """Take the worker out, with its task, and kill it; ``_on_exit`` follows."""
        worker.task = None
        self._workers.remove(worker)
        if worker.process is None:
            return  # it is killed when it is there
        self._dying.add(worker)
        worker.process.kill(ask)

    def _on_exit(self, worker: Worker, status: int) -> None:
        worker.close()
        if worker in self._dying:
            self._dying.discard(worker)
            if self._ended is not None and not self._dying and not self._ended.done():
                self._ended.set_result(None)
            return
        assert worker.process is not None
        self._workers.remove(worker)
        self.counters.add("worker_deaths_total", (worker.engine,))
        words = worker.process.last_words
        below = words and f"; its last words:\n{words}"
        log.warning("worker %d of engine %s %s%s", worker.process.pid, worker.engine, end_text(status), below)
        task = worker.task
        if task is not None and worker.complaint is not None:
            self._report_failure(task, task.no_start(worker.engine, worker.complaint), None)
        elif task is not None:
            recent, memory = self._kills.any_lately(), self._memory_of(task)
            lost = judge_end(worker.engine, status, words, worker.process.fault, recent, memory, worker.ran_out)
            self._report_failure(task, task.fail_with(lost.error), Loss(lost.cause))
        self._pump()

    def _look(self) -> None:
        """End the workers that will never answer; their launches count as killed from outside."""
        self._watcher = self._loop.call_later(self._bounds.look_s, self._look)
        self._kills.look()
        self._starter.look()
        for worker, pid, why in self._workers.stuck():
            log.warning("worker %d of engine %s %s; it is ended", pid, worker.engine, why)
            task = worker.task
            self._end(worker)
            if task is not None:
                message = f"the worker of engine '{worker.engine}' {why}"
                failed = task.fail_with(QmkError("JOB_FAILED", message, engine=worker.engine))
                self._report_failure(task, failed, Loss("killed"))
        self._pump()

    def _sweep(self) -> None:
        """End the workers that nobody has used for long."""
        before = self._loop.time() - self._bounds.idle_s
        for worker in self._workers.unused_since(before):
            self._end(worker)
        self._sweeper = self._loop.call_later(self._bounds.idle_s, self._sweep)
