"""Preemption: at the edge of an epoch, a launch may be asked to yield at its next fence.

A waiting job that cannot be placed takes the place of running jobs when

- its tenant is under its share of the launches, and theirs is over it and would still be behind in virtual time; or
- they are the same tenant's, of lower priority, and behind it in the queue.

Only fenced launches of an earlier epoch are asked, and no job again within ``QUIET_EPOCHS``; a job that was preempted
itself asks for nobody else's place for as long. A restart of the daemon forgets who was asked. Launches that cannot
yield run on.
"""

from __future__ import annotations

from typing import cast

from qmk.kernel.scheduling import Action, Preempt, WakeAt
from qmk.policy.schedule.room import Room
from qmk.policy.schedule.shares import Share
from qmk.policy.schedule.state import Entry, Schedule

QUIET_EPOCHS = 100
"""Epochs for which a job that was asked to yield is not asked again: what a tenant's turn lasts at least, against
another's, while the daemon runs."""

WAITING_TENANTS = 16
"""Tenants in turn whose first jobs are looked at, at one edge."""


def preempt(state: Schedule, actions: list[Action]) -> None:
    """Adds what to ask at an edge, and asks to be woken at the next one while that may be of use."""
    if not _of_use(state):
        state.armed_epoch = state.wake_ns = None
        return
    if state.armed_epoch is not None and state.epoch >= state.armed_epoch:
        state.armed_epoch = None
        for entry in _victims(state):
            entry.yielding, entry.preempted_epoch = True, state.epoch
            actions.append(Preempt(entry.task.job))
    if state.armed_epoch is None and _of_use(state):
        state.armed_epoch = state.epoch + 1
    if state.armed_epoch is not None:
        _wake_at(state, state.wall_of(state.armed_epoch * state.settings.epoch_ns), actions)


def _wake_at(state: Schedule, wall_ns: int, actions: list[Action]) -> None:
    """Asks to be woken then, unless that was asked: the scheduler's time stands still while the clock goes back, so an
    edge may come at another time of the clock than it was thought to."""
    if state.wake_ns != wall_ns:
        state.wake_ns = wall_ns
        actions.append(WakeAt(wall_ns))


def _of_use(state: Schedule) -> bool:
    """Whether somebody may ever yield to the job that waits first."""
    share = state.shares.first()
    if share is None or not state.fenced or not state.settings.preempt:
        return False
    head = cast(Entry, share.queue.first())
    return any(
        not entry.yielding and (entry.share is not share or entry.task.priority < head.task.priority)
        for entry in state.fenced.values()
    )


def _victims(state: Schedule) -> list[Entry]:
    trial = state.capacity.copy()
    for entry in state.fenced.values():
        if entry.yielding:
            trial.give(entry.task, entry.site)
    chosen = _Chosen(state)
    for share in state.shares.in_turn(WAITING_TENANTS):
        head = cast(Entry, share.queue.first())
        if state.epoch - head.preempted_epoch < QUIET_EPOCHS:
            continue
        site = trial.fit(head.task)
        if site is None:
            found = chosen.for_head(head, trial)
            if found is None:
                continue
            trial = found
            site = trial.fit(head.task)
        if site is not None:
            trial.take(head.task, site)
    return chosen.entries


class _Chosen:
    """Who is to yield at this edge, with what that takes off their tenants' launches and virtual times."""

    def __init__(self, state: Schedule) -> None:
        self._state = state
        self.entries: list[Entry] = []
        self._launches: dict[str, int] = {}
        self._refunds: dict[str, int] = {}

    def for_head(self, head: Entry, trial: Room) -> Room | None:
        """Chooses the fewest that make room for ``head``, worst offender first; what is free then, or None."""
        freed = trial.copy()
        before = (list(self.entries), dict(self._launches), dict(self._refunds))
        for entry in sorted(self._state.fenced.values(), key=self._offence):
            if entry.yielding or entry in self.entries or not self._may_yield(entry, head):
                continue
            name = entry.share.name
            self.entries.append(entry)
            self._launches[name] = self._launches.get(name, 0) + 1
            self._refunds[name] = self._refunds.get(name, 0) + self._refund(entry)
            freed.give(entry.task, entry.site)
            if freed.fit(head.task) is not None:
                return freed
        self.entries, self._launches, self._refunds = before
        return None

    def _offence(self, entry: Entry) -> tuple[int, int, int]:
        """Smallest first: the tenant furthest ahead in virtual time, its lowest priority, its latest launch."""
        return -entry.share.tag, entry.task.priority, -entry.since_ns

    def _may_yield(self, entry: Entry, head: Entry) -> bool:
        state = self._state
        if entry.launched_epoch >= state.epoch or state.epoch - entry.preempted_epoch < QUIET_EPOCHS:
            return False
        if entry.share is head.share:
            return entry.task.priority < head.task.priority and head.key < entry.key
        theirs, ours = entry.share, head.share
        left = theirs.tag - self._refunds.get(theirs.name, 0) - self._refund(entry)
        return self._over(theirs) and self._under(ours) and left > ours.tag

    def _over(self, share: Share) -> bool:
        running = share.running - self._launches.get(share.name, 0)
        return running * self._state.shares.weight > self._state.settings.workers * share.weight

    def _under(self, share: Share) -> bool:
        running = share.running + 1
        return share.running == 0 or (
            running * self._state.shares.weight <= self._state.settings.workers * share.weight
        )

    def _refund(self, entry: Entry) -> int:
        """Virtual time that its tenant gets back if it yields now."""
        return max(0, entry.charge - entry.share.virtual(self._state.now_ns - entry.since_ns))
