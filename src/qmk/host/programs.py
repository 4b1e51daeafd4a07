"""A cache of programs that were read recently, so that one which is submitted again and again is read, checked and
packed once.

Each tenant has a room of its own, of a size that no tenant has an influence on: neither what is kept nor how long an
answer takes tells anything of another tenant's programs.
"""

from __future__ import annotations

from qmk.base.errors import Finding
from qmk.qvm.graph import Graph, KeptGraph, keep
from qmk.rpc.kept import Kept
from qmk.rpc.key import Key

KEPT_BYTES = 16 << 20
"""Bytes, as they came in requests, of all programs that are kept; in memory a graph takes some ten times as much."""

LEAST_ROOMS = 2
"""One tenant may have this fraction of the bytes when it is alone."""

Read = tuple[KeptGraph, list[Finding]]
"""A graph, and the warnings of its reader."""


class Programs:
    """``get`` and ``put`` by tenant and key. An empty tenant, that of no session, has no room."""

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._rooms: dict[str, Kept[str, Read]] = {}

    def get(self, tenant: str, key: Key) -> Read | None:
        room = self._rooms.get(tenant)
        return None if room is None else room.get(key.name)

    def put(self, tenant: str, key: Key, graph: Graph, warnings: list[Finding], tenants: int) -> Read:
        """The graph, kept if it fits the room of its tenant; ``tenants`` is how many share the bytes."""
        made = (keep(graph), warnings)
        if not tenant:
            return made
        room = self._rooms.setdefault(tenant, Kept())
        return room.put(key.name, made, key.size_bytes, self._limit_bytes // max(LEAST_ROOMS, tenants))
