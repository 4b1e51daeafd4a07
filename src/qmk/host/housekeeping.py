"""Keeps the daemon's store tidy: it deletes blobs that are due, and looks for what a crash has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from qmk.abi.operator import op_gc
from qmk.host.gc import Collector
from qmk.host.states import InThread
from qmk.kernel.effects import Collect

log = logging.getLogger("qmk.gc")
TEND_S = 1.0
SWEEP_S = 3600.0


class Housekeeping:
    """Sweeps the store at once and every ``sweep_s``, and has the journal tended every ``tend_s``, until ``close``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tend: Callable[[], None],
        collector: Collector,
        in_thread: InThread,
        tend_s: float = TEND_S,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._loop = loop
        self._tend = tend
        self._collector = collector
        self._in_thread = in_thread
        self._tend_s = tend_s
        self._sweep_s = sweep_s
        self._tender = loop.call_later(tend_s, self._tend_now)
        self._sweeper = loop.call_soon(self._sweep_now)

    def close(self) -> None:
        self._tender.cancel()
        self._sweeper.cancel()

    def _tend_now(self) -> None:
        self._in_thread(self._tend, _log_failure)
        self._tender = self._loop.call_later(self._tend_s, self._tend_now)

    def _sweep_now(self) -> None:
        self._collector.collect(Collect(0, 0), _swept)
        self._sweeper = self._loop.call_later(self._sweep_s, self._sweep_now)


def _log_failure(error: BaseException | None) -> None:
    if error is not None:
        log.warning("the journal cannot be tended: %s", error)


def _swept(found: op_gc.Reply | BaseException) -> None:
    if isinstance(found, BaseException):
        log.warning("the store cannot be swept: %s", found)
    elif found.blobs or found.drafts:
        log.info("%d blobs and %d drafts that nobody needs are gone", found.blobs, found.drafts)
