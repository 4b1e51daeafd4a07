"""Timers by key, at a wall-clock time.

Where the clock is set back, a timer comes when the time until then has passed all the same, so that nothing waits for
the clock to catch up: the kernel looks at the time itself, and sets it again if it is too early.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LONGEST_SLEEP_S = 3600.0
"""Far timers are looked at again every hour, so that a clock that was set is followed."""


class LoopTimers:
    """Timers on the event loop. A key has at most one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._loop = loop
        self._clock_ns = clock_ns
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._fired: Callable[[str], None] | None = None

    def connect(self, fired: Callable[[str], None]) -> None:
        """Say who is told, once, before the first timer."""
        self._fired = fired

    def set(self, key: str, at_ns: int) -> None:
        self.clear(key)
        delay_s = max(0.0, (at_ns - self._clock_ns()) / 1e9)
        if delay_s > LONGEST_SLEEP_S:
            self._handles[key] = self._loop.call_later(LONGEST_SLEEP_S, self.set, key, at_ns)
        else:
            self._handles[key] = self._loop.call_later(delay_s, self._due, key)

    def clear(self, key: str) -> None:
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        for key in list(self._handles):
            self.clear(key)

    def _due(self, key: str) -> None:
        del self._handles[key]
        assert self._fired is not None
        self._fired(key)
