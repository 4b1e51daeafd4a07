"""Starts the workers of a pool, each at its level."""

from __future__ import annotations

from qmk.base.isolation import Level
from qmk.host.isolation.driver import Ask, Driver, Site
from qmk.host.isolation.policy import Isolation
from qmk.host.isolation.probe import DRIVERS


class Starter:
    """A driver for each level that was needed, made when it first is."""

    def __init__(self, site: Site, isolation: Isolation) -> None:
        self.isolation = isolation
        self._site = site._replace(on_unfit=isolation.note_unfit)
        self._drivers: dict[Level, Driver] = {}

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
        driver = self._drivers.get(level)
        if driver is None:
            driver = self._drivers[level] = DRIVERS[level](self._site)
        driver.start(engine, ask)

    async def close(self) -> None:
        for driver in self._drivers.values():
            await driver.close()
