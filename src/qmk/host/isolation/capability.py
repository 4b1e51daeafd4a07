"""What a host has of one level of isolation."""

from __future__ import annotations

import msgspec

from qmk.base.isolation import Level


class Capability(msgspec.Struct, frozen=True):
    """One level on this host. ``reason`` and ``fix`` say why it is not there; ``cost_ms`` is what ``cost_of`` took,
    measured now, 0 where nothing was measured."""

    level: Level
    available: bool
    reason: str = ""
    fix: str = ""
    cost_ms: float = 0.0
    cost_of: str = "the namespaces of a worker"
    engines: frozenset[str] | None = None
    """The installed engines that it can hold; None: all."""
    ahead: bool = False
    """Whether the daemon makes ready for it when it starts, should a job ask for it."""

    @property
    def absence(self) -> str:
        """What a refusal says of a level that is not there."""
        return f"'{self.level}' is not available here: {self.reason}"
