"""Every launcher keeps the contract of the launch port: the local pool, and slots of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.host.cluster import messages as ms
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.opening import open_bridge
from qmk.host.launcher import Launcher, Listener
from qmk.host.launcher_kit import CHECKS
from qmk.host.pool import Pool
from qmk.host.tasks import Bounds
from tests.loopback import SETTINGS, Machines


def local_pool(listener: Listener) -> Launcher:
    return Pool(Bounds(slots=2, processes=2, threads=1, memory_bytes=0, idle_s=60.0), listener)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_pool_keeps_the_contract(check: Callable[..., Any]) -> None:
    asyncio.run(check(local_pool))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_slots_of_a_cluster_keep_the_contract(check: Callable[..., Any]) -> None:
    asyncio.run(check(Machines().launcher))


@pytest.mark.environments
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_slots_of_ray_keep_the_contract(check: Callable[..., Any], tmp_path: Path) -> None:
    join = ms.Join("", str(tmp_path), "kit", 2, SETTINGS)
    asyncio.run(check(lambda listener: ClusterPool("ray", join, 0, listener, open_bridge)))


class Deaf:
    """Loses every launch, and speaks of those that were cancelled."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def launch(self, launch: Any, graph: bytes, state: bytes | None = None) -> None:
        self._listener.on_started(launch.job, launch.fence)

    def interrupt(self, interrupt: Any) -> None: ...

    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None:
        self._listener.on_progressed(job, fence, 1)

    def reconcile(self, fences: Any) -> list[tuple[str, int]]:
        return [(job, fence) for job, fence in fences.items()]

    def capacity(self) -> Any:
        from qmk.host.launcher import Capacity

        return Capacity(1, 2, 0)

    def waited_s(self, job: str, fence: int) -> float:
        return 0.0


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_checks_find_a_launcher_that_does_not(check: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.host.launcher_kit.PATIENCE_S", 0.05)
    with pytest.raises(AssertionError):
        asyncio.run(check(Deaf))
