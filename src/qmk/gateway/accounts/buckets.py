"""Token buckets: how often somebody may do something. A bucket holds up to ``burst`` uses and gets back ``rate`` of
them in a second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

KEPT = 10_000
"""Buckets that are kept; with one more, that which was used least recently is forgotten, as if it were full."""


class Buckets:
    """A bucket for each key. ``rate`` 0: no bound."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._held: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> float:
        """Take one use: 0, or the seconds after which there is one."""
        if not self.rate:
            return 0.0
        held, at = self._held.get(key, (self.burst, now))
        held = min(self.burst, held + max(0.0, now - at) * self.rate)
        allowed = held >= 1.0
        self._held[key] = (held - 1.0 if allowed else held, now)
        self._held.move_to_end(key)
        if len(self._held) > KEPT:
            self._held.popitem(last=False)
        return 0.0 if allowed else (1.0 - held) / self.rate
