"""A bench round one kernel: sends events, plays the router, keeps time and entropy."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_METHODS
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Audit, ClearTimer, Effect, Journal, Launch, Reply, ReplyError, Route, SetTimer
from qmk.kernel.events import CallReceived, Failed, Finished, Progressed, Recovered, Routed, Started
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node

SECOND = 1_000_000_000
KEY = bytes(range(32))


OPERATOR = 10_000
BESIDE = (Audit, SetTimer, ClearTimer)
"""Effects that may come with any answer."""


def bell(*, fences: int = 0) -> Graph:
    fence = tuple(Node(f"f{n}", "core.fence") for n in range(fences))
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("q0", "q1")),
            Node("h", "core.h", vqs=("q0",)),
            *fence,
            Node("cx", "core.cnot", vqs=("q0", "q1")),
            Node("m0", "core.mz", vqs=("q0",), produces=("m0",)),
            Node("m1", "core.mz", vqs=("q1",), produces=("m1",)),
            Node("d", "core.free", vqs=("q0", "q1")),
        ),
        vqs=("q0", "q1"),
        events=("m0", "m1"),
    )


class Bench:
    """Time moves only by ``now_s``. ``journal`` collects the records, ``launches`` the launches, in order."""

    def __init__(self, **config: Any) -> None:
        self.kernel = Kernel(KernelConfig(**{"token_key": KEY, **config}), STANDARD)
        self.now_s = 1000.0
        self.count = 0
        self.journal: list[Any] = []
        self.launches: list[Launch] = []

    program = staticmethod(bell)

    @property
    def now_ns(self) -> int:
        return int(self.now_s * SECOND)

    def step(self, event: Any, /, **fields: Any) -> list[Effect]:
        effects = self.kernel.step(event(now_ns=self.now_ns, **fields))
        self.journal += [effect.record for effect in effects if isinstance(effect, Journal)]
        self.launches += [effect for effect in effects if isinstance(effect, Launch)]
        return effects

    def call(
        self, name: str, /, *, conn: int = 1, graph: Graph | None = None, uid: int = -1, **params: Any
    ) -> list[Effect]:
        """The effects of one call; its ref is ``self.count``."""
        self.count += 1
        return self.step(
            CallReceived,
            conn=conn,
            ref=self.count,
            method=name,
            params=METHODS[name].request(**params),
            entropy=self.count.to_bytes(16, "big"),
            graph=graph,
            peer_uid=uid,
        )

    def operate_for_effects(self, name: str, /, **params: Any) -> list[Effect]:
        """The effects of an operator's call; its ref is ``self.count``."""
        self.count += 1
        return self.step(
            CallReceived,
            conn=OPERATOR,
            ref=self.count,
            method=name,
            params=OPERATOR_METHODS[name].request(**params),
            entropy=self.count.to_bytes(16, "big"),
            operator=True,
        )

    def operate(self, name: str, /, **params: Any) -> Any:
        """The answer of an operator's call; the error it was refused with."""
        effects = self.operate_for_effects(name, **params)
        (answer,) = [e for e in effects if isinstance(e, (Reply, ReplyError)) and e.ref == self.count]
        return answer.result if isinstance(answer, Reply) else answer.error

    def enrol(
        self, tenant: str, *, quotas: dict[str, int] | None = None, weight: float | None = None, **token: Any
    ) -> str:
        """A token of a tenant, which is registered first if it is not yet."""
        if not self.kernel.tenants.knows(tenant):
            self.operate("op_tenant_add", tenant=tenant, quotas=quotas, weight=weight)
        return self.operate("op_token_issue", tenant=tenant, **token).token

    def ask(self, name: str, /, **params: Any) -> Any:
        """The result of a call that is answered at once, and makes no job."""
        (effect,) = [e for e in self.call(name, **params) if not isinstance(e, BESIDE)]
        assert isinstance(effect, Reply), effect
        assert effect.ref == self.count
        return effect.result

    def refusal(self, name: str, /, **params: Any) -> Any:
        """The error of a call that is refused at once and does nothing else."""
        (effect,) = [e for e in self.call(name, **params) if not isinstance(e, BESIDE)]
        assert isinstance(effect, ReplyError), effect
        return effect.error

    def open(self, *, tenant: str = "", **params: Any) -> str:
        """A session, of ``tenant`` if it is named."""
        if tenant:
            params["token"] = self.enrol(tenant)
        return self.ask("q_negotiate_caps", **params).session_id

    def route(
        self, job: str, *, seconds: float = 1.0, memory_bytes: int = 0, fenced: bool = False, **more: Any
    ) -> list[Effect]:
        return self.step(
            Routed,
            job=job,
            engine="reference",
            method="",
            seconds=seconds,
            memory_bytes=memory_bytes,
            reasons=[{"engine": "reference"}],
            fenced=fenced,
            **more,
        )

    def submit(self, session: str, **params: Any) -> str:
        """An accepted job."""
        return self.submit_for_effects(session, **params)[0]

    def submit_for_effects(
        self, session: str, *, seconds: float = 1.0, memory_bytes: int = 0, fenced: bool = False, **params: Any
    ) -> tuple[str, list[Effect]]:
        """A job, and the effects of the router's answer. ``demand`` has what the router or a count of the program
        would say: qubits, fences."""
        params.setdefault("graph", bell())
        demand = params.pop("demand", {})
        routed = params.pop("routed", {})
        fenced = demand.get("fenced", fenced)
        (route,) = self.call("q_submit", session_id=session, **params)
        assert isinstance(route, Route), route
        pending = self.kernel.pending[route.job]
        pending.draft = msgspec.structs.replace(pending.draft, **demand)
        return route.job, self.route(route.job, seconds=seconds, memory_bytes=memory_bytes, fenced=fenced, **routed)

    def fence(self, job: str) -> int:
        return next(launch.fence for launch in reversed(self.launches) if launch.job == job)

    def start(self, job: str) -> list[Effect]:
        return self.step(Started, job=job, fence=self.fence(job))

    def progress(self, job: str, shots_done: int) -> list[Effect]:
        return self.step(Progressed, job=job, fence=self.fence(job), shots_done=shots_done)

    def finish(self, job: str, **usage: Any) -> list[Effect]:
        return self.step(Finished, job=job, fence=self.fence(job), usage=usage)

    def fail(self, job: str, kind: str = "RESOURCE_EXHAUSTED", *, died: bool = False, **more: Any) -> list[Effect]:
        where = {"job": job, "fence": self.fence(job)}
        return self.step(Failed, **where, kind=kind, message="boom", fields={"why": "x"}, died=died, **more)

    def restarted(self) -> Bench:
        """A new kernel fed with this one's journal, before ``Recovered``."""
        fresh = Bench()
        fresh.kernel = Kernel(self.kernel.config, STANDARD)
        fresh.now_s, fresh.count = self.now_s + 10, self.count + 1000
        fresh.journal = list(self.journal)
        fresh.kernel.replay(self.journal)
        return fresh

    def recover(self) -> list[Effect]:
        return self.step(Recovered)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make_bench() -> type[Bench]:
    return Bench


@pytest.fixture
def program() -> Any:
    return bell
