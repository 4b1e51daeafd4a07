"""The connections there are, and what all of them together may hold: so many, so much that is unfinished, so much that
is unread. What is too much is taken from whoever holds the most."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host.transport import Connection

LOOKED_AT = 64
"""Connections of one owner that are looked at for one that is idle."""


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """Limits of connections: how many there are, how long a frame may take to arrive, and a peer to take some more of
    the answers that it let wait; how many bytes of unfinished frames all of them together may leave here, and how many
    of answers that their peers have not read."""

    connections: int = LIMITS.connections
    frame_s: float = 60.0
    partial_bytes: int = 8 * LIMITS.frame_bytes
    unread_bytes: int = 4 * LIMITS.frame_bytes


class Connections:
    """All connections, by the owner of the work that they bring; of one owner, the one used least recently first.
    Operators are not counted: they always get in."""

    def __init__(self, bounds: ConnectionBounds) -> None:
        self._bounds = bounds
        self._by_owner: dict[str, OrderedDict[int, Connection]] = {}
        self._owners: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def __iter__(self) -> Iterator[Connection]:
        return iter([connection for own in self._by_owner.values() for connection in own.values()])

    def __contains__(self, number: int) -> bool:
        return number in self._owners

    def add(self, connection: Connection) -> QmkError | None:
        """Lets the connection in; where there are too many, the one that its owner has not used for longest makes room,
        of the owner who has the most. Says why not, when all of those are in use."""
        if len(self) >= self._bounds.connections and not connection.operator:
            idle = self._find_idle(connection.owner)
            if idle is None:
                return self._full("try again later")
            self.remove(idle.number)
            idle.close(self._full("this one was not used for longest"))
        self._put(connection)
        return None

    def _find_idle(self, newcomer: str) -> Connection | None:
        """Of the owner with the most connections, the newcomer's own where two have as many."""
        owner = max(self._by_owner, key=lambda owner: (len(self._by_owner[owner]), owner == newcomer))
        own = self._by_owner[owner]
        first = [connection for connection, _ in zip(own.values(), range(LOOKED_AT), strict=False)]
        idle = next((connection for connection in first if connection.idle and not connection.operator), None)
        if idle is None and len(self._by_owner) > 1 and 2 * len(own) > self._bounds.connections:
            return first[0]  # one owner has more than half of all: its calls are no reason to keep the others out
        return idle

    def _full(self, what: str) -> QmkError:
        limit = self._bounds.connections
        message = f"the daemon serves at most {limit} connections at once; {what}"
        return QmkError("RESOURCE_EXHAUSTED", message, limit=limit)

    def _put(self, connection: Connection) -> None:
        self._owners[connection.number] = connection.owner
        self._by_owner.setdefault(connection.owner, OrderedDict())[connection.number] = connection

    def remove(self, number: int) -> None:
        owner = self._owners.pop(number, None)
        if owner is not None:
            del self._by_owner[owner][number]
            if not self._by_owner[owner]:
                del self._by_owner[owner]

    def use(self, connection: Connection, tenant: str) -> None:
        """Notes that a call came; ``tenant`` is that of its session, if it has one."""
        if connection.number not in self._owners:
            return
        if tenant and tenant != connection.owner:
            self.remove(connection.number)
            connection.owner = tenant
            self._put(connection)
        else:
            self._by_owner[connection.owner].move_to_end(connection.number)

    def cut_late(self, now_s: float) -> None:
        """Closes connections whose frame takes too long to arrive, and some when all together hold too much of
        frames. Cuts those whose peers take nothing of what waits for them."""
        seconds = self._bounds.frame_s
        for connection in self:
            if connection.partial_since is not None and now_s - connection.partial_since > seconds:
                message = f"a frame must arrive within {seconds:g} s; the connection is closed"
                connection.close(QmkError("TIMEOUT", message))
            elif connection.untaken_s(now_s) > seconds:
                connection.abort()
        many = QmkError("RESOURCE_EXHAUSTED", "too many large frames are arriving at once")
        for connection in self._pick(lambda each: each.pending_bytes, self._bounds.partial_bytes):
            connection.close(many)

    def cut_unread(self) -> None:
        """Cuts connections when all together hold too many answers that nobody reads."""
        for connection in self._pick(lambda each: each.unread_bytes, self._bounds.unread_bytes):
            connection.abort()

    def _pick(self, held: Callable[[Connection], int], limit: int) -> list[Connection]:
        """Gives connections without which the others hold no more than ``limit``: the largest of the owner who holds
        the most, again and again."""
        if sum(map(held, self)) <= limit:
            return []
        sizes = {
            owner: sorted(((held(each), each.number, each) for each in own.values()), reverse=True)
            for owner, own in self._by_owner.items()
        }
        totals = {owner: sum(size for size, _, _ in own) for owner, own in sizes.items()}
        picked: list[Connection] = []
        while sum(totals.values()) > limit:
            owner = max(totals, key=totals.__getitem__)
            size, _, connection = sizes[owner].pop(0)
            totals[owner] -= size
            picked.append(connection)
        return picked
