"""Spares: who takes one, what has served somebody is none, and none is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.client.operator import Operator
from qmk.client.sync import Client
from qmk.host import spawn
from qmk.host.isolation.driver import Ask, Processes, Site
from qmk.host.isolation.drivers import spares
from qmk.sdk.kit.builder import Builder
from tests.conftest import alive
from tests.isolation.conftest import require

Eventually = Callable[[Callable[[], bool], str], None]
GRAPH = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()


class Driver(spares.WithSpares, Processes):
    """Processes, of which spares are made."""


class Bench:
    """A driver, and the workers that were taken from it."""

    def __init__(self) -> None:
        self.driver = Driver(Site(1))
        self.taken: list[spawn.Child] = []
        self.ask = Ask(self.taken.append, lambda failed, loss: None)

    def take(self) -> int:
        self.driver.start("stabilizer", self.ask)
        return self.taken[-1].pid

    async def spare(self) -> int:
        while not self.driver.pids:
            await asyncio.sleep(0.01)
        (pid,) = self.driver.pids
        return pid

    async def gone(self, pid: int) -> None:
        while alive(pid):
            await asyncio.sleep(0.01)


def run(body: Callable[[Bench], Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs ``body`` with a driver, and gives the processes that are left when all were ended."""
    monkeypatch.setattr(spares, "BEHIND_S", 0.01)

    async def main() -> list[int]:
        bench = Bench()
        await body(bench)
        left = bench.driver.pids
        await bench.driver.close()
        for child in bench.taken:
            child.end()
        return [pid for pid in left if alive(pid)]

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_each_spare_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(bench: Bench) -> None:
        taken = [bench.take()]
        for _ in range(2):
            spare = await bench.spare()
            assert spare not in taken
            taken.append(bench.take())
            assert taken[-1] == spare
            assert bench.driver.pids == []
        await bench.spare()

    assert run(body, monkeypatch) == []


def test_one_that_ended_or_is_old_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(bench: Bench) -> None:
        bench.take()
        spare = await bench.spare()
        os.kill(spare, signal.SIGKILL)
        while not spares._Spare(bench.driver._spares["stabilizer"].child, 0.0).has_ended:
            await asyncio.sleep(0.01)
        assert bench.take() != spare
        old = await bench.spare()
        monkeypatch.setattr(spares, "KEPT_S", 0.0)
        bench.driver.look()
        assert bench.driver.pids == []
        await bench.gone(old)

    assert run(body, monkeypatch) == []


def test_where_none_can_be_made_jobs_go_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def body(bench: Bench) -> None:
        bench.take()
        real = bench.driver.single

        def short(engine: str) -> spawn.Child:
            raise QmkError("RESOURCE_EXHAUSTED", "no process can be started")

        monkeypatch.setattr(bench.driver, "single", short)
        while "no spare worker of engine stabilizer: no process can be started" not in caplog.text:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(bench.driver, "single", real)
        assert alive(bench.take())

    assert run(body, monkeypatch) == []


def held(daemon: Any) -> set[int]:
    """The sandboxes that the daemon has started."""
    return {pid for pid in daemon.children() if b"runsc" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.mark.conformance
@pytest.mark.parametrize("level", ["gvisor"])
def test_a_tenant_takes_a_spare_that_has_served_nobody(make_daemon: Any, eventually: Eventually, level: Level) -> None:
    require(level)
    daemon = make_daemon(isolation=level, cache_bytes=0, workers=1)
    operator = Operator(daemon.folder / "state")
    clients: list[Client] = []
    for name in ("a", "b"):
        operator.call("op_tenant_add", tenant=name)
        clients.append(Client(daemon.socket, token=operator.call("op_token_issue", tenant=name).token))
    with clients[0] as first, clients[1] as second:
        first.run(GRAPH, shots=10)
        eventually(lambda: len(held(daemon)) == 2, "a spare")
        seen = held(daemon)
        job = second.submit(GRAPH, shots=10).job_id
        eventually(lambda: second.status(job).state in ("RUNNING", "COMPLETED"), "the second job has a worker")
        assert len(seen & held(daemon)) == 2, "both were there before the job, and the spare after it is one more"
    rows = operator.call("op_metrics").samples
    starts = sum(row.value for row in rows if row.name == "qmk_worker_starts_total")
    assert starts == 2, "each tenant has a worker of its own"
    daemon.stop()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in seen), "the end of all")
