"""The key of the program in a request: a hash of what the request carries, the bytes of a graph or source text with its
parameters. A client that has sent a graph may send its hash from then on."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

_encode = msgspec.json.Encoder(order="deterministic").encode


class Key(NamedTuple):
    """The key of a request's program, the same for requests with the same program; without a program the name is empty.
    ``size_bytes`` is the length of what came, 0 where only its hash did."""

    name: str
    size_bytes: int


def key_of(request: Any) -> Key:
    named = getattr(request, "graph_sha256", "")
    if named:
        return Key(named, 0)
    program = getattr(request, "program", None)
    data = bytes(getattr(request, "graph", b"")) if program is None else _encode(program)
    if not data:
        return Key("", 0)
    name = hashlib.sha256(data).hexdigest()
    return Key(name if program is None else f"text:{name}", len(data))
