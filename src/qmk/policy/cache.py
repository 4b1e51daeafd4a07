"""Results that need not be computed again: which ended job of a tenant has what a new one asks for.

Nothing is kept here but names; the results are those of the jobs, and go with them. The newest job with a result stands
for it. What a tenant has is bounded and gives way by its own use alone, so that nobody learns from a hit or a miss what
another does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from qmk.kernel.policy import Entry


class _Shelf:
    """What one tenant has, the entry used least recently first."""

    __slots__ = ("entries", "keys", "size_bytes")

    def __init__(self) -> None:
        self.entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self.keys: dict[str, Hashable] = {}
        self.size_bytes = 0

    def remove(self, key: Hashable) -> None:
        entry = self.entries.pop(key)
        del self.keys[entry.job]
        self.size_bytes -= entry.size_bytes


class ResultCache:
    """``entries`` and ``size_bytes`` bound each tenant; none with 0 bytes. Implements ``qmk.kernel.policy.Cache``."""

    def __init__(self, entries: int, size_bytes: int) -> None:
        self._entries = entries
        self._size_bytes = size_bytes
        self._shelves: dict[str, _Shelf] = {}

    def add(self, tenant: str, key: Hashable, entry: Entry, /) -> None:
        if not 0 <= entry.size_bytes <= self._size_bytes // 8:
            return
        shelf = self._shelves.setdefault(tenant, _Shelf())
        if key in shelf.entries:
            shelf.remove(key)
        shelf.entries[key] = entry
        shelf.keys[entry.job] = key
        shelf.size_bytes += entry.size_bytes
        while len(shelf.entries) > self._entries or shelf.size_bytes > self._size_bytes:
            shelf.remove(next(iter(shelf.entries)))

    def find(self, tenant: str, key: Hashable, /) -> Entry | None:
        shelf = self._shelves.get(tenant)
        return shelf.entries.get(key) if shelf is not None else None

    def drop(self, tenant: str, job: str, /) -> None:
        shelf = self._shelves.get(tenant)
        key = shelf.keys.get(job) if shelf is not None else None
        if shelf is not None and key is not None:
            shelf.remove(key)
            if not shelf.entries:
                del self._shelves[tenant]

    def figures(self, tenant: str) -> tuple[int, int]:
        """Entries of the tenant, and the bytes of their results."""
        shelf = self._shelves.get(tenant)
        return (len(shelf.entries), shelf.size_bytes) if shelf is not None else (0, 0)
