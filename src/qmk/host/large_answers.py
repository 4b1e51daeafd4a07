"""Answers that are read from the store, and may be large: made in threads, one at a time for each owner, for whoever
has had the least time of late, and only for peers that have taken what they were sent before.

What a peer does not read then costs one answer or one batch; what all peers of one owner do not read is bounded too,
past which that owner's answers wait, and past so many that wait, calls are refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host.machine import return_memory
from qmk.host.states import InThread
from qmk.host.transport import WRITE_HIGH_BYTES, Batch, Connection
from qmk.host.turns import MEMORY_S, RecentTime


@dataclass(frozen=True, slots=True)
class AnswerBounds:
    """``waiting``: answers of one owner that may wait to be made; ``untaken_bytes``: what its peers may leave unread
    before they do; ``making``: how many are made at once, in all."""

    waiting: int = 1024
    untaken_bytes: int = LIMITS.frame_bytes
    making: int = 2


@dataclass(slots=True, eq=False)
class LargeAnswer:
    """``make`` is called in a thread, then ``done`` on the loop: with whether the connection still waits for it."""

    connection: Connection
    batch: Batch | None
    make: Callable[[], None]
    done: Callable[[bool], None]
    dropped: bool = False


@dataclass(slots=True, eq=False)
class _Owner:
    """``untaken``: connections that were sent an answer, and may not have taken it."""

    waiting: deque[LargeAnswer] = field(default_factory=deque[LargeAnswer])
    making: LargeAnswer | None = None
    untaken: set[Connection] = field(default_factory=set[Connection])
    recent: RecentTime = field(default_factory=lambda: RecentTime(MEMORY_S))

    def find(self, untaken_bytes: int) -> LargeAnswer | None:
        """The first answer that may be made now. The rest of a batch may be: no peer can take a part of it."""
        if self.making is not None or not self.waiting:
            return None
        self.untaken = {each for each in self.untaken if each.unread_bytes > WRITE_HIGH_BYTES}
        full = sum(each.unread_bytes for each in self.untaken) >= untaken_bytes
        for answer in self.waiting:
            goes_on = answer.batch is not None and answer.batch.begun
            if goes_on or not (full or answer.connection.unread_bytes > WRITE_HIGH_BYTES):
                return answer
        return None


class LargeAnswers:
    """``put`` an answer to be made; ``go_on`` when a peer has taken something; ``drop`` when it is gone."""

    def __init__(self, in_thread: InThread, bounds: AnswerBounds) -> None:
        self._in_thread = in_thread
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._owners: dict[str, _Owner] = {}
        self._making = self._made = self._seen = 0

    @property
    def idle(self) -> bool:
        """Whether no answer that could be made now is left."""
        return not self._making and self._next() is None

    def put(self, answer: LargeAnswer) -> QmkError | None:
        """Has the answer made, or says why not."""
        name = answer.connection.owner
        owner = self._owners.setdefault(name, _Owner())
        if len(owner.waiting) >= self._bounds.waiting:
            return QmkError(
                "RESOURCE_EXHAUSTED",
                f"{len(owner.waiting)} of your answers wait to be read; read them, or try again later",
                limit=self._bounds.waiting,
                retry_after_ms=1000,
            )
        owner.waiting.append(answer)
        answer.connection.await_large(1)
        self.go_on()
        return None

    def drop(self, connection: Connection) -> None:
        """The connection is gone: what it waits for is not made."""
        for owner in self._owners.values():
            owner.untaken.discard(connection)
            if owner.making is not None and owner.making.connection is connection:
                owner.making.dropped = True
            gone = [answer for answer in owner.waiting if answer.connection is connection]
            if gone:
                owner.waiting = deque(answer for answer in owner.waiting if answer.connection is not connection)
            for answer in gone:
                answer.done(False)
        self.go_on()

    def go_on(self) -> None:
        """Makes what may be made now."""
        while self._making < self._bounds.making and (found := self._next()) is not None:
            self._make(*found)
        if len(self._owners) > 64:
            now_s = self._loop.time()
            self._owners = {
                name: owner
                for name, owner in self._owners.items()
                if owner.waiting or owner.making or owner.untaken or owner.recent.of(now_s) > 1e-6
            }

    def rest(self) -> None:
        """Gives memory back to the system, when none was made since this was called last."""
        if self._made and self._made == self._seen and not self._making:
            self._made = 0
            self._in_thread(return_memory, lambda error: None)
        self._seen = self._made

    def _next(self) -> tuple[_Owner, LargeAnswer] | None:
        now_s = self._loop.time()
        for owner in sorted(self._owners.values(), key=lambda owner: owner.recent.of(now_s)):
            answer = owner.find(self._bounds.untaken_bytes)
            if answer is not None:
                return owner, answer
        return None

    def _make(self, owner: _Owner, answer: LargeAnswer) -> None:
        owner.waiting.remove(answer)
        owner.making = answer
        if answer.batch is not None:
            answer.batch.begun = True
        self._making += 1
        began_s = self._loop.time()

        def on_made(error: BaseException | None) -> None:
            now_s = self._loop.time()
            owner.recent.add(now_s - began_s, now_s)
            owner.making = None
            self._making -= 1
            self._made += 1
            assert error is None, "what makes answers does not raise"
            if not answer.dropped:
                owner.untaken.add(answer.connection)
            answer.done(not answer.dropped)
            if not answer.dropped:
                answer.connection.await_large(-1)
            self.go_on()

        self._in_thread(answer.make, on_made)
