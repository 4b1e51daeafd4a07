"""One spare for each engine: a worker that is started before anybody needs it, and that has served nobody.

Where a start is slow a tenant's first job takes the spare, and the next one is started behind it. A spare has loaded
its engine and seen nothing else, so it tells a tenant nothing of another. One that nobody takes within ``KEPT_S`` ends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from subprocess import TimeoutExpired
from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.host import spawn
from qmk.host.isolation.driver import Ask, OneByOne, Site

log = logging.getLogger("qmk.pool")
BEHIND_S = 1.0
"""So long after a worker was asked for its engine's next spare starts: then the worker itself has started."""
KEPT_S = 900.0


class _Spare(NamedTuple):
    child: spawn.Child
    since_s: float

    @property
    def has_ended(self) -> bool:
        try:
            self.child.process.wait(0)
        except TimeoutExpired:
            return False
        return True


class WithSpares(OneByOne):
    """A driver whose workers are made ahead, where there is an event loop."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._spares: dict[str, _Spare] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}

    @property
    def pids(self) -> list[int]:
        return [spare.child.pid for spare in self._spares.values()]

    def start(self, engine: str, ask: Ask) -> None:
        self.look()
        spare = self._spares.pop(engine, None)
        ask.on_child(self.single(engine) if spare is None else spare.child)
        if engine not in self._due:
            self._due[engine] = asyncio.get_running_loop().call_later(BEHIND_S, self._make, engine)

    def _make(self, engine: str) -> None:
        del self._due[engine]
        if engine in self._spares:
            return
        try:
            self._spares[engine] = _Spare(self.single(engine), time.monotonic())
        except QmkError as error:
            log.warning("no spare worker of engine %s: %s", engine, error.message)

    def look(self) -> None:
        """Ends what has been spare for long, and forgets what has ended; the next job starts anew."""
        now_s = time.monotonic()
        for engine, spare in list(self._spares.items()):
            if spare.has_ended or now_s - spare.since_s > KEPT_S:
                del self._spares[engine]
                asyncio.get_running_loop().run_in_executor(None, spare.child.end)

    async def close(self) -> None:
        for due in self._due.values():
            due.cancel()
        self._due.clear()
        while self._spares:
            await asyncio.to_thread(self._spares.popitem()[1].child.end)
