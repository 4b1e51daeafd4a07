"""Alternative: an engine that a job may go on with."""

from __future__ import annotations

import msgspec


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another engine that the router would have run the job on. ``uncertainty`` is the factor within which ``seconds``
    is believed. ``may_fail``: the attempt may end without a result. ``last``: it was stopped as it took too long, and
    is to be taken again only when no other is left."""

    engine: str
    method: str
    seconds: float
    memory_bytes: int
    uncertainty: float = 1.0
    fenced: bool = False
    may_fail: bool = False
    last: bool = False

    @property
    def name(self) -> str:
        return f"{self.engine}:{self.method}" if self.method else self.engine


CHOICE = ("engine", "method", "seconds", "memory_bytes", "uncertainty", "fenced")
"""What an alternative, the router's answer and the record of a job say alike."""


class Moved(msgspec.Struct, frozen=True):
    """A job went on with ``to``; ``again``: the engine before may be taken once more, as the last."""

    to: Alternative
    again: bool = False
