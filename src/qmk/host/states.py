"""Saved states on their way: from workers into the store before anybody hears of them, and back to a launch.

A state may be hundreds of megabytes, so it is written and read in a thread where there are threads. What else a launch
says meanwhile waits its turn, so that the kernel hears it in the order in which it was said.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Protocol

from qmk.base.errors import QmkError
from qmk.host.blobs import Blobs, name_of

log = logging.getLogger("qmk.states")
InThread = Callable[[Callable[[], None], Callable[[BaseException | None], None]], None]
Launch = tuple[str, int]
"""Job and fence."""


class Store(Protocol):
    """What states need of a journal."""

    blobs: Blobs

    def discard(self, names: Iterable[str]) -> list[str]:
        """Delete the blobs among ``names`` that no row of a job needs; which they were."""
        ...


class States:
    """``in_thread(work, then)`` as for ``Committer``; None: everything is done at once. No state is stored and deleted
    at the same time: one that comes while its like goes waits for that."""

    def __init__(self, store: Store, in_thread: InThread | None = None) -> None:
        self._store = store
        self._do = in_thread or at_once
        self._turns: dict[Launch, deque[Callable[[], None]]] = {}
        self._coming: Counter[str] = Counter()
        self._going: dict[str, list[Callable[[], None]]] = {}

    def in_turn(self, launch: Launch, action: Callable[[], None]) -> None:
        """Do it now, or after what the launch said before."""
        turns = self._turns.get(launch)
        if turns is None:
            action()
        else:
            turns.append(action)

    def put(self, launch: Launch, state: bytes, then: Callable[[str, BaseException | None], None]) -> None:
        """Store the state; then, in the launch's turn, ``then`` gets its name, or the error."""
        self.in_turn(launch, lambda: self._put(launch, state, then))

    def _put(self, launch: Launch, state: bytes, then: Callable[[str, BaseException | None], None]) -> None:
        name = name_of(state)
        self._coming[name] += 1
        turns = self._turns[launch] = deque[Callable[[], None]]()

        def on_stored(error: BaseException | None) -> None:
            self._coming[name] -= 1
            self._coming += Counter()
            del self._turns[launch]
            then(name, error)
            while turns:
                self.in_turn(launch, turns.popleft())

        def begin() -> None:
            self._do(lambda: _put(self._store.blobs, state), on_stored)

        if name in self._going:
            self._going[name].append(begin)
        else:
            begin()

    def get(self, name: str, then: Callable[[bytes | None], None]) -> None:
        """Read a state; ``then`` gets None when it is not there or damaged: whoever needs it starts from further back,
        with the same bits."""
        found: list[bytes] = []

        def read(error: BaseException | None) -> None:
            if error is not None:
                log.warning("a saved state cannot be read, its job starts anew: %s", error)
            then(found[0] if found else None)

        self._do(lambda: found.append(self._store.blobs.get(name)), read)

    def drop(self, names: Iterable[str], then: Callable[[list[str]], None] | None = None) -> None:
        """Delete these blobs but for those that are just coming in again, or going already; ``then`` hears which
        went."""
        names = [name for name in dict.fromkeys(names) if name not in self._coming and name not in self._going]
        self._going.update((name, []) for name in names)
        gone: list[str] = []

        def on_dropped(error: BaseException | None) -> None:
            if error is not None:
                log.warning("saved states that are no longer needed cannot be deleted: %s", error)
            for begin in [begin for name in names for begin in self._going.pop(name)]:
                begin()
            if then is not None:
                then(gone)

        if names:
            self._do(lambda: gone.extend(self._store.discard(names)), on_dropped)
        elif then is not None:
            then(gone)


def _put(blobs: Blobs, state: bytes) -> None:
    blobs.put(state)


def at_once(work: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
    try:
        work()
    except (OSError, QmkError) as error:
        then(error)
    else:
        then(None)
