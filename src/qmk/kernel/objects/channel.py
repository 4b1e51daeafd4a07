"""Channel: leave that two tenants give each other to entangle their qubits, within bounds that both agreed to.

A channel is proposed by one of its two tenants and opened by the other; a channel within one tenant is open at once.
``pairs_used`` counts Bell pairs promised to jobs. A job's pairs are charged by the record that accepts it and given
back if it ends without having started; nothing else changes the count, so a replayed journal charges exactly once.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.kernel.objects.moves import Move, Moves

PROPOSED = "PROPOSED"
OPEN = "OPEN"
EXHAUSTED = "EXHAUSTED"
CLOSED = "CLOSED"
EXPIRED = "EXPIRED"

ENDED = frozenset((CLOSED, EXPIRED))


MOVES = Moves(
    Move(PROPOSED, OPEN, "the other tenant approves"),
    Move(PROPOSED, CLOSED, "either tenant closes it: the proposal is withdrawn or turned down"),
    Move(PROPOSED, EXPIRED, "its time is over"),
    Move(OPEN, EXHAUSTED, "its last Bell pair is promised to a job"),
    Move(EXHAUSTED, OPEN, "a job that never started gives its pairs back"),
    Move(OPEN, CLOSED, "either tenant closes it"),
    Move(EXHAUSTED, CLOSED, "either tenant closes it"),
    Move(OPEN, EXPIRED, "its time is over"),
    Move(EXHAUSTED, EXPIRED, "its time is over"),
)
"""Every move there is. A job that runs keeps a channel that ends until the job's next fence."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel as journaled. ``fidelity``: the lowest that both accept; ``granted``: what the device's link delivers
    for it, after ``rounds`` of purification that take ``raw_pairs`` on average. ``pairs_max``: Bell pairs over its
    life. ``expiry_ns`` 0: it does not expire. ``approved``: both gave their word. ``closed_by``: the tenant.
    ``proposed_ns`` 0: nobody wrote it down."""

    id: str
    proposer: str
    peer: str
    state: str
    fidelity: float
    granted: float
    pairs_max: int
    rounds: int = 0
    raw_pairs: float = 1.0
    expiry_ns: int = 0
    pairs_used: int = 0
    approved: bool = False
    closed_by: str = ""
    proposed_ns: int = 0

    @property
    def tenants(self) -> tuple[str, ...]:
        return (self.proposer,) if self.proposer == self.peer else (self.proposer, self.peer)

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def usable(self) -> bool:
        """Whether a new or waiting job may use it, whatever it has left."""
        return self.state in (OPEN, EXHAUSTED)

    @property
    def pairs_left(self) -> int:
        return self.pairs_max - self.pairs_used

    def awaits(self, tenant: str) -> bool:
        """Whether it waits for this tenant's word."""
        return self.state == PROPOSED and tenant == self.peer

    def holders(self) -> tuple[str, ...]:
        """Tenants whose quota it counts in: the proposer, and whoever approved; nobody once it has ended."""
        if self.has_ended:
            return ()
        return (self.proposer,) if self.state == PROPOSED else self.tenants

    def with_state(self, state: str, **changes: Any) -> Channel:
        MOVES.require(self.id, self.state, state)
        return msgspec.structs.replace(self, state=state, **changes)

    def with_pairs_charged(self, pairs: int) -> Channel:
        """Gives the channel with ``pairs`` more (fewer, when negative) promised to jobs."""
        found = msgspec.structs.replace(self, pairs_used=self.pairs_used + pairs)
        assert found.pairs_used >= 0, self.id
        if found.state == OPEN and found.pairs_left <= 0:
            return found.with_state(EXHAUSTED)
        if found.state == EXHAUSTED and found.pairs_left > 0:
            return found.with_state(OPEN)
        return found
