"""Notices that the wall clock was set while the daemon ran, by a second clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable

from qmk.base.units import SECOND_NS

STEP_NS = 60 * SECOND_NS
"""A smaller difference is left to gather: it may be how time servers correct a clock."""


def steady_ns() -> int:
    """Nanoseconds on a clock that nobody sets; where the system has one, it goes on while the machine is suspended."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)


class ClockWatch:
    """Compares the wall clock with a steady one."""

    def __init__(self, wall_ns: int, steady_ns: Callable[[], int] = steady_ns) -> None:
        self._steady_ns = steady_ns
        self._apart_ns = wall_ns - steady_ns()

    def step_ns(self, wall_ns: int) -> int:
        """By how much the wall clock, which shows ``wall_ns`` now, was set since the last call that gave a step; 0 for
        less than a minute."""
        apart_ns = wall_ns - self._steady_ns()
        by_ns = apart_ns - self._apart_ns
        if abs(by_ns) < STEP_NS:
            return 0
        self._apart_ns = apart_ns
        return by_ns
