"""Slots of a real Slurm of one node: the contract of the launch port, the bits, and what its daemons' ends cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.host.cluster import messages as ms
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.opening import open_bridge
from qmk.host.launcher import Launcher, Listener
from qmk.host.launcher_kit import CHECKS
from tests.loopback import SETTINGS
from tests.slurm_cluster import Slurm, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "Slurm is there")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    started = Slurm(tmp_path_factory.mktemp("slurm"))
    yield started
    started.stop()


@pytest.fixture
def make(slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Listener], Launcher]:
    monkeypatch.setenv("SLURM_CONF", str(slurm.config))
    join = ms.Join("slurm", str(tmp_path), "kit", 2, SETTINGS)
    return lambda listener: ClusterPool("slurm", join, 0, listener, open_bridge)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_slots_of_slurm_keep_the_contract(
    check: Callable[..., Any], make: Callable[[Listener], Launcher], slurm: Slurm
) -> None:
    asyncio.run(check(make))
    assert not slurm.ask("squeue", "--noheader", "--states=RUNNING,PENDING").strip(), "slots end with their launcher"
