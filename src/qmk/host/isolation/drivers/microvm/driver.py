"""The driver of level ``microvm``: a worker is a copy of a machine that has loaded its engine, which boots once."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ClassVar

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.driver import Ask, Site
from qmk.host.isolation.drivers.microvm.machine import DEVELOPMENT, MODE, Host, open_host
from qmk.host.isolation.drivers.microvm.snapshot import Booting, Snapshot, boot, try_empty
from qmk.worker.messages import Failed

INTERPRETED = f"guests are interpreted ({MODE}={DEVELOPMENT}), which is for trials and no defence"
log = logging.getLogger("qmk.pool")


class MicroVMs:
    """Machines boot one after another, in a thread: the loop goes on. What waits for one gets its copy then."""

    level: ClassVar[Level] = "microvm"
    ahead: ClassVar[bool] = True

    def __init__(self, site: Site) -> None:
        self._site = site
        self._host: Host | None = None
        self._snapshots: dict[str, Snapshot] = {}
        self._waiting: dict[str, list[Ask]] = {}
        self._booting: spawn.Child | None = None
        self._thread = ThreadPoolExecutor(1, "qmk-microvm")
        self._closed = False

    @staticmethod
    def probe() -> Capability:
        """Whether QEMU, KVM and the image are there; starts a machine without a guest."""
        try:
            host = open_host()
            try:
                took_s = try_empty(host)
            finally:
                host.close()
        except QmkError as error:
            return Capability("microvm", False, error.message, str(error.fields.get("help", "")))
        fast = host.accelerator == "kvm"
        what = "a machine without a guest" if fast else f"a machine without a guest; {INTERPRETED}"
        engines = frozenset(host.image.engines)
        return Capability("microvm", True, cost_ms=took_s * 1e3, cost_of=what, engines=engines, ahead=fast)

    @property
    def pids(self) -> list[int]:
        return [self._booting.pid] if self._booting is not None else []

    def single(self, engine: str) -> spawn.Child:
        booting = Booting(self._opened(), self._site, frozen=False)
        try:
            return self._hold(booting, engine)
        finally:
            booting.close()

    def start(self, engine: str, ask: Ask) -> None:
        snapshot = self._snapshots.get(engine)
        if snapshot is not None:
            ask.on_child(self._hold(snapshot, engine))
            return
        self.prepare(engine)
        self._waiting[engine].append(ask)

    def prepare(self, engine: str) -> None:
        """Has a machine boot for the engine, unless one did, or does."""
        if engine in self._snapshots or engine in self._waiting:
            return
        host, loop = self._opened(), asyncio.get_running_loop()
        self._waiting[engine] = []
        began_s = time.monotonic()
        done = self._thread.submit(boot, host, self._site, engine, self._on_child)
        done.add_done_callback(lambda done: loop.call_soon_threadsafe(self._on_boot, engine, began_s, done))

    def _on_child(self, child: spawn.Child) -> None:
        """Called in the thread."""
        self._booting = child
        if self._closed:
            child.kill()

    def _on_boot(self, engine: str, began_s: float, done: Future[Snapshot]) -> None:
        self._booting = None
        asks = self._waiting.pop(engine, [])
        try:
            snapshot = done.result()
        except QmkError as error:
            log.warning("no virtual machine for engine %s: %s", engine, error.message)
            if error.kind.name == "UNSUPPORTED":
                self._site.on_unfit(engine, self.level, error.message)
            for ask in asks:
                ask.on_failed(Failed(0, error.kind.name, error.message, error.fields), None)
            return
        log.info("a virtual machine with engine %s was ready after %.2f s", engine, time.monotonic() - began_s)
        if self._closed:
            snapshot.close()
            return
        self._snapshots[engine] = snapshot
        for ask in asks:
            try:
                ask.on_child(self._hold(snapshot, engine))
            except QmkError as error:
                ask.on_failed(Failed(0, error.kind.name, error.message, error.fields), None)

    def _hold(self, machines: Booting | Snapshot, engine: str) -> spawn.Child:
        site = self._site
        external = site.external.get(engine)
        return spawn.in_sandbox(machines, engine, site.threads, external, 0, machines.usable_bytes)

    def _opened(self) -> Host:
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
        await asyncio.get_running_loop().run_in_executor(None, partial(self._thread.shutdown, cancel_futures=True))
        for snapshot in self._snapshots.values():
            snapshot.close()
        if self._host is not None:
            self._host.close()
