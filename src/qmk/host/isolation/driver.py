"""What a level of isolation is to the host: a driver, which looks for what the host lacks and starts workers.

A further level is one class with this interface and one row of ``probe.DRIVERS``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Protocol

from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.capability import Capability
from qmk.host.launcher import Loss
from qmk.worker.messages import Failed


class Site(NamedTuple):
    """What every worker of a host is started with. ``memory_bytes``: what one may take, 0 without bound. ``external``:
    the engines that are not installed. ``on_unfit`` hears of an engine that the level cannot hold, and why.
    ``devices``: what sandboxes pass on to workers (``drivers.passthrough``)."""

    threads: int
    memory_bytes: int = 0
    nice: int = 0
    external: Mapping[str, spawn.External] = {}
    on_unfit: Callable[[str, Level, str], None] = lambda engine, level, why: None
    devices: Mapping[str, tuple[str, ...]] = {}


class Ask(NamedTuple):
    """Who hears of a new worker: of its process, of why there is none (with the loss, where a process that was to make
    it ended), and of each call that it was refused, by number and how often, where the level refuses any."""

    on_child: Callable[[spawn.Child], None]
    on_failed: Callable[[Failed, Loss | None], None]
    on_refused: Callable[[int, int], None] = lambda number, count: None


class Driver(Protocol):
    """Starts the workers of one level. A worker says ``Ready`` on its socket once its engine is loaded."""

    level: ClassVar[Level]
    ahead: ClassVar[bool]
    """Whether its first worker takes so long that the daemon makes ready for it when it starts (``prepare``)."""

    def __init__(self, site: Site) -> None: ...

    @staticmethod
    def probe() -> Capability:
        """What this host has; it may take as long as starting one worker."""
        ...

    @property
    def pids(self) -> list[int]:
        """The processes that it keeps for itself; a worker's is the caller's."""
        ...

    def single(self, engine: str) -> spawn.Child:
        """Starts one worker, without an event loop. Raises ``Shortage``, and RESOURCE_EXHAUSTED for a program that
        cannot be started at all."""
        ...

    def start(self, engine: str, ask: Ask) -> None:
        """Starts a worker, now or soon. Raises as ``single``."""
        ...

    def prepare(self, engine: str) -> None:
        """Makes ready, in the background, what workers of ``engine`` are made from."""
        ...

    def look(self) -> None:
        """Ends a process of its own that will never answer; it is called every ``look_s`` of the pool."""
        ...

    async def close(self) -> None:
        """Ends what it keeps for itself, and returns when that is gone."""
        ...


class OneByOne(ABC):
    """A driver that starts each worker anew, and keeps nothing."""

    ahead: ClassVar[bool] = False

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def pids(self) -> list[int]:
        return []

    @abstractmethod
    def single(self, engine: str) -> spawn.Child: ...

    def start(self, engine: str, ask: Ask) -> None:
        ask.on_child(self.single(engine))

    def prepare(self, engine: str) -> None:
        return

    def look(self) -> None:
        return

    async def close(self) -> None:
        return


class Processes(OneByOne):
    """Level ``process``: a worker is a process like any other."""

    level: ClassVar[Level] = "process"

    @staticmethod
    def probe() -> Capability:
        return Capability("process", available=True)

    def single(self, engine: str) -> spawn.Child:
        site = self.site
        return spawn.worker(engine, site.threads, site.external.get(engine), site.nice)
