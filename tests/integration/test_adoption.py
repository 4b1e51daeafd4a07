"""Launches that outlive their daemon: the next one takes them over instead of running them twice.

The launcher here stands for a cluster's engine: it runs on while daemons come and go, and each daemon reaches it by a
new connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from qmk.abi.calls import q_negotiate_caps, q_submit, q_wait
from qmk.host.host import Host, Turns
from qmk.host.launcher import Capacity, Listener
from qmk.host.routing import Routing
from qmk.host.store import open_journal
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Interrupt, Launch
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node, unpack
from qmk.worker.runner import Runner

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


class Cluster:
    """Runs launches when told to, and counts how often each job was executed."""

    def __init__(self) -> None:
        self.listener: Listener | None = None
        self.out: dict[tuple[str, int], tuple[Launch, bytes]] = {}
        self.executed: list[str] = []
        self.cancelled: list[tuple[str, int]] = []

    def launch(self, launch: Launch, graph: bytes, state: bytes | None = None) -> None:
        assert self.listener is not None
        self.out[launch.job, launch.fence] = (launch, graph)
        self.listener.on_started(launch.job, launch.fence)

    def interrupt(self, interrupt: Interrupt) -> None: ...

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        self.cancelled.append((job, fence))
        self.out.pop((job, fence), None)

    def reconcile(self, fences: Mapping[str, int]) -> list[tuple[str, int]]:
        for job, fence in [launch for launch in self.out if launch[0] not in fences]:
            self.cancel(job, fence)
        return list(self.out)

    def waited_s(self, job: str, fence: int) -> float:
        return 0.0

    def capacity(self) -> Capacity:
        return Capacity(4, len(self.out), 0)

    def finish(self, job: str) -> None:
        """Do the work of the job's launch and tell whoever listens now."""
        assert self.listener is not None
        key = next(launch for launch in self.out if launch[0] == job)
        launch, graph = self.out.pop(key)
        self.executed.append(job)
        runner = Runner(launch.engine)
        done = runner.execute(unpack(graph), launch.method, launch.shots, launch.seed, fence=launch.fence)
        self.listener.on_done(*key, done, runner.version)


class Daemon:
    """A host over the journal in ``folder`` that can be dropped at any moment, as by kill -9."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.answers: dict[int, Any] = {}
        self.turns: list[Callable[[], None]] = []
        self.journal = open_journal(folder)
        self.kernel = Kernel(KernelConfig(workers=4), STANDARD)
        self.host = Host(
            self.kernel, self.journal, Routing(1 << 30, 1, {}), self, self, Turns(schedule=self.turns.append)
        )
        cluster.listener = self.host.launches
        self.host.connect(cluster)
        self.host.recover()
        self.settle()
        self.session = self.call("q_negotiate_caps", q_negotiate_caps.Request()).session_id

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self.answers[ref] = result

    def refuse(self, conn: int, ref: int, error: Any) -> None:
        self.answers[ref] = error

    def set(self, key: str, at_ns: int) -> None: ...
    def clear(self, key: str) -> None: ...

    def settle(self) -> None:
        while self.turns:
            self.turns.pop(0)()

    def call(self, method: str, request: Any, graph: Graph | None = None) -> Any:
        ref = len(self.answers) + 1
        self.host.call(1, ref, method, request, graph)
        self.settle()
        return self.answers[ref]

    def submit(self) -> str:
        request = q_submit.Request(session_id=self.session, shots=10)
        return self.call("q_submit", request, PROGRAM).job_id

    def counts(self, job: str) -> dict[str, int]:
        return self.call("q_wait", q_wait.Request(session_id=self.session, job_id=job)).result.counts

    def crash(self) -> None:
        """Nothing more is said or written; what was committed stays."""
        self.journal.database.close()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_launch_that_still_runs_is_not_run_again(tmp_path: Path, cluster: Cluster) -> None:
    first = Daemon(tmp_path, cluster)
    jobs = [first.submit() for _ in range(3)]
    assert len(cluster.out) == 3
    first.crash()

    second = Daemon(tmp_path, cluster)
    assert sorted(job for job, _ in cluster.out) == sorted(jobs), "nothing was launched a second time"
    assert cluster.cancelled == []
    for job in jobs:
        cluster.finish(job)
        second.settle()
    assert sorted(cluster.executed) == sorted(jobs)
    for job in jobs:
        assert sum(second.counts(job).values()) == 10
    second.crash()


def test_what_the_cluster_lost_is_launched_anew_under_a_new_number(tmp_path: Path, cluster: Cluster) -> None:
    first = Daemon(tmp_path, cluster)
    kept, lost = first.submit(), first.submit()
    before = dict(cluster.out)
    cluster.out = {launch: work for launch, work in cluster.out.items() if launch[0] == kept}
    first.crash()

    second = Daemon(tmp_path, cluster)
    again = {launch for launch in cluster.out if launch not in before}
    assert {job for job, _ in again} == {lost}
    assert all(fence > max(fence for _, fence in before) for _, fence in again)
    for job in (kept, lost):
        cluster.finish(job)
        second.settle()
    assert cluster.executed == [kept, lost]
    second.crash()


def test_a_result_that_came_while_no_daemon_listened_is_asked_for_again(tmp_path: Path, cluster: Cluster) -> None:
    """The cluster's word was lost: the job is run again, and its one result counts."""
    first = Daemon(tmp_path, cluster)
    job = first.submit()
    first.crash()
    cluster.out.clear()
    second = Daemon(tmp_path, cluster)
    cluster.finish(job)
    second.settle()
    assert sum(second.counts(job).values()) == 10
    second.crash()


def test_a_job_that_is_no_more_is_stopped(tmp_path: Path, cluster: Cluster) -> None:
    from qmk.abi.calls import q_cancel

    first = Daemon(tmp_path, cluster)
    job = first.submit()
    work = dict(cluster.out)
    first.call("q_cancel", q_cancel.Request(session_id=first.session, job_id=job))
    first.crash()
    cluster.cancelled.clear()
    cluster.out = dict(work)  # a node that was away comes back with it
    Daemon(tmp_path, cluster).crash()
    assert cluster.cancelled == list(work)
    assert cluster.out == {}
