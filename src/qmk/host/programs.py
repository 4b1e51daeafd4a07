"""Programs that were read lately, so that one which is submitted again and again is read, checked and packed once.

What a request carries is its own key: the bytes of a graph, or source text with its parameters. Each tenant has a room
of its own, of a size that no tenant has an influence on: neither what is kept nor how long an answer takes tells
anything of another tenant's programs.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

from qmk.base.errors import Finding
from qmk.qvm.graph import Graph, KeptGraph, keep

KEPT_BYTES = 16 << 20
"""Bytes, as they came in requests, of all programs that are kept; in memory a graph takes some ten times as much."""

LEAST_ROOMS = 2
"""One tenant may have this fraction of the bytes when it is alone."""

Read = tuple[KeptGraph, list[Finding]]
"""A graph, and the warnings of its reader."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def key_of(request: Any) -> bytes:
    """What two requests with the same program have in common; empty for one without a program."""
    program = getattr(request, "program", None)
    if program is not None:
        return b"text" + _encode(program)
    return bytes(getattr(request, "graph", b""))


class _Room:
    """The programs of one tenant, the one used last at the end."""

    def __init__(self) -> None:
        self.programs: OrderedDict[bytes, Read] = OrderedDict()
        self.held_bytes = 0


class Programs:
    """``get`` and ``put`` by tenant and key. An empty tenant, that of no session, has no room."""

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._rooms: dict[str, _Room] = {}

    def get(self, tenant: str, key: bytes) -> Read | None:
        room = self._rooms.get(tenant)
        found = room.programs.get(key) if room is not None else None
        if room is not None and found is not None:
            room.programs.move_to_end(key)
        return found

    def put(self, tenant: str, key: bytes, graph: Graph, warnings: list[Finding], tenants: int) -> Read:
        """The graph, kept if it fits the room of its tenant; ``tenants`` is how many share the bytes."""
        made = (keep(graph), warnings)
        room_bytes = self._limit_bytes // max(LEAST_ROOMS, tenants)
        if not tenant or len(key) > room_bytes:
            return made
        room = self._rooms.setdefault(tenant, _Room())
        if key in room.programs:
            return room.programs[key]
        room.programs[key] = made
        room.held_bytes += len(key)
        while room.held_bytes > room_bytes:
            oldest, _ = room.programs.popitem(last=False)
            room.held_bytes -= len(oldest)
        return made
