"""The launcher of a cluster. Its queue is here, and a slot is given one launch at a time: the cluster's own queue,
which knows nothing of tenants, stays empty.

It speaks to the bridge alone, a child process that may end at any time and is started again. What the slots have run
meanwhile is heard then. A launch that a slot never got is given to another under the same number; one that went down
with its slot is lost, and the kernel decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import structs

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.messages import Begun, Key, News, Refused, Running, Said, SlotDown, SlotUp
from qmk.host.cluster.resources import Resources, usual
from qmk.host.cluster.table import Slot, Slots, Task
from qmk.host.launcher import Capacity, Listener, Loss
from qmk.host.watch import LOOK_EVERY_S, Watch
from qmk.kernel.effects import Interrupt, Launch
from qmk.rpc.metrics import Counters
from qmk.worker.messages import Done, Failed, NotDone, RunProgress

log = logging.getLogger("qmk.cluster")
RETRY_S = 0.2
RETRY_MOST_S = 10.0
"""How long after its end the bridge is started again, doubled at each try up to this."""
CLOSING_S = 30.0
"""How long the end of the cluster that was started for us is waited for."""
JOIN_TRIES = 5
"""Bridges that the start of the daemon tries before it gives up: the first may be killed as anything may."""

if TYPE_CHECKING:
    from qmk.host.pool import Pool


class Bridge(Protocol):
    """The way to the slots."""

    @property
    def pid(self) -> int: ...
    def send(self, message: msgspec.Struct) -> None: ...
    def kill(self) -> None: ...


OpenBridge = Callable[[Callable[[ms.FromBridge], None], Callable[[str], None]], Bridge]
"""Starts a bridge, given who hears its messages, and its end with its last words."""


class ClusterPool:
    """``name``: of the kind of cluster, such as ``ray``, for the provenance of results. ``here`` runs scripts, which
    only wait for their runs and speak to the daemon meanwhile. ``needs``: what the slot of a launch must have."""

    def __init__(
        self,
        name: str,
        join: ms.Join,
        memory_bytes: int,
        listener: Listener,
        open_bridge: OpenBridge,
        here: Pool | None = None,
        needs: Callable[[Launch], Resources] = lambda launch: {},
    ) -> None:
        self.name, self.counters = name, Counters()
        self.about: ms.Joined | None = None
        self._join, self._here, self._needs = join, here, needs
        self._listener, self._open_bridge = listener, open_bridge
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Task] = deque()
        others = usual(join.settings.threads, memory_bytes)
        self.slots = Slots({number: Slot(number, others | join.resources_of(number)) for number in range(join.slots)})
        self._strangers: dict[Key, tuple[Slot, Running, list[Said]]] = {}
        self._reconciled = False
        self._closed: asyncio.Future[None] | None = None
        self._joined: asyncio.Future[None] = self._loop.create_future()
        self._retry_s = RETRY_S
        self._ends = 0
        self._takes_wants, self._wants = False, list[int]()
        self._retry: asyncio.Handle | None = None
        self._bridge: Bridge | None = None
        self._watch: Watch | None = None
        self._looking = self._loop.call_later(LOOK_EVERY_S, self._look)
        self._start_bridge()

    async def open(self) -> None:
        """Waits until the cluster answers and what its slots still run is known. Raises CONNECTION_LOST with what the
        bridge says when it cannot join, or with its last words when it has ended ``JOIN_TRIES`` times."""
        await self._joined

    @property
    def pids(self) -> list[int]:
        """The process ids of the bridge and of workers with scripts; the others are on other machines."""
        here = self._here.pids if self._here is not None else []
        return [self._bridge.pid, *here] if self._bridge is not None else here

    @property
    def workers(self) -> int:
        """How many slots are up."""
        return sum(slot.up for slot in self.slots.values())

    def describe(self) -> dict[str, Any]:
        """The cluster, for ``q_query_resources``: its kind and address, the slots that it should have, and those that
        are up by node."""
        about = {"address": self.about.address, "cpus": self.about.cpus} if self.about is not None else {}
        slots = len(self.slots.wanted_slots) if self._join.idle_s else self._join.slots
        return {"cluster": {"kind": self.name, "slots": slots, "nodes": self.slots.nodes, **about}}

    def capacity(self) -> Capacity:
        return Capacity(self._join.slots, len(self.slots.tasks), len(self._queue), self.workers)

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        """Run ``launch`` as soon as a slot is free that has what it needs. Raises UNSUPPORTED where none will: the
        daemon had other slots when it accepted the job."""
        if launch.script and self._here is not None:
            self._here.launch(launch, graph, state)
            return
        self._queue.append(self.slots.accept(launch, graph, state, self._needs(launch)))
        self._pump()

    def interrupt(self, interrupt: Interrupt) -> None:
        """Passes an interrupt on to the launch's slot, now or once it has the launch."""
        waiting = next((task for task in self._queue if task.key == (interrupt.job, interrupt.fence)), None)
        found = self.slots.holder((interrupt.job, interrupt.fence))
        if waiting is not None:
            waiting.asks.append(interrupt)
        elif found is not None:
            slot, task = found
            task.asks.append(interrupt)
            self._tell(slot, ms.Ask(interrupt))
        elif self._here is not None:
            self._here.interrupt(interrupt)

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        """Stop that launch, wherever it is. A slot that cannot be told now is told when it is up again."""
        for task in [task for task in self._queue if task.key == (job, fence)]:
            self._queue.remove(task)
        found = self.slots.holder((job, fence))
        if found is not None:
            found[0].tasks.pop((job, fence))
            self._tell(found[0], ms.Stop(job, fence, grace_s))
            self._pump()
        elif self._here is not None:
            self._here.cancel(job, fence, grace_s)

    def waited_s(self, job: str, fence: int) -> float:
        """Seconds for which the launch was ready to run and had no processor, as its slot last said."""
        found = self.slots.holder((job, fence))
        if found is not None:
            return found[1].waited_s
        return self._here.waited_s(job, fence) if self._here is not None else 0.0

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        """Takes over the launches of these jobs that the slots have; their news follow on a later turn of the loop."""
        self._reconciled = True
        strangers, self._strangers = self._strangers, {}
        for key, (slot, run, said) in strangers.items():
            if key[0] not in fences:
                self._tell(slot, ms.Stop(*key, 0.0))
                continue
            slot.tasks[key] = Task(run.launch, None, None)
            if run.begun and not any(isinstance(each.what, Begun) for each in said):
                said.insert(0, Said(0, *key, Begun()))
            self._loop.call_soon(self._hear_all, slot, said)
        for task in [*self._queue, *self.slots.tasks]:
            if task.key[0] not in fences:
                self.cancel(*task.key)
        here = self._here.reconcile(fences) if self._here is not None else []
        return [*(task.key for task in (*self._queue, *self.slots.tasks)), *here]

    def prestart(self, engine: str) -> None:
        """A slot starts an engine with its first launch, and keeps it."""

    async def close(self) -> None:
        """Ends the slots, and the cluster if it was started for us; returns when that is done."""
        self._queue.clear()
        self._looking.cancel()
        self._closed = self._loop.create_future()
        if self._retry is not None:
            self._retry.cancel()
        if self._here is not None:
            await self._here.close()
        if self._bridge is None:
            return
        self._bridge.send(ms.Leave())
        try:
            await asyncio.wait_for(asyncio.shield(self._closed), CLOSING_S)
        except TimeoutError:
            self._bridge.kill()

    def _start_bridge(self) -> None:
        try:
            self._bridge = self._open_bridge(self._on_message, self._on_bridge_end)
        except QmkError as error:
            self._on_bridge_end(error.message)
            return
        self._watch = Watch(self._bridge.pid)
        self._bridge.send(self._join)

    def _look(self) -> None:
        """Ends a bridge that will never answer; another is started."""
        self._looking = self._loop.call_later(LOOK_EVERY_S, self._look)
        if self._join.idle_s:
            self.slots.give_up_idle(self._loop.time(), self._join.idle_s)
            self._pump()
        why = self._watch.look() if self._watch is not None else ""
        if why and self._bridge is not None:
            log.warning("the bridge to the cluster %s; it is ended", why)
            self._bridge.kill()

    def _on_bridge_end(self, words: str) -> None:
        """Handles the end of the bridge. What the slots run goes on; they are heard through the next one."""
        self._bridge = None
        self._takes_wants, self._wants = False, []
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        for slot in self.slots.values():
            slot.up = False
        if self._closed is not None:
            if words:
                log.warning("the bridge to the cluster did not end well: %s", words)
            if not self._closed.done():
                self._closed.set_result(None)
            return
        self._ends += 1
        if not self._joined.done() and self._ends == JOIN_TRIES:
            what = (
                f"the bridge to the cluster ended {JOIN_TRIES} times before it had joined{words and ': '}{words[-500:]}"
            )
            self._joined.set_exception(QmkError("CONNECTION_LOST", what))
            return
        log.warning("the bridge to the cluster has ended%s%s", words and "; its last words:\n", words)
        self._retry = self._loop.call_later(self._retry_s, self._start_bridge)
        self._retry_s = min(RETRY_MOST_S, 2 * self._retry_s)

    def _on_message(self, message: ms.FromBridge) -> None:
        if isinstance(message, News):
            slot = self.slots[message.slot]
            if message.generation == slot.generation:
                self._hear_all(slot, ms.unpack_said(message.said))
        elif isinstance(message, SlotUp):
            self._on_up(self.slots[message.slot], message)
        elif isinstance(message, SlotDown):
            slot = self.slots[message.slot]
            if message.generation == slot.generation:
                self._on_down(slot, message.why)
        elif isinstance(message, ms.Joined):
            self._on_joined(message)
        elif not self._joined.done():
            self._joined.set_exception(QmkError("CONNECTION_LOST", message.message, help=message.help))
        else:
            log.warning("%s", message.message)
        self._pump()

    def _on_joined(self, message: ms.Joined) -> None:
        """Every slot that has outlived the bridge is up now; what the others had is lost."""
        self.about, self._retry_s, self._takes_wants = message, RETRY_S, True
        for slot in self.slots.values():
            if not slot.up and slot.tasks:
                self._on_down(slot, "is gone from the cluster")
        if not self._joined.done():
            self._joined.set_result(None)

    def _on_up(self, slot: Slot, message: SlotUp) -> None:
        census = ms.unpack_census(message.census)
        if message.generation != slot.generation:
            self._on_down(slot, "was made anew")
            slot.renew(message.generation)
            self.counters.add("worker_starts_total", (self.name,))
        slot.up, slot.node, slot.memory_bytes = True, message.node, census.memory_bytes
        slot.wanted, slot.busy_s = True, self._loop.time()
        runs = {(run.launch.job, run.launch.fence): run for run in census.runs}
        for key, task in list(slot.tasks.items()):
            if key in runs:
                for ask in task.asks:
                    self._tell(slot, ms.Ask(ask))
            else:
                del slot.tasks[key]
                self._give_back(task)
        for key, run in runs.items():
            if key in slot.tasks:
                continue
            if self._reconciled:
                self._tell(slot, ms.Stop(*key, 0.0))
            else:
                self._strangers[key] = (slot, run, [])

    def _give_back(self, task: Task) -> None:
        """Handles a launch that its slot, which is well, does not have: it never got it, or its end was lost."""
        if task.begun or task.graph is None:
            self._lose(task, "the slot no longer has it")
        else:
            self._queue.appendleft(task)

    def _on_down(self, slot: Slot, why: str) -> None:
        tasks, slot.tasks = slot.tasks, {}
        slot.up = False
        for key in [key for key, (where, _, _) in self._strangers.items() if where is slot]:
            del self._strangers[key]
        if slot.generation and why != ms.GIVEN_UP:
            log.warning("slot %d, generation %d, %s", slot.number, slot.generation, why)
            self.counters.add("worker_deaths_total", (self.name,))
        for task in tasks.values():
            self._lose(task, f"slot {slot.number} of the cluster {why}")

    def _lose(self, task: Task, why: str) -> None:
        failed = Failed(task.launch.fence, "JOB_FAILED", why, {"engine": task.launch.engine})
        self._listener.on_failed(*task.key, failed, Loss("killed"))

    def _pump(self) -> None:
        """Gives waiting launches to free slots, in their order. One that waits for a slot holds up those that wait for
        the same, and no others. One whose floor is too high for every slot fails with what a slot said."""
        held_up = set[frozenset[int]]()
        for task in list(self._queue) if self._closed is None else ():
            places = self.slots.fitting(task)
            slot = self.slots.choose(task) if places not in held_up else None
            if slot is None and places:
                held_up.add(places)
                continue
            self._queue.remove(task)
            if slot is None:
                self._loop.call_soon(self._listener.on_failed, *task.key, self.slots.refusal(task), None)
                continue
            slot.tasks[task.key] = task
            self._begin(slot, task, None if slot.give(task.launch) else task.graph)
        self._want_slots()

    def _want_slots(self) -> None:
        """Tells the bridge which slots are needed, once it has joined: until then it may find some."""
        if not self._join.idle_s or self._closed is not None:
            return
        self.slots.want_for(self._queue)
        wanted = self.slots.wanted_slots
        if self._takes_wants and self._bridge is not None and wanted != self._wants:
            self._wants = wanted
            self._bridge.send(ms.Want(wanted))

    def _begin(self, slot: Slot, task: Task, graph: bytes | None) -> None:
        self._tell(slot, ms.Begin(task.launch, graph, task.state))
        for ask in task.asks:
            self._tell(slot, ms.Ask(ask))

    def _tell(self, slot: Slot, order: ms.Order) -> None:
        if slot.up and self._bridge is not None:
            self._bridge.send(ms.Tell(slot.number, slot.generation, ms.pack(order)))

    def _hear_all(self, slot: Slot, news: list[Said]) -> None:
        for said in news:
            self._hear(slot, said)

    def _hear(self, slot: Slot, said: Said) -> None:
        key, what = (said.job, said.fence), said.what
        if isinstance(what, Refused):
            self._listener.on_calls_refused(what.launch, what.calls)
            return
        if key in self._strangers:
            self._strangers[key][2].append(said)
            return
        task = slot.tasks.get(key)
        if task is None:
            return  # it was cancelled
        task.waited_s = max(task.waited_s, said.waited_s)
        if said.is_end:
            del slot.tasks[key]
        if isinstance(what, Begun):
            if not task.begun:
                task.begun = True
                self._listener.on_started(*key)
        elif isinstance(what, RunProgress):
            self._listener.on_progressed(*key, what.shots_done, what.epoch, what.partial)
        elif isinstance(what, Done):
            notes = {**what.notes, "cluster": self.name, "node": slot.node}
            hedge = () if said.hedge is None else (said.hedge,)
            self._listener.on_done(*key, structs.replace(what, notes=notes), said.version, *hedge)
        elif isinstance(what, Failed):
            self._hear_failed(slot, task, what, said.loss)
        else:
            task.asks = [ask for ask in task.asks if ask.ref != what.ref]
            if isinstance(what, NotDone):
                self._listener.on_not_done(*key, what)
            else:
                self._listener.on_saved(*key, what)

    def _hear_failed(self, slot: Slot, task: Task, failed: Failed, loss: Loss | None) -> None:
        if slot.is_too_weak(task, failed):
            self._queue.appendleft(task)
        elif not failed.missing_graph:
            self._listener.on_failed(*task.key, failed, loss)
        elif task.graph is not None:
            self._begin(slot, task, task.graph)
