"""Results that need not be computed again: which ended job of a tenant has what a new one asks for.

Nothing is kept here but names; the results are those of the jobs, and go with them. The newest job with a result stands
for it. What a tenant has is bounded and gives way by its own use alone, so that nobody learns from a hit or a miss what
another does.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from qmk.kernel.events import Submitted
from qmk.qvm.outputs import Outputs

Key = tuple[str, int, int, str, str, str, bool, Outputs | None]


class Entry(NamedTuple):
    job: str
    size_bytes: int


class _Shelf:
    """What one tenant has, the entry used least recently first."""

    __slots__ = ("entries", "keys", "size_bytes")

    def __init__(self) -> None:
        self.entries: OrderedDict[Key, Entry] = OrderedDict()
        self.keys: dict[str, Key] = {}
        self.size_bytes = 0

    def remove(self, key: Key) -> None:
        entry = self.entries.pop(key)
        del self.keys[entry.job]
        self.size_bytes -= entry.size_bytes


class ResultCache:
    """``entries`` and ``size_bytes`` bound each tenant; none with 0 bytes."""

    def __init__(self, entries: int, size_bytes: int) -> None:
        self._entries = entries
        self._size_bytes = size_bytes
        self._shelves: dict[str, _Shelf] = {}

    def add(self, record: Submitted, version: str, size_bytes: int) -> None:
        """The job of ``record``, on the engine that it says, has its result."""
        if not cacheable(record) or not version or not 0 <= size_bytes <= self._size_bytes // 8:
            return
        shelf = self._shelves.setdefault(record.tenant, _Shelf())
        key = key_of(record, version)
        if key in shelf.entries:
            shelf.remove(key)
        shelf.entries[key] = Entry(record.job, size_bytes)
        shelf.keys[record.job] = key
        shelf.size_bytes += size_bytes
        while len(shelf.entries) > self._entries or shelf.size_bytes > self._size_bytes:
            shelf.remove(next(iter(shelf.entries)))

    def find(self, record: Submitted, version: str) -> Entry | None:
        """The job that has what ``record`` asks for."""
        shelf = self._shelves.get(record.tenant)
        if shelf is None or not cacheable(record) or not version:
            return None
        return shelf.entries.get(key_of(record, version))

    def drop(self, tenant: str, job: str) -> None:
        """The job is forgotten."""
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


def cacheable(record: Submitted) -> bool:
    """Whether the same request again may be answered with the same result. The caller chose the seed, so it asks for
    these bits; without one every job is an independent sample. A job on a channel spends its pairs, and one that runs
    another again is to show that it can."""
    policy = record.policy
    return (
        policy.get("seed") is not None
        and policy.get("cache", True)
        and not policy.get("debug")
        and not record.channels
        and not record.replay_of
        and not record.restored_from
    )


def key_of(record: Submitted, version: str) -> Key:
    """All that decides about the bits and their form."""
    run = (record.digest, record.shots, record.seed, record.engine, record.method, version)
    return (*run, record.keep_events, record.outputs)
