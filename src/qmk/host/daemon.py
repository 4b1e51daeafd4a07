"""The daemon: ``serve(config)`` listens until it is told to stop, and leaves nothing behind but its journal."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial

from qmk.base.errors import QmkError
from qmk.host.call_server import CallServer
from qmk.host.cluster.opening import needs_of, open_pool
from qmk.host.config import HostConfig
from qmk.host.connections import ConnectionBounds
from qmk.host.host import Host, Turns
from qmk.host.housekeeping import Housekeeping
from qmk.host.lines import Lines
from qmk.host.metering import Metering
from qmk.host.places import BACKLOG, Listening, Lock
from qmk.host.pool import Pool
from qmk.host.routing import Routing
from qmk.host.seals import Sealer
from qmk.host.sql.journal import SqlJournal
from qmk.host.store import open_journal
from qmk.host.survey import name_losses
from qmk.host.threads import Threads
from qmk.host.timers import LoopTimers
from qmk.host.translation import Translation
from qmk.kernel.core import Kernel
from qmk.policy.standard import STANDARD
from qmk.rpc.keys import token_key

log = logging.getLogger("qmk.daemon")
OPEN_FILES = 65_536
RESERVED_FILES = 64
"""Descriptors of the daemon that no connection gets: for sockets, the journal, states, the audit log, imports."""
FILES_A_PROCESS = 8
"""Descriptors of one worker or translator here: five while it lives, the others while it starts."""
LEAST_CONNECTIONS = 8
START_WAIT_S = 0.004
"""A launch that takes longer has its start told and recorded before its end."""


def serve(
    config: HostConfig | None = None,
    ready: Callable[[HostConfig], None] | None = None,
    waiting: Callable[[str], object] | None = None,
) -> None:
    """Run the daemon until SIGINT, SIGTERM or SIGHUP; ``ready`` is called once it answers. One that stands by tells
    ``waiting`` for whose end it waits.

    Raises RESOURCE_EXHAUSTED when another daemon uses the data folder or the socket, or a place cannot be used;
    INTERNAL_ERROR when the journal is damaged or can no longer be written.
    """
    chosen = config or HostConfig()
    _allow_many_files()
    told = (waiting or log.info) if chosen.standby else None
    with Lock(chosen.lock_path, told):
        place = (chosen.data_dir, chosen.database)
        with name_losses(*place):  # before there is a loop: a signal ends what only waits
            journal = open_journal(*place, chosen.durability, chosen.database_patience_s, told, chosen.blobs)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(Daemon(chosen, journal, ready).run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's loop where it is installed; its syscalls a frame are about half."""
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _allow_many_files() -> None:
    """Raises the limit on open files as far as the system allows: every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _connections(config: HostConfig) -> int:
    """How many connections there may be, so that workers, the journal and the audit log have their descriptors."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = max(LEAST_CONNECTIONS, files - RESERVED_FILES - FILES_A_PROCESS * (config.bounds.processes + 1))
    if allowed < config.connections:
        log.warning("%d open files allow %d connections, not %d", files, allowed, config.connections)
    return min(config.connections, allowed)


class Daemon:
    """Starts and stops the parts of the daemon: what starts last stops first."""

    def __init__(
        self, config: HostConfig, journal: SqlJournal, ready: Callable[[HostConfig], None] | None = None
    ) -> None:
        self._config = config
        self._journal = journal
        self._ready = ready
        self._stop: asyncio.Event = asyncio.Event()
        self._broken: QmkError | None = None

    async def run(self) -> None:
        config, journal = self._config, self._journal
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        key = token_key(config.data_dir)
        threads = Threads(loop)
        translation = Translation(config.text, config.decoding)
        calls = CallServer(translation, ConnectionBounds(_connections(config), config.frame_s), threads.do)
        isolation = config.policy
        routing = Routing(config.job_memory_bytes, config.workers, config.engines, config.data_dir, isolation)
        kernel = Kernel(config.kernel(key), STANDARD)
        timers = LoopTimers(loop)
        soon = partial(loop.call_later, START_WAIT_S)
        metering = Metering(kernel, config.data_dir, calls)
        turns = Turns(loop.call_soon, threads.do, self._journal_broken, soon, calls, metering.on_written)
        sealer = Sealer(config.data_dir, journal.last_seal())
        host = Host(kernel, journal, routing, calls, timers, turns, seals=sealer, writing=translation)
        here = Pool(config.bounds, host.launches, config.engines, isolation, Lines(calls.new_line))
        routing.slots = config.resources
        cluster = open_pool(config, host.launches, key, here, partial(needs_of, routing, kernel.jobs.by_id))
        pool = cluster or here
        try:
            if cluster is not None:
                await cluster.open()
                routing.elsewhere = cluster.describe
            host.connect(pool)
            host.watch_clock()
            timers.connect(host.timer_fired)
            calls.open_for(host)
            gc.collect()
            gc.disable()  # what a replay makes is there to stay
            with name_losses(config.data_dir, config.database):
                count = host.recover()
            metering.open_for(pool)
            log.info("%d records replayed from %s", count, journal.database.name)
            await self._record_start(host)
            for name in config.prestart:
                if name in routing.declarations:
                    pool.prestart(name)
            with closing(Housekeeping(loop, journal.tend, host.collector, threads.do)):
                await self._serve(calls, host)
        finally:
            await pool.close()
            await translation.close()
            timers.close()
            await threads.close()
            self._close(journal)
        if self._broken is not None:
            raise self._broken

    async def _record_start(self, host: Host) -> None:
        """Waits until the start itself is in the journal: a daemon that cannot write must not say that it listens."""
        while not host.idle and self._broken is None:
            await asyncio.sleep(0.002)
        if self._broken is not None:
            raise self._broken

    def _close(self, journal: SqlJournal) -> None:
        """Closes the journal. Where it could not be written before, that is the error, and not what follows from it."""
        try:
            journal.close()
        except QmkError as error:
            if self._broken is None:
                raise
            log.warning("%s", error.message)

    async def _serve(self, calls: CallServer, host: Host) -> None:
        config = self._config
        loop = asyncio.get_running_loop()
        with ExitStack() as open_places:
            operators = open_places.enter_context(closing(Listening(config.operator_path)))
            listening = open_places.enter_context(closing(Listening(config.socket, config.socket_mode)))
            desk = await loop.create_unix_server(calls.new_operator, sock=operators.sock, backlog=BACKLOG)
            server = await loop.create_unix_server(calls.new_connection, sock=listening.sock, backlog=BACKLOG)
            _calm_collector()
            if self._ready is not None:
                self._ready(config)
            await self._stop.wait()
            log.info("stopping")
            server.close()
            desk.close()
        host.shut_down()
        await self._settle(calls, host)

    async def _settle(self, calls: CallServer, host: Host) -> None:
        """Waits until promises are in the journal and answers are sent, but not for longer than ``shutdown_s``."""
        deadline = time.monotonic() + self._config.shutdown_s
        while not (host.idle and calls.idle) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        calls.close()
        while calls.connections and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        calls.abort()
        while calls.connections:
            await asyncio.sleep(0)

    def _journal_broken(self, error: QmkError) -> None:
        log.critical("%s; stopping", error.message)
        self._broken = error
        self._stop.set()


def _calm_collector() -> None:
    """Makes Python's garbage collector run rarely, and never over the objects that exist now: jobs are many, long-lived
    and free of cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
