"""Place in the queue and predicted start, from the state as ``decide`` left it.

The place counts the tenant's own jobs before it, which depend on nobody else, and those of others. These and the
predicted start depend on the load of the machine, as they must: what runs, and what fair queueing serves before it.
That is computed as if work flowed: when a job's turn comes at virtual time V, each tenant has been served from its own
virtual time up to V at its weight, or all that it had waiting. The tenants whose turns come first are taken one by one,
the rest together.
"""

from __future__ import annotations

from qmk.policy.schedule.shares import MICRO
from qmk.policy.schedule.state import WAITING, Entry, Schedule

TENANTS = 64
"""Tenants looked at one by one."""


def place(state: Schedule, job: str) -> tuple[int, int] | None:
    """How many of the tenant's own jobs are launched before it, and how many of others; None when it does not wait."""
    entry = state.entries.get(job)
    if entry is None:
        return state.scripts.place(job)
    if entry.state != WAITING:
        return None
    return entry.share.before(entry.key)[0], _others_before(state, entry)[1]


def start_ns(state: Schedule, job: str) -> int:
    """Predicted wall-clock time of the waiting job's launch; of a script now, as nobody knows when others end."""
    entry = state.entries.get(job)
    if entry is None:
        return state.wall_of(state.now_ns)
    if state.reserved is not None and state.reserved[0] == job and state.reserved[1] in state.out:
        return state.wall_of(state.out[state.reserved[1]].expected_end_ns(state.now_ns))
    work_ns = state.ends.left_ns(state.now_ns) + entry.share.before(entry.key)[1] + _others_before(state, entry)[0]
    return state.wall_of(state.now_ns + work_ns // state.settings.workers)


def _others_before(state: Schedule, entry: Entry) -> tuple[int, int]:
    """Predicted work of the other tenants' waiting jobs that are served before this one, and how many these are."""
    own = entry.share
    turn = own.tag + own.before(entry.key)[1] * MICRO // own.weight
    rest_ns, rest_weight, tag = state.waiting_ns - own.waiting_ns, state.shares.weight - own.weight, own.tag
    rest_jobs = state.waiting - own.waiting_jobs
    served_ns = jobs = 0
    for share in state.shares.in_turn(TENANTS):
        tag = share.tag
        if tag >= turn:
            return served_ns, jobs
        if share is not own:
            part_ns = min(share.waiting_ns, (turn - tag) * share.weight // MICRO)
            served_ns += part_ns
            jobs += _jobs_of(part_ns, share.waiting_jobs, share.waiting_ns)
            rest_ns -= share.waiting_ns
            rest_jobs -= share.waiting_jobs
            rest_weight -= share.weight
    part_ns = min(rest_ns, max(0, turn - tag) * rest_weight // MICRO)
    return served_ns + part_ns, jobs + _jobs_of(part_ns, rest_jobs, rest_ns)


def _jobs_of(part_ns: int, jobs: int, waiting_ns: int) -> int:
    """How many of so many jobs begin within a part of their work, if they were of one length."""
    return -(-part_ns * jobs // waiting_ns) if waiting_ns > 0 else 0
