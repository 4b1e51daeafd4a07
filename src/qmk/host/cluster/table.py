"""The table of a cluster's slots as the daemon knows them, and which of them a launch takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import structs

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.cluster.messages import Key
from qmk.host.cluster.resources import CPU, MEMORY, Resources, has, missing, with_memory
from qmk.host.launcher import plan_name
from qmk.kernel.effects import Interrupt, Launch
from qmk.rpc.kept import Kept, remember
from qmk.worker.messages import Failed

HELD_GRAPHS = 64
"""Graphs that a slot is trusted to still hold; it says so when it does not."""


@dataclass(slots=True, eq=False)
class Task:
    """A launch with what it needs. ``graph`` is None for one that was taken over: the slot has it. ``asks`` are
    interrupts that it has not answered. ``begun``: the listener knows that it has started. ``needs``: what its slot
    must have."""

    launch: Launch
    graph: bytes | None
    state: bytes | None
    asks: list[Interrupt] = field(default_factory=list[Interrupt])
    begun: bool = False
    waited_s: float = 0.0
    needs: Resources = field(default_factory=dict[str, float])

    @property
    def key(self) -> Key:
        return self.launch.job, self.launch.fence

    @property
    def level(self) -> tuple[str, Level]:
        """The engine, and the weakest level that it may run at."""
        return self.launch.engine, self.launch.isolation


@dataclass(slots=True, eq=False)
class Slot:
    """``up``: it takes orders. While the bridge is away it may be at work all the same, so that its tasks stay.
    ``wanted``: the bridge is to keep it; ``busy_s``: when it last had a task, where idle slots are given up."""

    number: int
    resources: Resources = field(default_factory=dict[str, float])
    generation: int = 0
    node: str = ""
    memory_bytes: int = 0
    up: bool = False
    wanted: bool = False
    busy_s: float = 0.0
    tasks: dict[Key, Task] = field(default_factory=dict[Key, Task])
    graphs: Kept[str, bool] = field(default_factory=Kept[str, bool])
    plans: Kept[str, bool] = field(default_factory=Kept[str, bool])
    engines: set[str] = field(default_factory=set[str])
    weak: dict[tuple[str, Level], Failed] = field(default_factory=dict[tuple[str, Level], Failed])
    """Engines with a floor below which its machine would have to run them, and what it said of that."""

    def renew(self, generation: int) -> None:
        """It was made anew: it holds nothing."""
        self.generation = generation
        self.graphs.clear()
        self.plans.clear()
        self.engines.clear()
        self.weak.clear()

    @property
    def thrift(self) -> tuple[float, float, float]:
        """What of it others may need: the less, the greater."""
        return -len(self.resources), -self.resources.get(CPU, 0.0), -self.resources.get(MEMORY, 0.0)

    def fits(self, task: Task) -> bool:
        """Whether it has what the launch needs, and is not known to be too weak for its floor."""
        needs, weak = task.needs, self.weak
        return (not needs or has(self.resources, needs)) and not (weak and task.level in weak)

    def is_too_weak(self, task: Task, failed: Failed) -> bool:
        """Whether it refused the launch as its machine has not the level of isolation, which is remembered."""
        weak = failed.kind == "UNSUPPORTED" and "isolation" in failed.fields and task.graph is not None
        if weak:
            self.weak[task.level] = failed
        return weak

    def give(self, launch: Launch) -> bool:
        """Notes that the slot gets the launch; whether it holds the graph already."""
        self.engines.add(launch.engine)
        remember(self.plans, plan_name(launch), HELD_GRAPHS)
        return remember(self.graphs, launch.digest, HELD_GRAPHS)


class Slots(dict[int, Slot]):
    """By number."""

    def choose(self, task: Task) -> Slot | None:
        """A slot that is free and has what the launch needs, on a machine with the memory (one alone there may try):
        of those with the fewest resources, which others may need, one that holds the program, else one that has run the
        engine, else any."""
        launch, plan = task.launch, plan_name(task.launch)
        taken: dict[str, int] = {}  # bytes of what runs, by node
        for slot in self.values():
            if slot.tasks:
                bytes_there = sum(each.launch.memory_bytes for each in slot.tasks.values())
                taken[slot.node] = taken.get(slot.node, 0) + bytes_there

        def rank(slot: Slot) -> tuple[float, ...]:
            return (*slot.thrift, plan in slot.plans, launch.engine in slot.engines, -slot.number)

        def has_memory(slot: Slot) -> bool:
            return slot.node not in taken or not 0 < slot.memory_bytes < taken[slot.node] + launch.memory_bytes

        free = (slot for slot in self.values() if slot.up and not slot.tasks and slot.fits(task) and has_memory(slot))
        return max(free, key=rank, default=None)

    def accept(self, launch: Launch, graph: bytes, state: bytes | None, asked: Resources) -> Task:
        """The launch with all that its slot must have, where it asks for these resources. Raises UNSUPPORTED where no
        slot has them: the daemon had others when it accepted the job."""
        slots = [slot.resources for slot in self.values()]
        needs = with_memory(slots, asked, launch.memory_bytes)
        if lack := missing(slots, needs):
            raise QmkError("UNSUPPORTED", f"the job cannot run on this cluster any more: {lack}", field="resources")
        return Task(launch, graph, state, needs=needs)

    def fitting(self, task: Task) -> frozenset[int]:
        """The numbers of the slots that the launch can wait for."""
        return frozenset(slot.number for slot in self.values() if slot.fits(task))

    def refusal(self, task: Task) -> Failed:
        """Why no slot fits, of a launch for which some have the resources."""
        said = next(slot.weak[task.level] for slot in self.values() if task.level in slot.weak)
        return structs.replace(said, fence=task.launch.fence)

    def want_for(self, waiting: Iterable[Task]) -> None:
        """Has slots made for launches that found none free: for each one that is on its way, or one more."""
        coming = [slot for slot in self.values() if slot.wanted and not slot.up]
        others = sorted((slot for slot in self.values() if not slot.wanted), key=lambda slot: len(slot.resources))
        for task in waiting:
            for slots in (coming, others):
                found = next((slot for slot in slots if slot.fits(task)), None)
                if found is not None:
                    slots.remove(found)
                    found.wanted = True
                    break

    def give_up_idle(self, now_s: float, idle_s: float) -> None:
        """Gives up the slots that had nothing to do for so long."""
        for slot in self.values():
            if slot.tasks or not slot.up:
                slot.busy_s = now_s
            elif slot.wanted and now_s > slot.busy_s + idle_s:
                slot.wanted = slot.up = False

    @property
    def wanted_slots(self) -> list[int]:
        """The numbers of the slots that the bridge is to keep."""
        return [slot.number for slot in self.values() if slot.wanted]

    def holder(self, key: Key) -> tuple[Slot, Task] | None:
        """The slot that has the launch."""
        return next(((slot, slot.tasks[key]) for slot in self.values() if key in slot.tasks), None)

    @property
    def tasks(self) -> list[Task]:
        return [task for slot in self.values() for task in slot.tasks.values()]

    @property
    def nodes(self) -> dict[str, int]:
        """How many slots are up on each node."""
        counts: dict[str, int] = {}
        for slot in self.values():
            if slot.up:
                counts[slot.node] = counts.get(slot.node, 0) + 1
        return counts
