"""A machine of many slots, simulated round the real kernel and its scheduler.

Tenants of unequal weights submit all their jobs at once, through ``q_submit`` as a client does. Every launch that the
kernel asks for ends when its time is over on the simulated clock. Predictions are wrong by a random factor, and all is
drawn from one seed, so that a run is the same each time. The simulation adds nothing to the kernel but a heap of ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.programs import bell
from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.base.units import SECOND_NS
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Effect, Launch, Reply, ReplyError, Route
from qmk.kernel.events import CallReceived, Event, Finished, Routed, Started
from qmk.policy.standard import STANDARD
from qmk.simulation.scheduling import jain

BEGIN_NS = 1_800_000_000 * SECOND_NS
WEIGHTS = (1.0, 2.0, 4.0, 8.0)
LENGTHS_S = (0.5, 1.0, 2.0)
"""Median length of a tenant's jobs; tenants take weights and lengths in turn."""
SPREAD = 0.5
"""Standard deviation of the logarithm of a job's length, and of the factor by which its prediction is wrong."""
SINGLE = "single"
"""The tenant of weight 1 that has one job at a time: the next is submitted when the one before has ended."""


@dataclass(frozen=True)
class Size:
    """What is simulated. ``jobs`` are those of all tenants together, submitted before the first one ends."""

    slots: int
    jobs: int
    tenants: int
    seed: int = 1


@dataclass
class Tenant:
    """``left`` counts jobs that no slot has had yet; ``waits_s`` are the waits of the others; ``served_s`` is the time
    that its ended jobs had a slot."""

    name: str
    weight: float
    length_s: float
    session: str
    left: int = 0
    served_s: float = 0.0
    waits_s: list[float] = field(default_factory=list[float])


@dataclass
class Job:
    """Times are of the simulated clock, nanoseconds."""

    tenant: Tenant
    length_ns: int
    submitted_ns: int
    began_ns: int = 0


@dataclass(frozen=True)
class Fairness:
    """Time that slots gave each tenant, over its share by weight, while all had jobs waiting for ``seconds``."""

    seconds: float
    ratios: dict[str, float]

    @property
    def index(self) -> float:
        """Jain's index of the ratios: 1 is fair."""
        return jain(list(self.ratios.values()))

    @property
    def worst(self) -> float:
        """The largest part of its share by which a tenant had more or less."""
        return max(abs(ratio - 1) for ratio in self.ratios.values())


class Machine:
    """``steps`` counts the events that the kernel was given, ``launches`` those that it asked for."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.now_ns = BEGIN_NS
        self.steps = self.launches = 0
        self._rng = Random(size.seed)
        self._entropy = 0
        self._graph = bell()
        self._jobs: dict[str, Job] = {}
        self._ends: list[tuple[int, int, str]] = []
        self.kernel = Kernel(KernelConfig(workers=size.slots, token_key=bytes(range(32))), STANDARD)
        self.tenants = [
            self._enter(f"t{n}", WEIGHTS[n % len(WEIGHTS)], LENGTHS_S[n % len(LENGTHS_S)]) for n in range(size.tenants)
        ]
        self.single = self._enter(SINGLE, 1.0, LENGTHS_S[0])

    def fill(self) -> None:
        """Submits all jobs, one of each tenant in turn; as many as there are slots start at once."""
        for _ in range(self.size.jobs // self.size.tenants):
            for tenant in self.tenants:
                self.submit(tenant)

    def submit(self, tenant: Tenant) -> None:
        """Submits one job, and plays the router."""
        (route,) = [e for e in self._call("q_submit", session_id=tenant.session, shots=100) if isinstance(e, Route)]
        length_s = tenant.length_s * self._rng.lognormvariate(0.0, SPREAD)
        predicted_s = length_s * self._rng.lognormvariate(0.0, SPREAD)
        self._jobs[route.job] = Job(tenant, round(length_s * SECOND_NS), self.now_ns)
        tenant.left += 1
        reasons = [{"engine": "null"}]
        chosen = {"job": route.job, "engine": "null", "method": "", "seconds": predicted_s, "memory_bytes": 0}
        self.step(Routed(now_ns=self.now_ns, reasons=reasons, **chosen))

    def advance(self) -> bool:
        """Ends the launch that is over first, and submits the single tenant's next job after its last; False: no launch
        is out."""
        if not self._ends:
            return False
        self.now_ns, fence, name = heapq.heappop(self._ends)
        job = self._jobs.pop(name)
        job.tenant.served_s += job.length_ns / SECOND_NS
        usage = {"engine_seconds": job.length_ns / SECOND_NS, "result_bytes": 100}
        self.step(Finished(now_ns=self.now_ns, job=name, fence=fence, usage=usage))
        if job.tenant is self.single and self.crowded:
            self.submit(self.single)
        return True

    @property
    def crowded(self) -> bool:
        """Whether every tenant has a job waiting."""
        return all(tenant.left for tenant in self.tenants)

    def share(self) -> Fairness:
        """Runs a machine that was filled until a tenant has no more jobs waiting, with the single tenant's jobs among
        those of the others."""
        self.submit(self.single)
        while self.crowded:
            self.advance()
        served_s = {tenant.name: tenant.served_s for tenant in self.tenants}
        for _, _, name in self._ends:
            job = self._jobs[name]
            if job.tenant is not self.single:
                served_s[job.tenant.name] += (self.now_ns - job.began_ns) / SECOND_NS
        unit_s = sum(served_s.values()) / sum(tenant.weight for tenant in self.tenants)
        ratios = {tenant.name: served_s[tenant.name] / (tenant.weight * unit_s) for tenant in self.tenants}
        return Fairness((self.now_ns - BEGIN_NS) / SECOND_NS, ratios)

    def drain(self) -> None:
        """Runs until no job is left."""
        while self.advance():
            pass

    def step(self, event: Event) -> Sequence[Effect]:
        """Gives the kernel an event; launches that it asks for are begun, at the same moment."""
        self.steps += 1
        effects = self.kernel.step(event)
        for effect in effects:
            if isinstance(effect, Launch):
                self._begin(effect)
            assert not isinstance(effect, ReplyError), effect
        return effects

    def _begin(self, launch: Launch) -> None:
        job = self._jobs[launch.job]
        job.began_ns = self.now_ns
        job.tenant.left -= 1
        job.tenant.waits_s.append((self.now_ns - job.submitted_ns) / SECOND_NS)
        self.launches += 1
        heapq.heappush(self._ends, (self.now_ns + job.length_ns, launch.fence, launch.job))
        self.step(Started(now_ns=self.now_ns, job=launch.job, fence=launch.fence))

    def _enter(self, name: str, weight: float, length_s: float) -> Tenant:
        """Registers a tenant that may have all jobs waiting and all slots, and opens its session."""
        quotas = {"queued_jobs": 2 * self.size.jobs, "running_jobs": self.size.slots}
        self._answer("op_tenant_add", operator=True, tenant=name, weight=weight, quotas=quotas)
        token = self._answer("op_token_issue", operator=True, tenant=name).token
        return Tenant(name, weight, length_s, self._answer("q_negotiate_caps", token=token).session_id)

    def _answer(self, method: str, operator: bool = False, **params: Any) -> Any:
        (reply,) = [e for e in self._call(method, operator, **params) if isinstance(e, Reply)]
        return reply.result

    def _call(self, method: str, operator: bool = False, **params: Any) -> Sequence[Effect]:
        self._entropy += 1
        methods: Any = OPERATOR_METHODS if operator else METHODS
        return self.step(
            CallReceived(
                now_ns=self.now_ns,
                conn=1,
                ref=self._entropy,
                method=method,
                params=methods[method].request(**params),
                entropy=self._entropy.to_bytes(23, "big"),
                graph=self._graph if method == "q_submit" else None,
                operator=operator,
            )
        )
