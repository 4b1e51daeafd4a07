"""Fifty sessions against one quota: it is never exceeded by one, never undershot, and nothing leaks.

Through the kernel with every interleaving of submits and the router's answers that a seeded shuffle gives; and over the
real socket, with clients that submit at the same moment, cancel, disconnect, and a daemon that is killed under them.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from qmk.abi.calls import METHODS
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Launch, Reply, ReplyError, Route
from qmk.kernel.events import CallReceived, ConnectionClosed, Finished, Refused, Routed
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node

SESSIONS = 50
ROOM = 7
PROGRAM = Graph(
    nodes=(
        Node("a", "core.alloc", vqs=("q",)),
        Node("h", "core.h", vqs=("q",)),
        Node("m", "core.mz", vqs=("q",), produces=("m",)),
        Node("d", "core.free", vqs=("q",)),
    ),
    vqs=("q",),
    events=("m",),
)
TEXT = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; h q; c = measure q;'


class Crowd:
    """A kernel with fifty sessions on connections of their own, and the router's unanswered questions."""

    def __init__(self, **quotas: int) -> None:
        self.kernel = Kernel(KernelConfig(workers=3, local=TenantConfig(quotas=quotas)), STANDARD)
        self.count = 0
        self.unrouted: list[str] = []
        self.launches: list[Launch] = []
        self.accepted: list[str] = []
        self.refused: list[QmkError] = []
        self.sessions: list[str] = []
        for conn in range(SESSIONS):
            (reply,) = [effect for effect in self.call(conn, "q_negotiate_caps") if isinstance(effect, Reply)]
            self.sessions.append(reply.result.session_id)

    def step(self, event: Any) -> list[Any]:
        effects = self.kernel.step(event)
        for effect in effects:
            match effect:
                case Route():
                    self.unrouted.append(effect.job)
                case Launch():
                    self.launches.append(effect)
                case ReplyError():
                    self.refused.append(effect.error)
        return effects

    def call(self, conn: int, name: str, graph: Graph | None = None, **params: Any) -> list[Any]:
        self.count += 1
        return self.step(
            CallReceived(
                now_ns=10**18 + self.count,
                conn=conn,
                ref=self.count,
                method=name,
                params=METHODS[name].request(**params),
                entropy=self.count.to_bytes(16, "big"),
                graph=graph,
            )
        )

    def submit(self, conn: int) -> None:
        self.call(conn, "q_submit", PROGRAM, session_id=self.sessions[conn], shots=10)

    def answer(self, job: str, accept: bool) -> None:
        self.unrouted.remove(job)
        if accept:
            self.accepted.append(job)
            routed = {"engine": "e", "method": "", "seconds": 1.0, "memory_bytes": 1, "reasons": []}
            self.step(Routed(now_ns=10**18 + self.count, job=job, **routed))
        else:
            self.step(Refused(now_ns=10**18 + self.count, job=job, kind="UNSUPPORTED", message="no", fields={}))

    def used(self, name: str) -> int:
        return self.kernel.tenant("local").quota(name).in_use


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("name", "limit", "each"),
    [("queued_jobs", ROOM, 1), ("logical_qubits", ROOM, 1), ("shots_period", 10 * ROOM, 10), ("gates", 10 * ROOM, 10)],
)
def test_fifty_sessions_and_one_quota_in_the_kernel(name: str, limit: int, each: int, seed: int) -> None:
    crowd, dice = Crowd(**{name: limit}), random.Random(seed)
    waiting = list(range(SESSIONS)) * 2
    dice.shuffle(waiting)
    ended = 0
    while waiting or crowd.unrouted or crowd.launches:
        acts: list[Callable[[], None]] = []
        if waiting:
            acts.append(lambda: crowd.submit(waiting.pop()))
        if crowd.unrouted:
            acts.append(lambda: crowd.answer(dice.choice(crowd.unrouted), dice.random() < 0.7))
        if crowd.launches:
            acts.append(lambda: finish(crowd))
        before = len(crowd.refused), len(crowd.unrouted)
        dice.choice(acts)()
        open_jobs = len(crowd.unrouted) + sum(not job.has_ended for job in crowd.kernel.jobs.by_id.values())
        ended = sum(job.has_ended for job in crowd.kernel.jobs.by_id.values())
        spent = ended if name in ("shots_period", "gates") else 0
        assert crowd.used(name) == each * (open_jobs + spent) <= limit
        if len(crowd.refused) > before[0] and len(crowd.unrouted) == before[1]:
            assert open_jobs + spent == ROOM, "refused with room left"
        if dice.random() < 0.05:
            crowd.step(ConnectionClosed(now_ns=10**18 + crowd.count, conn=dice.randrange(SESSIONS)))
    assert ended == len(crowd.accepted) >= ROOM
    kinds = {error.kind.name for error in crowd.refused}
    assert "QUOTA_EXCEEDED" in kinds <= {"QUOTA_EXCEEDED", "UNSUPPORTED"}
    for quota in ("queued_jobs", "logical_qubits", "running_jobs", "physical_qubits"):
        assert crowd.used(quota) == 0, "nothing leaked"


def finish(crowd: Crowd) -> None:
    launch = crowd.launches.pop(0)
    usage = {"engine_seconds": 0.0}
    crowd.step(Finished(now_ns=10**18 + crowd.count, job=launch.job, fence=launch.fence, usage=usage))


def together(daemon: Any, act: Callable[[int, Client], None]) -> list[BaseException]:
    """``act`` on fifty connections at once; what they raised."""
    gate = threading.Barrier(SESSIONS)
    raised: list[BaseException] = []

    def one(number: int) -> None:
        try:
            with Client(daemon.socket) as client:
                client.negotiate()
                gate.wait(60)
                act(number, client)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return raised


def used(daemon: Any) -> dict[str, float]:
    with Client(daemon.socket) as client:
        return {row.name: row.used for row in client.telemetry().quota}


def test_fifty_sessions_and_one_quota_over_the_socket(make_daemon: Any, odd_engines: Any) -> None:
    daemon = make_daemon(engines=odd_engines, quotas={"queued_jobs": ROOM})
    jobs: list[str] = []

    def submit(number: int, client: Client) -> None:
        jobs.append(client.submit(TEXT, engine="hang", shots=10).job_id)

    raised = together(daemon, submit)
    assert len(jobs) == ROOM
    assert Counter(error.kind.name for error in raised if isinstance(error, QmkError)) == {
        "QUOTA_EXCEEDED": SESSIONS - ROOM
    }
    assert used(daemon)["queued_jobs"] == ROOM
    with Client(daemon.socket) as client:
        for job in jobs:
            client.cancel(job)
    figures = used(daemon)
    assert [figures[name] for name in ("queued_jobs", "logical_qubits", "running_jobs")] == [0, 0, 0]


def test_what_was_spent_survives_a_kill_and_is_not_exceeded_after_it(make_daemon: Any) -> None:
    limit = 10 * SESSIONS
    left_s = 86_400 - time.time() % 86_400
    if left_s < 120:  # a period ends with the day: do not begin at its very end
        time.sleep(left_s)
    daemon = make_daemon(quotas={"shots_period": limit})
    done: list[str] = []

    def submit_and_wait(number: int, client: Client) -> None:
        job = client.submit(TEXT, shots=10, idempotency_key=f"first-{number}").job_id
        done.append(client.wait(job).state)

    half = SESSIONS // 2
    raised = together(daemon, lambda number, client: submit_and_wait(number, client) if number < half else None)
    assert raised == []
    assert done == ["COMPLETED"] * half
    daemon.kill()
    daemon.start()
    assert used(daemon)["shots_period"] == 10 * half
    raised = together(
        daemon, lambda number, client: client.submit(TEXT, shots=10, idempotency_key=f"second-{number}") and None
    )
    refusals = [error for error in raised if isinstance(error, QmkError)]
    assert len(refusals) == len(raised) == SESSIONS - half
    assert {error.fields["quota"] for error in refusals} == {"shots_period"}
    assert all(error.fields.get("retryable", error.kind.retryable) for error in refusals)
    assert used(daemon)["shots_period"] == limit


def test_a_client_that_calls_too_fast_is_slowed_and_others_are_not(make_daemon: Any) -> None:
    daemon = make_daemon()
    with Client(daemon.socket, quota={"calls_per_minute": 5}) as fast, Client(daemon.socket) as calm:
        fast.negotiate()
        for _ in range(5):
            fast.telemetry()
        with pytest.raises(QmkError) as caught:
            fast.telemetry()
        assert caught.value.fields["quota"] == "calls_per_minute"
        assert 0 < caught.value.fields["retry_after_ms"] <= 12_000
        calm.telemetry()
