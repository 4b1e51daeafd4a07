"""A cache of recently seen programs, bounded in bytes or in number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from qmk.rpc.forks import ForkedLock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A cache that drops the least recently used value first. Threads may share one."""

    def __init__(self) -> None:
        self._rows: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._held = 0
        self._lock = ForkedLock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._rows.get(key)
            if found is None:
                return None
            self._rows.move_to_end(key)
            return found[0]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        """The keys, the least recently used first."""
        return iter(list(self._rows))

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()
            self._held = 0

    def put(self, key: K, value: V, size: int, limit: int, most: int | None = None) -> V:
        """Keeps the value if it fits the limit by itself, and gives the value now kept under this key, which is the
        first one put there. ``limit`` bounds the sizes together, ``most`` the number of values."""
        if size > limit:
            return value
        with self._lock:
            found = self._rows.get(key)
            if found is not None:
                return found[0]
            self._rows[key] = value, size
            self._held += size
            while self._held > limit or (most is not None and len(self._rows) > most):
                _, (_, gone) = self._rows.popitem(last=False)
                self._held -= gone
            return value


def remember(kept: Kept[K, bool], key: K, most: int) -> bool:
    """Whether the key was kept; from now on it is, as the newest of at most so many."""
    known = kept.get(key) is not None
    if not known:
        kept.put(key, True, 0, 0, most)
    return known
