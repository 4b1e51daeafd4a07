"""``decide``: who is launched now, and what a job that cannot be is promised.

The tenant whose turn it is launches the first job of its queue. When there is no room for that job (memory, time of
the decoder, or its qubits in one region), it is the *head*: its start is predicted from the predicted ends of what
runs, and others may pass it only if, by estimate, that start does not move (EASY backfilling): they end before it, or
need nothing of what it will take. Estimates may be wrong, so the first prediction is a promise. Once it has passed,
only those pass that fit beside the head and all that was not to be gone by then: the head starts as soon as the
launches that were to be gone are. If every estimate is too low by a factor f, that is no later than f times its
promised wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from qmk.kernel.scheduling import Action, Event
from qmk.policy.schedule.preempt import preempt
from qmk.policy.schedule.room import Room
from qmk.policy.schedule.shares import Share
from qmk.policy.schedule.state import Entry, Schedule
from qmk.policy.schedule.tree import Needs

BACKFILL_TENANTS = 16
BACKFILL_VISITS = 64
"""How far one step looks for jobs to pass the head: tenants in turn, and nodes of their queues together."""


def decide(state: Schedule, events: Sequence[Event]) -> list[Action]:
    """Take in ``events`` and say what to do about them; ``state`` then supposes that it is done. Nothing but the
    arguments decides: the same events into a fresh state give the same actions and the same state, bit for bit."""
    for event in events:
        state.apply(event)
    actions: list[Action] = []
    state.reserved = None
    while state.capacity.free_slots > 0:
        share = state.shares.first()
        if share is None:
            break
        head = head_of(share)
        site = state.capacity.fit(head.task)
        state.tests += 1
        if site is None:
            _backfill(state, head, actions)
            if state.shares.first() is share:
                break
            state.reserved = None  # its own jobs that passed the head were charged to it: somebody else's turn
            continue
        actions.append(state.place(head, site))
    preempt(state, actions)
    return actions + state.scripts.decide(state.may_run) if state.scripts.waiting else actions


def head_of(share: Share) -> Entry:
    """The first job of a tenant that has one waiting."""
    return cast(Entry, share.queue.first())


def _reserve(state: Schedule, head: Entry) -> tuple[Entry, Room | None]:
    """The launch whose end makes room for the head by estimate, and what is left beside it then: None when the promise
    has passed, and the room depends on launches that were never to be gone by then."""
    last_ns = state.now_ns if head.promise_ns is None else head.promise_ns
    later = state.capacity.copy()
    for entry in sorted(state.out.values(), key=lambda entry: entry.due_ns):
        if last_ns < state.now_ns and entry.due_ns > last_ns:
            return entry, None
        later.give(entry.task, entry.site)
        site = later.fit(head.task)
        state.tests += 1
        if site is not None:
            later.take(head.task, site)
            return entry, later
    raise AssertionError(f"{head.task.job} fits no empty machine: admission let it in")


def _backfill(state: Schedule, head: Entry, actions: list[Action]) -> None:
    """Launch what may pass the head."""
    last, later = _reserve(state, head)
    start_ns = last.end_ns(state.now_ns)
    state.reserved = (head.task.job, last.task.job)
    if head.promise_ns is None:
        head.promise_ns = start_ns
    if not state.settings.backfill or later is None:
        return
    window_ns = min(start_ns, head.promise_ns) - state.now_ns
    if state.now_ns > head.promise_ns:
        window_ns = -1
    visits = BACKFILL_VISITS
    for share in state.shares.in_turn(BACKFILL_TENANTS):
        after = head.key if share is head.share else (-(1 << 62), 0)
        while visits > 0 and share.ready and state.capacity.free_slots > 0:
            found, visits = _next(state, share, after, later, window_ns, visits)
            if found is None:
                break
            after = found.key
            site = state.capacity.fit(found.task)
            state.tests += 1
            if site is None:
                continue
            if found.left_ns > window_ns:
                if not later.holds(found.task, site):
                    continue
                later.take(found.task, site)
            actions.append(state.place(found, site))


def _next(
    state: Schedule, share: Share, after: tuple[int, int], later: Room, window_ns: int, visits: int
) -> tuple[Entry | None, int]:
    """The tenant's next job that may fit beside what runs, and either ends in time or may fit beside the head."""
    memory, widest, spare = state.capacity.free_memory, state.capacity.widest(), later.free_memory
    decoder = state.capacity.free_decoder
    if later.free_slots <= 0:
        spare = -1

    def may_fit(needs: Needs) -> bool:
        fits = needs[0] <= memory and needs[1] <= widest and needs[3] <= decoder
        return fits and (needs[2] <= window_ns or needs[0] <= spare)

    found, left = share.queue.find(after, may_fit, visits)
    return cast("Entry | None", found), min(left, visits - 1)
