"""Slots of a real Slurm of one node: the contract of the launch port, and what slots ask for."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.opening import open_bridge
from qmk.host.launcher import Launcher, Listener
from qmk.host.launcher_kit import CHECKS, Heard
from tests.loopback import SETTINGS
from tools.throwaway_slurm import Slurm, missing

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there"),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    started = Slurm(tmp_path_factory.mktemp("slurm"))
    yield started
    started.stop()


@pytest.fixture
def make(slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClusterPool]:
    monkeypatch.setenv("SLURM_CONF", str(slurm.config))

    def launcher(listener: Listener, resources: list[dict[str, float]] | None = None) -> ClusterPool:
        name = uuid.uuid4().hex[:16]  # each launcher has jobs of its own, as each daemon has
        join = ms.Join("slurm", str(tmp_path), name, 2, SETTINGS, resources or [])
        return ClusterPool("slurm", join, 0, listener, open_bridge)

    return launcher


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_slots_of_slurm_keep_the_contract(
    check: Callable[..., Any], make: Callable[[Listener], Launcher], slurm: Slurm
) -> None:
    asyncio.run(check(make))
    assert not slurm.jobs(), "slots end with their launcher"


def test_slots_ask_for_what_is_said_of_them(make: Callable[..., ClusterPool], slurm: Slurm) -> None:
    async def test() -> None:
        launcher = make(Heard(), [{"qpu": 1.0, "memory": float(200 << 20)}, {"cpu": 2.0}])
        await launcher.open()
        async with asyncio.timeout(60.0):
            while launcher.workers < 2:
                await asyncio.sleep(0.05)
        rows = slurm.ask("squeue", "--noheader", "--array", "--format=%K %C %m %b").decode().split("\n")
        assert {tuple(row.split()) for row in rows if row} == {
            ("0", "1", "200M", "gres:qpu:1"),
            ("1", "2", "64M", "N/A"),
        }
        await launcher.close()

    asyncio.run(test())


def test_a_slot_that_no_node_can_have_is_refused_at_the_start(make: Callable[..., ClusterPool]) -> None:
    async def refusal(resources: dict[str, float]) -> str:
        launcher = make(Heard(), [{}, resources])
        with pytest.raises(QmkError, match="Slurm takes no job of slot 1: ") as refused:
            await launcher.open()
        await launcher.close()
        return refused.value.message

    assert "node configuration is not available" in asyncio.run(refusal({"cpu": 4096.0}))
    assert "--qpu=ibm_torino" in asyncio.run(refusal({"qpu:ibm_torino": 1.0})), "it has no plugin of QRMI"
