"""A cache of programs that were read recently, so that one which is submitted again and again is read, checked and
packed once.

What a request carries is its own key: the bytes of a graph, or source text with its parameters. Each tenant has a room
of its own, of a size that no tenant has an influence on: neither what is kept nor how long an answer takes tells
anything of another tenant's programs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.base.errors import Finding
from qmk.qvm.graph import Graph, KeptGraph, keep
from qmk.rpc.kept import Kept

KEPT_BYTES = 16 << 20
"""Bytes, as they came in requests, of all programs that are kept; in memory a graph takes some ten times as much."""

LEAST_ROOMS = 2
"""One tenant may have this fraction of the bytes when it is alone."""

Read = tuple[KeptGraph, list[Finding]]
"""A graph, and the warnings of its reader."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def key_of(request: Any) -> bytes:
    """The key of a request's program, the same for requests with the same program; empty without a program."""
    program = getattr(request, "program", None)
    if program is not None:
        return b"text" + _encode(program)
    return bytes(getattr(request, "graph", b""))


class Programs:
    """``get`` and ``put`` by tenant and key. An empty tenant, that of no session, has no room."""

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._rooms: dict[str, Kept[bytes, Read]] = {}

    def get(self, tenant: str, key: bytes) -> Read | None:
        room = self._rooms.get(tenant)
        return None if room is None else room.get(key)

    def put(self, tenant: str, key: bytes, graph: Graph, warnings: list[Finding], tenants: int) -> Read:
        """The graph, kept if it fits the room of its tenant; ``tenants`` is how many share the bytes."""
        made = (keep(graph), warnings)
        if not tenant:
            return made
        room = self._rooms.setdefault(tenant, Kept())
        return room.put(key, made, len(key), self._limit_bytes // max(LEAST_ROOMS, tenants))
