"""The driver of level ``microvm``: a worker is a copy of a machine that has loaded its engine, which boots once."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.driver import Ask, Site
from qmk.host.isolation.drivers import firecracker
from qmk.host.isolation.drivers.firecracker import machine as firecrackers
from qmk.host.isolation.drivers.microvm import snapshot
from qmk.host.isolation.drivers.microvm.machine import DEVELOPMENT, MODE, Host, open_host
from qmk.host.isolation.drivers.passthrough import devices_at
from qmk.worker.messages import Failed

log = logging.getLogger("qmk.pool")
T = TypeVar("T")
INTERPRETED = f"guests are interpreted ({MODE}={DEVELOPMENT}), which is for trials and no defence"


class Frozen(Protocol):
    """A machine that has loaded its engine."""

    def copy(self) -> spawn.Child:
        """Starts a copy of it. Raises JOB_FAILED, ``Shortage`` and ``OSError``."""
        ...

    def close(self) -> None: ...


class MicroVMs:
    """Machines boot one after another, in a thread, and are copied in another: the loop goes on meanwhile. Both threads
    last as long as what they start, which the system ends with its thread."""

    level: ClassVar[Level] = "microvm"
    ahead: ClassVar[bool] = True

    def __init__(self, site: Site) -> None:
        self._site = site
        self._host: Host | None = None
        self._frozen: dict[str, Frozen] = {}
        self._waiting: dict[str, list[Ask]] = {}
        self._lent: dict[str, Future[spawn.Child]] = {}
        self._booting: spawn.Child | None = None
        self._boots, self._copies = ThreadPoolExecutor(1, "qmk-boots"), ThreadPoolExecutor(1, "qmk-copies")
        self._closed = False

    @staticmethod
    def probe() -> Capability:
        """Whether what runs machines and the image are there; starts a machine without a guest."""
        try:
            host = open_host()
            try:
                took_s = try_empty(host)
            finally:
                host.close()
        except QmkError as error:
            return Capability("microvm", False, error.message, str(error.fields.get("help", "")))
        fast = host.accelerator == "kvm"
        what = f"a machine of {host.monitor} without a guest" + ("" if fast else f"; {INTERPRETED}")
        engines = frozenset(host.image.engines)
        return Capability("microvm", True, cost_ms=took_s * 1e3, cost_of=what, engines=engines, ahead=fast)

    @property
    def pids(self) -> list[int]:
        return [self._booting.pid] if self._booting is not None else []

    def single(self, engine: str) -> spawn.Child:
        host = self._open()
        if host.monitor == firecracker.NAME:
            return firecrackers.boot_child(host, self._site, engine, frozen=False)[1]
        return snapshot.boot_child(host, self._site, engine)

    def start(self, engine: str, ask: Ask) -> None:
        functions = devices_at(self._site.devices, engine, self.level)
        if functions:
            self._lend(functions, engine, ask)
            return
        frozen = self._frozen.get(engine)
        if frozen is not None:
            self._start(frozen.copy, ask.on_child, ask)
            return
        self.prepare(engine)
        self._waiting[engine].append(ask)

    def prepare(self, engine: str) -> None:
        """Has a machine boot for the engine, unless one did, or does. One that has a PCI function cannot be copied."""
        if engine in self._frozen or engine in self._waiting or devices_at(self._site.devices, engine, self.level):
            return
        host, loop = self._open(), asyncio.get_running_loop()
        self._waiting[engine] = []
        began_s = time.monotonic()
        boot = firecrackers.boot if host.monitor == firecracker.NAME else snapshot.boot
        done: Future[Frozen] = self._boots.submit(boot, host, self._site, engine, self._on_child)
        done.add_done_callback(lambda done: loop.call_soon_threadsafe(self._on_boot, engine, began_s, done))

    def _on_child(self, child: spawn.Child) -> None:
        """Called in the thread."""
        self._booting = child
        if self._closed:
            child.kill()

    def _on_boot(self, engine: str, began_s: float, done: Future[Frozen]) -> None:
        self._booting = None
        asks = self._waiting.pop(engine, [])

        def fail(error: QmkError) -> None:
            log.warning("no virtual machine for engine %s: %s", engine, error.message)
            if error.kind.name == "UNSUPPORTED":
                self._site.on_unfit(engine, self.level, error.message)
            for ask in asks:
                _tell(ask, error)

        frozen = _result(done, fail)
        if frozen is None:
            return
        if self._closed:
            frozen.close()
            return
        log.info("a virtual machine with engine %s was ready after %.2f s", engine, time.monotonic() - began_s)
        self._frozen[engine] = frozen
        for ask in asks:
            self._start(frozen.copy, ask.on_child, ask)

    def _start(
        self, make: Callable[[], spawn.Child], on_child: Callable[[spawn.Child], None], ask: Ask
    ) -> Future[spawn.Child]:
        """Has a machine start in the thread of copies."""
        loop = asyncio.get_running_loop()

        def on_done(done: Future[spawn.Child]) -> None:
            child = _result(done, lambda error: _tell(ask, error))
            if child is not None:
                on_child(child)

        done = self._copies.submit(make)
        done.add_done_callback(lambda done: loop.call_soon_threadsafe(on_done, done))
        return done

    def _lend(self, functions: tuple[str, ...], engine: str, ask: Ask) -> None:
        """Boots a machine that has the engine's PCI functions, which one machine has at a time. Raises ``Shortage``
        while there is one."""
        lent = self._lent.get(engine)
        if lent is not None and _holds(lent):
            why = f"{', '.join(functions)} is held by another virtual machine"
            raise spawn.Shortage(OSError(errno.EBUSY, why))
        self._lent[engine] = self._start(partial(self.single, engine), ask.on_child, ask)

    def _open(self) -> Host:
        if self._host is None:
            self._host = open_host()
            if self._host.accelerator == "tcg":
                log.warning("level microvm: %s", INTERPRETED)
        return self._host

    def look(self) -> None:
        return

    async def close(self) -> None:
        self._closed = True
        if self._booting is not None:
            self._booting.kill()
        for threads in (self._boots, self._copies):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        await asyncio.sleep(0)  # what the threads have told is heard
        for frozen in self._frozen.values():
            frozen.close()
        if self._host is not None:
            self._host.close()


def try_empty(host: Host) -> float:
    """Starts a machine without a guest, and ends it: how many seconds that took. Raises UNSUPPORTED."""
    return firecrackers.try_empty() if host.monitor == firecracker.NAME else snapshot.try_empty(host)


def _result(done: Future[T], fail: Callable[[QmkError], None]) -> T | None:
    """What a thread has made; None for nothing, of which ``fail`` has heard unless the driver was closed."""
    if done.cancelled():
        return None
    try:
        return done.result()
    except QmkError as error:
        fail(error)
    except OSError as error:
        fail(QmkError("JOB_FAILED", f"a virtual machine cannot be started: {error}"))
    return None


def _holds(lent: Future[spawn.Child]) -> bool:
    """Whether the machine that was lent to starts, or has not ended."""
    if not lent.done():
        return True
    return not lent.cancelled() and lent.exception() is None and lent.result().process.returncode is None


def _tell(ask: Ask, error: QmkError) -> None:
    ask.on_failed(Failed(0, error.kind.name, error.message, error.fields), None)
