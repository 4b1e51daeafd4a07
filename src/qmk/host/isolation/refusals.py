"""Sums up the system calls that one worker was refused, launch by launch.

A worker may make a million such calls: its jail's keeper reports sums a few times a second, here they are added up by
name, and a launch is told of once. A report comes up to ``REPORT_EVERY_S`` after the call, so what comes soon after the
end of a launch belongs to it, unless the worker has begun the next one, of the same tenant.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from qmk.kernel.effects import Launch
from qmk.rpc.metrics import Counters
from qmk.worker.jail import syscalls
from qmk.worker.jail.keeper import REPORT_EVERY_S

log = logging.getLogger("qmk.pool")
SETTLED_S = 2.5 * REPORT_EVERY_S
"""So long after the end of a launch every report of it has come."""


class RefusedCalls:
    """Of one worker of ``engine``. ``tell`` gets a launch and how often each call was refused to it."""

    def __init__(self, engine: str, tell: Callable[[Launch, dict[str, int]], None], counters: Counters) -> None:
        self._engine, self._tell, self._counters = engine, tell, counters
        self._launch: Launch | None = None
        self._calls: Counter[str] = Counter()

    def begin(self, launch: Launch) -> None:
        """What is refused from now on belongs to ``launch``."""
        self.settle()
        self._launch = launch

    def add(self, number: int, count: int) -> None:
        """Counts a report."""
        name, launch = syscalls.name_of(number), self._launch
        if name not in self._calls and launch is not None:
            row = (self._engine, launch.tenant, launch.job, name)
            log.warning("worker of engine %s for %s, in %s: call %s refused", *row)
        elif name not in self._calls:
            log.warning("worker that was loading its engine %s: call %s refused", self._engine, name)
        self._calls[name] += count
        tenant = launch.tenant if launch is not None else ""
        self._counters.add("sandbox_denials_total", (self._engine, tenant), count)

    def end(self) -> None:
        """The launch has ended, or the worker: what was refused is told soon."""
        asyncio.get_running_loop().call_later(SETTLED_S, self.settle)

    def settle(self) -> None:
        """Tells what was refused since the last time."""
        calls, self._calls = dict(self._calls), Counter[str]()
        if calls and self._launch is not None:
            self._tell(self._launch, calls)
