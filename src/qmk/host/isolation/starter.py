"""Starts the workers of a pool, each at its level."""

from __future__ import annotations

import asyncio
import logging

from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.cgroup import Cgroup, Groups
from qmk.host.isolation.driver import Ask, Driver, Site
from qmk.host.isolation.policy import Isolation
from qmk.host.isolation.probe import DRIVERS

log = logging.getLogger("qmk.pool")


class Starter:
    """A driver for each level that was needed, made when it first is."""

    def __init__(self, site: Site, isolation: Isolation) -> None:
        self.isolation = isolation
        self._site = site._replace(on_unfit=isolation.note_unfit, devices=isolation.devices)
        self._drivers: dict[Level, Driver] = {}
        self._groups: Groups | None = None
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    @property
    def pids(self) -> list[int]:
        return [pid for driver in self._drivers.values() for pid in driver.pids]

    def level_for(self, engine: str, asked: Level = "process") -> Level:
        """As ``Isolation.level_for``, of an engine by name."""
        from qmk.sdk import discovery

        declaration = None if engine in self._site.external else discovery.engines().get(engine)
        return self.isolation.level_for(engine, declaration, asked)

    def start(self, engine: str, level: Level, ask: Ask) -> None:
        """Starts a worker. Raises as ``Driver.start``."""
        self._driver(level).start(engine, ask)

    def prepare(self, engine: str) -> None:
        """Has the drivers that take long to start make ready for this engine, in the background."""
        if self.isolation.looks:
            self._preparing[engine] = asyncio.get_running_loop().create_task(self._prepare(engine))

    async def _prepare(self, engine: str) -> None:
        """What the host has is looked for in a thread."""
        for level, driver in DRIVERS.items():
            if driver.ahead:
                found = await asyncio.to_thread(self.isolation.capability, level)
                if found.available and found.ahead and not self._closed:
                    self._driver(level).prepare(engine)

    def group(self, *pids: int) -> Cgroup | None:
        """Bounds a worker with these processes; None where the host lets us make no control groups."""
        if self._groups is None:
            self._groups = Groups(self._site.memory_bytes)
            if self._groups.missing:
                log.info("workers have no control groups: %s", self._groups.missing)
        group = self._groups.make(f"worker-{pids[0]}")
        if group is not None:
            try:
                for pid in pids:
                    group.add(pid)
            except OSError:  # it has ended already
                group.remove()
                return None
        return group

    def single(self, engine: str) -> tuple[spawn.Child, Level]:
        """Starts one worker, without an event loop, at the level that its engine gets. Raises as ``level_for`` and
        ``Driver.single``."""
        level = self.level_for(engine)
        return self._driver(level).single(engine), level

    def _driver(self, level: Level) -> Driver:
        if level not in self._drivers:
            self._drivers[level] = DRIVERS[level](self._site)
        return self._drivers[level]

    def look(self) -> None:
        """Ends the processes of drivers that will never answer."""
        for driver in self._drivers.values():
            driver.look()

    async def close(self) -> None:
        self._closed = True
        for driver in self._drivers.values():
            await driver.close()
        if self._groups is not None:
            self._groups.close()
