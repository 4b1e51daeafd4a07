"""Allowances: bounds on launches that some jobs of one tenant share, such as those of a session with its own quotas.

The tenant's queue sees one job of an allowance at a time, the first in order, and that only while the allowance has
room for it; the others are held here. So jobs that may not run are never in anybody's way, and none is looked at twice.
"""

from __future__ import annotations

from typing import Any

from qmk.policy.schedule.shares import UNBOUNDED, Share, Waiting
from qmk.policy.schedule.tree import Tree


class Allowance:
    """``running`` launches are out, with ``qubits``; ``offered`` is the one in the tenant's queue; ``live`` jobs belong
    to it."""

    __slots__ = ("held", "limit", "live", "offered", "qubits", "qubits_limit", "running", "share")

    def __init__(self, share: Share | None = None) -> None:
        self.share = share
        self.limit = self.qubits_limit = UNBOUNDED
        self.held: Tree[Waiting] = Tree()
        self.offered: Waiting | None = None
        self.live = self.running = self.qubits = 0

    def queue(self, share: Share, entry: Waiting) -> None:
        """The job waits."""
        self.share = share
        self._hold(share, entry)
        self.offer()

    def unqueue(self, entry: Waiting) -> None:
        """The job waits no more."""
        assert self.share is not None
        if self.offered is entry:
            self.offered = None
            self.share.queue.drop(entry.key)
        else:
            self.held.drop(entry.key)
            self.share.held.drop(entry.key)
        self.offer()

    def offer(self) -> None:
        """Call after whatever changes which job of it goes next, and whether it may."""
        if self.share is None:
            return
        first = self.held.first()
        offered = self.offered
        if offered is not None and (not self._has_room(offered) or (first is not None and first.key < offered.key)):
            self.share.queue.drop(offered.key)
            self.offered = None
            self._hold(self.share, offered)
            first = self.held.first()
        if self.offered is None and first is not None and self._has_room(first):
            self.held.drop(first.key)
            self.share.held.drop(first.key)
            self.share.queue.put(first.key, first, first.left_ns, first.needs)
            self.offered = first

    @property
    def idle(self) -> bool:
        """It bounds nothing and has no jobs: it need not be kept."""
        return not self.live and self.limit == self.qubits_limit == UNBOUNDED

    def comparable(self) -> dict[str, Any]:
        offered = self.offered.key if self.offered is not None else None
        return {
            "bounds": (self.limit, self.qubits_limit),
            "used": (self.live, self.running, self.qubits),
            "waiting": (offered, len(self.held)),
        }

    def _hold(self, share: Share, entry: Waiting) -> None:
        self.held.put(entry.key, entry, entry.left_ns)
        share.held.put(entry.key, entry, entry.left_ns)

    def _has_room(self, entry: Waiting) -> bool:
        return self.running < self.limit and self.qubits + entry.needs[1] <= self.qubits_limit
