"""Gathers what there is to show: asks the daemon for its figures every few seconds, makes spans of the jobs that ended,
and keeps a short history.

The daemon's figures come by its operator's socket, so the gateway has to run as the daemon's user, beside it. Where it
does not, its own figures are all there are, and ``qmk_up`` is 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.gateway.observe.canary import Ask, Canary, Turn
from qmk.gateway.observe.export import Export
from qmk.gateway.observe.history import History, Moment
from qmk.gateway.observe.spans import Parent, Span, Traces, spans_of_job, trace_of_job
from qmk.rpc.memory import resident_bytes
from qmk.rpc.metrics import Counters, Sample
from qmk.rpc.op_metrics import EndedJob, LogLine, LogQuery, Reply

log = logging.getLogger("qmk.telemetry")
POLL_S = 5.0
FRESH_S = 0.5
"""Figures of the daemon of the last so many seconds are not asked for again."""
TRACED_OF_A_POLL = 1024
"""Ended jobs of one poll that get a trace; of more, the newest."""


class Settings(msgspec.Struct, frozen=True):
    """``asks``: the daemon is asked for figures. ``token``: whoever shows it may see
    metrics and traces. ``canary_s``: seconds between canary jobs of an engine, 0 for none; None: hourly,
    and daily where there is only the local tenant."""

    asks: bool = False
    token: str = ""
    canary_s: float | None = 0.0
    otlp: str = ""


class Observer:
    """``socket``: the daemon's, for canary jobs. ``operate`` makes the operator's calls. ``history``: where figures are
    kept over time. ``sends_canaries``: whether this gateway sends canary jobs, of several that share accounts."""

    def __init__(
        self, settings: Settings, socket: Any, operate: Ask, history: History, sends_canaries: Turn | None = None
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self.traces = Traces()
        self.history = history
        self.up = False
        self._operate = operate
        self.canary = Canary(socket, operate, self.counters, settings.canary_s, sends_canaries)
        self._export = Export(settings.otlp, self.counters) if settings.otlp else None
        self._daemon: list[Sample] = []
        self._after = 0
        self._asked_s = -FRESH_S
        self._asking = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Polls, and sends canary jobs, until it is left."""
        tasks = [asyncio.create_task(self._poll())] if self.settings.asks else []
        if tasks and self.settings.canary_s != 0:
            tasks.append(asyncio.create_task(self.canary.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.canary.close()
            if self._export is not None:
                await self._export.send()
                self._export.close()

    async def _poll(self) -> None:
        await self.history.load()
        while True:
            await self.refresh()
            await self._remember()
            await asyncio.sleep(POLL_S)

    async def refresh(self) -> None:
        """Asks the daemon, unless it has just been asked."""
        if not self.settings.asks:
            return
        async with self._asking:
            if time.monotonic() - self._asked_s < FRESH_S:
                return
            self._asked_s = time.monotonic()
            try:
                found: Reply = await self._operate("op_metrics", after=self._after, limit=TRACED_OF_A_POLL)
            except QmkError as error:
                if self.up:
                    log.warning("no figures of the daemon: %s", error.message)
                self.up, self._daemon, self._after = False, [], 0
                return
            self.up = True
            self._daemon = found.samples
            self._after = found.last
            for job in found.ended:
                self._trace(job)
            if self._export is not None:
                await self._export.send()

    def _trace(self, job: EndedJob) -> None:
        """Takes an ended job to its trace: that of the request that made it, else one of its own."""
        of = self.traces.of_job.get(job.job) or Parent(job.trace or trace_of_job(job.job), "")
        self.traces.put_job(job, of)
        if self._export is not None:
            self._export.put(list(spans_of_job(job, of.trace, of.span)))

    async def log_of(self, job: str) -> list[LogLine]:
        """What the daemon's log said of a job of late, oldest first. Raises CONNECTION_LOST without a daemon."""
        found: Reply = await self._operate("op_metrics", after=self._after, limit=0, log=LogQuery(job=job))
        return found.log[::-1]

    def take(self, spans: Sequence[Span]) -> None:
        """Takes spans of a request."""
        for span in spans:
            self.traces.put(span)
        if self._export is not None:
            self._export.put(spans)

    def samples(self) -> list[Sample]:
        """All values: the daemon's as last told, and the gateway's own."""
        own = Sample("qmk_process_resident_bytes", ("gateway",), resident_bytes(os.getpid()))
        last = [Sample("qmk_up", (), float(self.up)), Sample("qmk_traces_kept", (), len(self.traces)), own]
        return [*self._daemon, *self.counters.samples(), *last]

    async def _remember(self) -> None:
        sums: dict[str, float] = {}
        for sample in self.samples():
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        names = ("jobs_queued", "jobs_running", "jobs_ended_total", "http_requests_total", "process_resident_bytes")
        await self.history.add(Moment(time.time(), *(sums.get(f"qmk_{name}", 0.0) for name in names)))
