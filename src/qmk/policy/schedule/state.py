"""The scheduler's state, and how each event changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import structs

from qmk.kernel.capacity import Settings, Site, width_of
from qmk.kernel.scheduling import (
    AllowanceSet,
    Clock,
    Declined,
    Event,
    Left,
    Place,
    Queued,
    Settled,
    ShareSet,
    Started,
    Stopped,
    Task,
    Woken,
)
from qmk.policy.schedule.allowances import Allowance
from qmk.policy.schedule.ends import Ends
from qmk.policy.schedule.order import rank
from qmk.policy.schedule.room import Room
from qmk.policy.schedule.scripts import Scripts
from qmk.policy.schedule.shares import Share, Shares, clamp
from qmk.policy.schedule.tree import Needs

LEAST_LEFT = 10
"""A job that continues from a fence is predicted to need at least this fraction (one tenth) of its first prediction."""

NEVER = -(1 << 62)
WAITING, OUT, HELD = "waiting", "out", "held"


class Entry:
    """A job the scheduler knows: WAITING in its tenant's queue, OUT on the machine, or HELD between the two.

    ``left_ns`` is the predicted time it still needs, ``charge`` the virtual time it is charged while out. ``since_ns``
    is the scheduler's time of its start (of its launch, until a worker took it). ``promise_ns``: when it was predicted
    to start, from when it first held back others."""

    __slots__ = (
        "allowance",
        "charge",
        "declined",
        "key",
        "launched_epoch",
        "left_ns",
        "preempted_epoch",
        "promise_ns",
        "share",
        "since_ns",
        "site",
        "started",
        "state",
        "task",
        "yielding",
    )

    def __init__(self, task: Task, share: Share, allowance: Allowance | None, accepted_epoch: int) -> None:
        self.task = task
        self.share = share
        self.allowance = allowance
        self.key = rank(task, accepted_epoch)
        self.left_ns = clamp(task.cost_ns)
        self.state = HELD
        self.site: Site | None = None
        self.charge = self.since_ns = self.launched_epoch = 0
        self.started = self.yielding = self.declined = False
        self.preempted_epoch = NEVER
        self.promise_ns: int | None = None

    @property
    def needs(self) -> Needs:
        """Memory, qubits, time and load of the decoder, as the queue's search compares them."""
        return self.task.memory_bytes, width_of(self.task), self.left_ns, self.task.decoder_ppm

    @property
    def due_ns(self) -> int:
        """When it was predicted to be off the machine."""
        return self.since_ns + self.left_ns

    def end_ns(self, now_ns: int) -> int:
        """When it is predicted to be off the machine; one that overruns its prediction, now."""
        return max(now_ns, self.due_ns)

    def expected_end_ns(self, now_ns: int) -> int:
        """When it is expected to be off the machine: as predicted or, once that has passed, after as long again as it
        is late. So what is told of the jobs behind it moves on with the clock."""
        return max(self.due_ns, now_ns + (now_ns - self.due_ns))

    def comparable(self) -> dict[str, Any]:
        names = [name for name in self.__slots__ if name not in ("allowance", "share")]
        return {name: getattr(self, name) for name in names}


class Schedule:
    """``now_ns`` is the scheduler's time: the wall clock's steps forward, added up; it stands still while the wall
    clock goes back. ``epoch`` counts in it. ``out`` has the launches, ``fenced`` those of them that may yet yield,
    ``ends`` the times at which they are due."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.wall_ns: int | None = None
        self.now_ns = 0
        self.shares = Shares()
        self.capacity = Room(self.settings)
        self.scripts = Scripts()
        self.allowances: dict[str, Allowance] = {}
        self.entries: dict[str, Entry] = {}
        self.out: dict[str, Entry] = {}
        self.fenced: dict[str, Entry] = {}
        self.ends = Ends()
        self.waiting = 0
        self.waiting_ns = 0
        self.armed_epoch: int | None = None
        self.wake_ns: int | None = None
        """The wall-clock time at which a timer is to wake the scheduler, for the edge that ``armed_epoch`` begins
        with."""
        self.reserved: tuple[str, str] | None = None
        """The job that waits for room, and the launch whose end is predicted to make it."""
        self.tests = 0
        """Placements tried since the beginning, for benchmarks."""

    @property
    def epoch(self) -> int:
        return self.now_ns // self.settings.epoch_ns

    def wall_of(self, at_ns: int) -> int:
        """The wall-clock time of a time of the scheduler."""
        return (self.wall_ns or 0) + at_ns - self.now_ns

    def apply(self, event: Event) -> None:
        """Take in what happened; decides nothing."""
        self._by_kind[type(event)](self, event)

    def place(self, entry: Entry, site: Site | None) -> Place:
        """Takes a waiting job out of its queue onto the machine."""
        share = entry.share
        if entry.state == WAITING:
            self._unqueue(entry)
        entry.state, entry.site = OUT, site
        entry.charge = share.virtual(entry.left_ns)
        entry.since_ns, entry.launched_epoch = self.now_ns, self.epoch
        entry.promise_ns = None
        share.charged += entry.charge
        share.running += 1
        share.qubits += width_of(entry.task)
        if entry.allowance is not None:
            entry.allowance.running += 1
            entry.allowance.qubits += width_of(entry.task)
            entry.allowance.offer()
        self.capacity.take(entry.task, site)
        self.out[entry.task.job] = entry
        self.ends.add(entry.since_ns + entry.left_ns)
        if entry.task.fenced:
            self.fenced[entry.task.job] = entry
        self.shares.refresh(share)
        return Place(entry.task.job, site.region if site else "", site.first if site else 0)

    def may_run(self, tenant: str) -> bool:
        """Whether the tenant may have jobs out at all: a suspended one may not."""
        share = self.shares.by_name.get(tenant)
        return share is None or share.limit > 0

    def snapshot(self) -> dict[str, Any]:
        """Everything, as comparable data: equal after the same events."""
        return {
            "now": (self.wall_ns, self.now_ns, self.reserved, self.waiting, self.waiting_ns),
            "wake": (self.armed_epoch, self.wake_ns),
            "entries": {job: entry.comparable() for job, entry in self.entries.items()},
            "out": list(self.out),
            "fenced": list(self.fenced),
            "capacity": (
                self.capacity.free_slots,
                self.capacity.used_memory,
                self.capacity.used_decoder,
                self.capacity.snapshot(),
            ),
            "allowances": {name: allowance.comparable() for name, allowance in self.allowances.items()},
            "shares": [s.comparable() for s in self.shares],
            "v": (self.shares.v, self.shares.weight),
            "scripts": (list(self.scripts.waiting), list(self.scripts.out)),
        }

    def accounts(self) -> dict[str, int]:
        """What a replay of the kernel's journal rebuilds: virtual times, and ``v`` under the empty name."""
        return {"": self.shares.v} | {share.name: share.settled for share in self.shares}

    def _on_declined(self, event: Declined) -> None:
        entry = self.out.get(event.job)
        if entry is not None:
            entry.declined, entry.yielding = True, False
            self.fenced.pop(event.job, None)

    def _woken(self, _: Woken) -> None:
        self.wake_ns = None

    def _allow(self, event: AllowanceSet) -> None:
        allowance = self.allowances.setdefault(event.allowance, Allowance())
        allowance.limit, allowance.qubits_limit = event.running_jobs, event.running_qubits
        allowance.offer()
        if allowance.share is not None:
            self.shares.refresh(allowance.share)
        if allowance.idle:
            del self.allowances[event.allowance]

    def _clock(self, event: Clock) -> None:
        wall_ns = event.now_ns
        if self.wall_ns is None:
            self.now_ns = max(self.now_ns, wall_ns)
        else:
            self.now_ns += max(0, wall_ns - self.wall_ns)
        self.wall_ns = wall_ns

    def _on_queued(self, event: Queued) -> None:
        task = event.task
        if task.script:
            self.scripts.queue(task, self.epoch)
            return
        entry = self.entries.get(task.job)
        if entry is None:
            share = self.shares.get(task.tenant)
            self.shares.enter(share)
            allowance = self.allowances.setdefault(task.allowance, Allowance()) if task.allowance else None
            if allowance is not None:
                allowance.live += 1
            entry = self.entries[task.job] = Entry(task, share, allowance, self.epoch)
        if entry.state == WAITING:
            self._unqueue(entry)
        else:
            assert entry.state == HELD, f"{task.job} is {entry.state}"
        if task.allowance != entry.task.allowance:  # it may be lifted since, but still counts the job
            task = structs.replace(task, allowance=entry.task.allowance)
        entry.task = task
        entry.state = WAITING
        entry.left_ns = event.left_ns or entry.left_ns
        if entry.allowance is None:
            entry.share.queue.put(entry.key, entry, entry.left_ns, entry.needs)
        else:
            entry.allowance.queue(entry.share, entry)
        self.waiting += 1
        self.waiting_ns += entry.left_ns
        self.shares.refresh(entry.share)

    def _left(self, event: Left) -> None:
        entry = self.entries.pop(event.job, None)
        if entry is None:
            self.scripts.leave(event.job)
            return
        if entry.state == OUT:
            self._vacate(entry, 0)
        elif entry.state == WAITING:
            self._unqueue(entry)
        if entry.allowance is not None:
            entry.allowance.live -= 1
            if entry.allowance.idle:
                del self.allowances[entry.task.allowance]
        self.shares.leave(entry.share)
        self.shares.refresh(entry.share)

    def _on_started(self, event: Started) -> None:
        entry = self.entries.get(event.job)
        if entry is None or entry.started:
            self.scripts.start(event.job)
            return
        if entry.state != OUT:
            self.place(entry, self.capacity.site(entry.task, event.region, event.first_qubit))
        entry.started = True
        if entry.since_ns != self.now_ns:
            self.ends.drop(entry.since_ns + entry.left_ns)
            entry.since_ns = self.now_ns
            self.ends.add(entry.since_ns + entry.left_ns)
        self.shares.start(entry.share)

    def _on_stopped(self, event: Stopped) -> None:
        entry = self.out.get(event.job)
        if entry is None:
            self.scripts.stop(event.job)
            return
        self._vacate(entry, event.used_ns)
        cost_ns = clamp(entry.task.cost_ns)
        entry.left_ns = max(entry.left_ns - event.used_ns, cost_ns // LEAST_LEFT) if event.continued else cost_ns

    def _vacate(self, entry: Entry, used_ns: int) -> None:
        job, share = entry.task.job, entry.share
        del self.out[job]
        self.ends.drop(entry.since_ns + entry.left_ns)
        self.fenced.pop(job, None)
        self.capacity.give(entry.task, entry.site)
        share.running -= 1
        share.qubits -= width_of(entry.task)
        if entry.allowance is not None:
            entry.allowance.running -= 1
            entry.allowance.qubits -= width_of(entry.task)
            entry.allowance.offer()
        share.charged -= entry.charge
        if entry.started:
            self.shares.settle(share, used_ns)
        entry.state, entry.site, entry.charge = HELD, None, 0
        entry.started = entry.yielding = entry.declined = False
        self.shares.refresh(share)

    def _unqueue(self, entry: Entry) -> None:
        if entry.allowance is None:
            entry.share.queue.drop(entry.key)
        else:
            entry.allowance.unqueue(entry)
        entry.state = HELD
        self.waiting -= 1
        self.waiting_ns -= entry.left_ns
        self.shares.refresh(entry.share)

    _by_kind: ClassVar[dict[type, Callable[[Schedule, Any], None]]] = {
        Clock: _clock,
        ShareSet: lambda self, event: self.shares.set(event),
        AllowanceSet: _allow,
        Queued: _on_queued,
        Settled: lambda self, event: self.shares.put_down(event.times),
        Left: _left,
        Started: _on_started,
        Stopped: _on_stopped,
        Woken: _woken,
        Declined: _on_declined,
    }
    """What takes in each kind of event. A table, because every job brings eight of them."""
