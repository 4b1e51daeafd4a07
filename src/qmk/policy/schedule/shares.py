"""Weighted fair share between tenants, by virtual time (start-time fair queueing).

A tenant's virtual time is the engine time it has used, divided by its weight. ``settled`` counts launches that are over
by what they really took; ``charged`` counts those that are out by what they were predicted to take, so that a tenant
cannot launch much before its first job ends. The tenant with the least sum goes next. A tenant that had nothing waiting
(or was held back by its own quota) comes back at ``max(own, v)``: it neither saves up the turns it did not use nor pays
for having used an idle machine. ``v`` is the largest settled time with which any launch was started.

``settled`` and ``v`` follow from the journal's records alone; ``charged`` belongs to launches, which do not outlive the
daemon. All are whole numbers, so that adding in another order gives the same sums.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

from qmk.base.limits import LIMITS
from qmk.kernel.scheduling import ShareSet
from qmk.policy.schedule.tree import Key, Needs, Tree

MICRO = 1_000_000
LEAST_NS = 1_000_000
"""A launch costs at least a millisecond, whatever its prediction: starting it takes that."""
LONGEST_NS = LIMITS.timeout_ms * 1_000_000
"""And at most a week, the longest a time limit can be: a clock that jumps does not put anybody in debt for ever."""


UNBOUNDED = 1 << 62


class Waiting(Protocol):
    """A waiting job: its key in the queue, its predicted time, its needs of memory, qubits and time."""

    key: Key
    left_ns: int

    @property
    def needs(self) -> Needs: ...


def clamp(cost_ns: int) -> int:
    return min(max(cost_ns, LEAST_NS), LONGEST_NS)


class Share:
    """One tenant. ``unstarted`` jobs wait as far as the journal knows; ``started`` ones are out with a worker;
    ``held`` are jobs that an allowance keeps out of the queue. ``running`` counts all launches that are out, ``qubits``
    theirs; ``limit`` and ``qubits_limit`` bound them."""

    __slots__ = (
        "charged",
        "held",
        "key",
        "limit",
        "live",
        "name",
        "qubits",
        "qubits_limit",
        "queue",
        "running",
        "serial",
        "settled",
        "started",
        "weight",
    )

    def __init__(self, name: str, serial: int) -> None:
        self.name = name
        self.serial = serial
        self.weight = MICRO
        self.limit = LIMITS.running_jobs
        self.qubits_limit = UNBOUNDED
        self.queue: Tree[Waiting] = Tree()
        self.held: Tree[Waiting] = Tree()
        self.settled = self.charged = 0
        self.live = self.started = self.running = self.qubits = 0
        self.key: tuple[int, int] | None = None

    @property
    def tag(self) -> int:
        return self.settled + self.charged

    @property
    def ready(self) -> bool:
        """It has a job waiting that its quota allows to run."""
        head = self.queue.first() if self.running < self.limit else None
        return head is not None and self.qubits + head.needs[1] <= self.qubits_limit

    def virtual(self, cost_ns: int) -> int:
        return clamp(cost_ns) * MICRO // self.weight

    def comparable(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__slots__ if name not in ("held", "queue")}
        return {**fields, "held": len(self.held), "waiting": len(self.queue), "waiting_ns": self.queue.weight}

    def before(self, key: Key) -> tuple[int, int]:
        """How many of its waiting jobs go before ``key``, and their predicted time."""
        size, cost_ns = self.queue.before(key)
        if len(self.held):
            more, held_ns = self.held.before(key)
            return size + more, cost_ns + held_ns
        return size, cost_ns

    @property
    def waiting_ns(self) -> int:
        """Predicted time of all its waiting jobs."""
        return self.queue.weight + self.held.weight

    @property
    def waiting_jobs(self) -> int:
        """How many these are."""
        return len(self.queue) + len(self.held)


class Shares:
    """All tenants; those that are ready in the order of their turns. ``weight`` sums the tenants with jobs."""

    def __init__(self) -> None:
        self.by_name: dict[str, Share] = {}
        self.v = 0
        self.weight = 0
        self._ready: list[tuple[int, int]] = []
        self._by_serial: list[Share] = []

    def get(self, name: str) -> Share:
        found = self.by_name.get(name)
        if found is None:
            found = self.by_name[name] = Share(name, len(self._by_serial))
            self._by_serial.append(found)
        return found

    def set(self, event: ShareSet) -> None:
        """A weight below a millionth counts as one: every tenant gets on."""
        share = self.get(event.tenant)
        micro = max(1, round(event.weight * MICRO))
        if share.live:
            self.weight += micro - share.weight
        share.weight, share.limit, share.qubits_limit = micro, event.running_jobs, event.running_qubits
        self.refresh(share)

    def first(self) -> Share | None:
        """Whose turn it is."""
        return self._by_serial[self._ready[0][1]] if self._ready else None

    def in_turn(self, count: int) -> list[Share]:
        """The next ``count`` tenants."""
        return [self._by_serial[serial] for _, serial in islice(self._ready, count)]

    def refresh(self, share: Share) -> None:
        """Call after whatever changes a tenant's turn."""
        key = (share.tag, share.serial) if share.ready else None
        if key == share.key:
            return
        if share.key is not None:
            del self._ready[bisect_left(self._ready, share.key)]
        if key is not None:
            insort(self._ready, key)
        share.key = key

    def enter(self, share: Share) -> None:
        """A new job. One that finds nothing waiting before it brings its tenant up to ``v``."""
        if share.live == share.started:
            share.settled = max(share.settled, self.v)
        if not share.live:
            self.weight += share.weight
        share.live += 1

    def leave(self, share: Share) -> None:
        share.live -= 1
        if not share.live:
            self.weight -= share.weight

    def start(self, share: Share) -> None:
        """A worker took one of its jobs."""
        self.v = max(self.v, share.settled)
        share.started += 1

    def settle(self, share: Share, used_ns: int) -> None:
        """A started launch is over."""
        if share.started >= share.limit:
            share.settled = max(share.settled, self.v)
        share.started -= 1
        share.settled += share.virtual(used_ns)

    def put_down(self, times: Mapping[str, int]) -> None:
        """These are the virtual times, and under the empty name is ``v``."""
        for name, settled in times.items():
            if not name:
                self.v = settled
                continue
            share = self.get(name)
            share.settled = settled
            self.refresh(share)

    def __iter__(self) -> Iterator[Share]:
        return iter(self.by_name.values())
