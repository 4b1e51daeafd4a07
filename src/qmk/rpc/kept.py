"""What both ends keep of the programs that went over the wire lately, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key; those that were used longest ago go first. Threads may share one."""

    def __init__(self) -> None:
        self._rows: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._rows.get(key)
            if found is None:
                return None
            self._rows.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size_bytes: int, limit_bytes: int) -> V:
        """Keep the value if it fits the limit by itself; the value that is kept under this key, the first one put."""
        if size_bytes > limit_bytes:
            return value
        with self._lock:
            found = self._rows.get(key)
            if found is not None:
                return found[0]
            self._rows[key] = value, size_bytes
            self._held_bytes += size_bytes
            while self._held_bytes > limit_bytes:
                _, (_, freed) = self._rows.popitem(last=False)
                self._held_bytes -= freed
            return value
