"""Results that need not be computed again: which ended job of a tenant has what a new one asks for.

Nothing is kept here but names and the hash of what each was asked; the results are those of the jobs, and go with them.
The newest job with a result stands for it. The kernel looks at the job before its result is given, and so tells two
requests of one hash apart. What a tenant has is bounded and gives way by its own use alone, so that nobody learns from
a hit or a miss what another does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from qmk.kernel.policy import Entry


class _Shelf:
    """What one tenant has, the entry used least recently first."""

    __slots__ = ("entries", "keys", "size_bytes")

    def __init__(self) -> None:
        self.entries: OrderedDict[int, Entry] = OrderedDict()
        self.keys: dict[str, int] = {}
        self.size_bytes = 0

    def remove(self, key: int) -> None:
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
        shelf, hashed = self._shelves.setdefault(tenant, _Shelf()), hash(key)
        if hashed in shelf.entries:
            shelf.remove(hashed)
        shelf.entries[hashed] = entry
        shelf.keys[entry.job] = hashed
        shelf.size_bytes += entry.size_bytes
        while len(shelf.entries) > self._entries or shelf.size_bytes > self._size_bytes:
            shelf.remove(next(iter(shelf.entries)))

    def find(self, tenant: str, key: Hashable, /) -> Entry | None:
        shelf = self._shelves.get(tenant)
        return shelf.entries.get(hash(key)) if shelf is not None else None

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
