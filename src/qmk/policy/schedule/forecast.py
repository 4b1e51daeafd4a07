"""Place in the queue and predicted start, from the state as ``decide`` left it.

The place counts the tenant's own jobs before it, and depends on nobody else. The predicted start depends on the load of
the machine, as it must: what runs, and what fair queueing serves before it. That is computed as if work flowed: when a
job's turn comes at virtual time V, each tenant has been served from its own virtual time up to V at its weight, or all
that it had waiting. The tenants whose turns come first are taken one by one, the rest together.
"""

from __future__ import annotations

from qmk.policy.schedule.shares import MICRO
from qmk.policy.schedule.state import WAITING, Entry, Schedule

TENANTS = 64
"""Tenants looked at one by one."""


def place(state: Schedule, job: str) -> int | None:
    """How many of the tenant's own jobs are launched before it; None when it does not wait."""
    entry = state.entries.get(job)
    if entry is None:
        return state.scripts.place(job)
    if entry.state != WAITING:
        return None
    return entry.share.before(entry.key)[0]


def start_ns(state: Schedule, job: str) -> int:
    """Predicted wall-clock time of the waiting job's launch; of a script now, as nobody knows when others end."""
    entry = state.entries.get(job)
    if entry is None:
        return state.wall_of(state.now_ns)
    if state.reserved is not None and state.reserved[0] == job and state.reserved[1] in state.out:
        return state.wall_of(state.out[state.reserved[1]].expected_end_ns(state.now_ns))
    work_ns = state.ends.left_ns(state.now_ns) + _served_before(state, entry)
    return state.wall_of(state.now_ns + work_ns // state.settings.workers)


def _served_before(state: Schedule, entry: Entry) -> int:
    """Predicted work of the waiting jobs that are served before this one, by all tenants together."""
    own = entry.share
    own_ns = entry.share.before(entry.key)[1]
    turn = own.tag + own_ns * MICRO // own.weight
    served_ns = own_ns
    rest_ns, rest_weight, tag = state.waiting_ns - own.waiting_ns, state.shares.weight - own.weight, own.tag
    for share in state.shares.in_turn(TENANTS):
        tag = share.tag
        if tag >= turn:
            return served_ns
        if share is not own:
            served_ns += min(share.waiting_ns, (turn - tag) * share.weight // MICRO)
            rest_ns -= share.waiting_ns
            rest_weight -= share.weight
    return served_ns + min(rest_ns, max(0, turn - tag) * rest_weight // MICRO)
