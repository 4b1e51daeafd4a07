"""Canary jobs: now and then a small program whose distribution is known runs on each installed engine, and its counts
are compared with theory.

They are jobs of a tenant of their own, ``canary``, with the least weight; where there is only the local tenant they are
its jobs, less often and only while nothing else is to be done. Their tag keeps them out of lists. Engines of
providers, whose runs may cost money, get none. One deviation may be chance; an engine that deviates in ``ALARM_OF`` of
its last ``ALARM_IN`` jobs has drifted. A right engine is taken for one that drifts at most once in 10^8 jobs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from qmk.abi.calls import q_query_resources
from qmk.abi.shapes import Policy, Program
from qmk.base.errors import QmkError
from qmk.gateway.callers import Caller
from qmk.gateway.children import Children
from qmk.rpc.metrics import Counters

log = logging.getLogger("qmk.canary")
TENANT = "canary"
TAG = "qmk:canary"
"""Lists of jobs show those with this tag only if they are asked for by it (q_jobs)."""
EVERY_S = 3600.0
"""Seconds between two canary jobs of one engine."""
FIRST_S = 60.0
LOCAL_EVERY_S = 86_400.0
"""As ``EVERY_S``, where there is only the local tenant: somebody's own machine."""
SHOTS = 1000
TIMEOUT_S = 120
DEVIATES_P = 1e-3
ALARM_OF, ALARM_IN = 3, 5
TOKEN_S = 7 * 86_400
LEAST_WEIGHT = 0.001
PROGRAM = """OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
bit[4] c;
h q[0];
cx q[0], q[1];
x q[2];
h q[3];
c = measure q;
"""
THEORY = {"0100": 0.25, "1100": 0.25, "0111": 0.25, "1111": 0.25}
"""Probabilities of the printed outcomes: a Bell pair, a 1, and a fair bit."""
NOT_FOR_IT = frozenset(("INVALID_GRAPH", "UNSUPPORTED", "NO_ENGINE", "INVALID_PARAMS"))
Ask = Callable[..., Awaitable[Any]]
Turn = Callable[[], Awaitable[bool]]


def chi_square_p(counts: Mapping[str, int]) -> float:
    """The chance of counts at least as far from ``THEORY`` by Pearson's chi-square, with 3 degrees of freedom: its
    survival function is erfc(sqrt(x/2)) + sqrt(2x/pi) exp(-x/2). An impossible outcome has chance 0."""
    shots = sum(counts.values())
    if not shots or any(number and outcome not in THEORY for outcome, number in counts.items()):
        return 0.0
    x = sum((counts.get(outcome, 0) - shots * p) ** 2 / (shots * p) for outcome, p in THEORY.items())
    return math.erfc(math.sqrt(x / 2)) + math.sqrt(2 * x / math.pi) * math.exp(-x / 2)


def fidelity(counts: Mapping[str, int]) -> float:
    """The classical fidelity of counts to ``THEORY``: the square of the sum of sqrt(p q)."""
    shots = max(1, sum(counts.values()))
    return sum(math.sqrt(p * counts.get(outcome, 0) / shots) for outcome, p in THEORY.items()) ** 2


class Verdicts:
    """What the canary jobs of each engine gave."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._last: dict[str, deque[bool]] = {}
        self.drifting: set[str] = set()

    def judge(self, engine: str, counts: Mapping[str, int]) -> bool:
        """Takes the counts of a job in, and says whether the engine drifts."""
        p = chi_square_p(counts)
        last = self._last.setdefault(engine, deque(maxlen=ALARM_IN))
        last.append(p < DEVIATES_P)
        counters, drifts = self._counters, sum(last) >= ALARM_OF
        counters.add("canary_runs_total", (engine, "deviated" if last[-1] else "agreed"))
        counters.set("canary_p_value", p, (engine,))
        counters.set("canary_fidelity_ratio", fidelity(counts), (engine,))
        counters.set("canary_drift", float(drifts), (engine,))
        counters.set("canary_last_run_time_seconds", time.time(), (engine,))
        if drifts and engine not in self.drifting:
            log.error("engine %s drifts: %d of its last %d canary jobs deviate", engine, sum(last), len(last))
        elif not drifts and engine in self.drifting:
            log.warning("engine %s agrees with theory again", engine)
        (self.drifting.add if drifts else self.drifting.discard)(engine)
        return drifts

    def fail(self, engine: str, error: QmkError) -> None:
        self._counters.add("canary_runs_total", (engine, "failed"))
        log.warning("the canary job of engine %s failed: %s", engine, error.message)


class Canary:
    """Sends the jobs. ``operator`` makes the operator's calls, by which it gets its token. ``every_s`` None: hourly,
    and daily where there is only the local tenant. ``is_ours`` says whether this gateway sends them, and not another
    one of the same daemon."""

    def __init__(
        self,
        socket: Any,
        operator: Ask,
        counters: Counters,
        every_s: float | None = None,
        is_ours: Turn | None = None,
    ) -> None:
        self.verdicts = Verdicts(counters)
        self._socket, self._operator, self._is_ours = socket, operator, is_ours
        self._every_s, self._chosen = every_s or EVERY_S, every_s is not None
        self._is_local = False
        self._client: Caller | None = None
        self._unfit: set[str] = set()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        await asyncio.sleep(min(FIRST_S, self._every_s))
        while True:
            engines: list[str] = []
            try:
                if self._is_ours is not None and not await self._is_ours():
                    await asyncio.sleep(min(FIRST_S, self._every_s))
                    continue
                if self._is_local:
                    await self.close()  # there may be tenants by now
                engines = await self.engines()
                for engine in engines:
                    if not self._is_local or await self.is_idle():
                        await self.look(engine)
                    await asyncio.sleep(self._pause_s() / len(engines))
            except QmkError as error:
                log.info("no canary job: %s", error.message)
                await self.close()
            if not engines:
                await asyncio.sleep(self._every_s)

    def _pause_s(self) -> float:
        return LOCAL_EVERY_S if self._is_local and not self._chosen else self._every_s

    async def is_idle(self) -> bool:
        """Whether no job of anybody waits or runs."""
        client = await self._connect()
        queue = (await client.query_resources()).queue
        return not queue.queued and not queue.running

    async def engines(self) -> list[str]:
        """The engines that get canary jobs."""
        client = await self._connect()
        found: q_query_resources.Reply = await client.query_resources()
        return [
            row.name
            for row in found.engines
            if row.available and row.methods and "DEVICE" not in row.methods and row.name not in self._unfit
        ]

    async def look(self, engine: str) -> None:
        """Runs one job on the engine and judges it. Raises CONNECTION_LOST and what concerns the tenant."""
        client = await self._connect()
        try:
            made = await client.submit_program(
                program=Program(format="qasm3", text=PROGRAM),
                shots=SHOTS,
                policy=Policy(engine=engine, priority=-1000, timeout_ms=TIMEOUT_S * 1000),
                name=TENANT,
                tags=(TAG,),
                keep_events=False,
            )
            result = await client.job(made.job_id).result(timeout=2 * TIMEOUT_S)
        except QmkError as error:
            if error.kind.name in NOT_FOR_IT:
                log.info("engine %s gets no canary job: %s", engine, error.message)
                self._unfit.add(engine)
            elif error.kind.name == "TIMEOUT":  # the daemon stops, or has more to do
                log.info("the canary job of engine %s has not run: %s", engine, error.message)
            elif error.kind.name in ("CONNECTION_LOST", "AUTH_FAILED", "TENANT_SUSPENDED"):
                raise
            else:
                self.verdicts.fail(engine, error)
        else:
            self.verdicts.judge(engine, dict(result.counts))

    async def _connect(self) -> Caller:
        """The client that sends them. To register the first tenant would change what programs of the local one may say,
        so where there is none they are jobs of the local tenant."""
        if self._client is None:
            known = {row.tenant for row in (await self._operator("op_tenant_list")).tenants}
            self._is_local = not known
            token = await self._token(TENANT not in known) if known else None
            self._client = Caller(self._socket, token, Children())
        return self._client

    async def _token(self, is_new: bool) -> str:
        """A token of the tenant; those of earlier starts are void from now on."""
        if is_new:
            await self._operator("op_tenant_add", tenant=TENANT, weight=LEAST_WEIGHT)
        await self._operator("op_token_revoke", tenant=TENANT)
        made = await self._operator("op_token_issue", tenant=TENANT, expires=int(time.time()) + TOKEN_S)
        return made.token

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.leave()
