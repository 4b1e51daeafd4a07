"""Slots of a real Slurm of one node: the contract of the launch port, and what slots ask for."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from qmk.base.errors import QmkError
from qmk.host.cluster import messages as ms
from qmk.host.cluster.interface import SlotLost
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.opening import open_bridge
from qmk.host.cluster.slurm_cluster import SlurmCluster
from qmk.host.launcher import Launcher, Listener
from qmk.host.launcher_kit import CHECKS, SHORT, Heard, launch_of
from qmk.host.spawn import External
from qmk.qvm.graph import pack
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

    def launcher(
        listener: Listener, resources: list[dict[str, float]] | None = None, settings: ms.Settings = SETTINGS
    ) -> ClusterPool:
        name = uuid.uuid4().hex[:16]  # each launcher has jobs of its own, as each daemon has
        join = ms.Join("slurm", str(tmp_path), name, 2, settings, resources or [])
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


ENGINE = """
import json, os
from pathlib import Path
from msgspec.structs import replace
from qmk.engines.reference import DECLARATION as REFERENCE
(Path(__file__).parent / "seen.json").write_text(json.dumps(dict(os.environ)))
DECLARATION = replace(REFERENCE, name="seen")
"""


def test_what_a_plugin_says_to_a_job_reaches_the_worker(
    make: Callable[..., ClusterPool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of QRMI's plugin sbatch itself sets variables of the job."""
    monkeypatch.setenv("SBATCH_EXPORT", "ALL,test_QRMI_IBM_QS_ENDPOINT=http://qpu.internal,OTHER_SECRET=1")
    monkeypatch.setenv("QMK_WORKER_ENV", "*_QRMI_*")
    (tmp_path / "seen_engine.py").write_text(ENGINE)
    external = {"seen": External("seen_engine:DECLARATION", str(tmp_path))}
    settings = structs.replace(SETTINGS, isolation="process", external=external)

    async def test() -> None:
        heard = Heard()
        launcher = make(heard, settings=settings)
        await launcher.open()
        launch = structs.replace(launch_of("job_seen", 1, SHORT), engine="seen")
        launcher.launch(launch, pack(SHORT))
        async with asyncio.timeout(90.0):
            while not heard.has_ended(launch):
                await asyncio.sleep(0.05)
        await launcher.close()

    asyncio.run(test())
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["test_QRMI_IBM_QS_ENDPOINT"] == "http://qpu.internal"
    assert "OTHER_SECRET" not in seen


def test_a_slot_whose_job_slurm_has_ended_is_given_up(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real squeue no longer has it, and the real sacct says that there are no accounts."""
    monkeypatch.setenv("SLURM_CONF", str(slurm.config))
    monkeypatch.setattr("qmk.host.cluster.slurm_cluster.QUEUE_S", 0.2)

    async def test() -> None:
        join = ms.Join("slurm", str(tmp_path), uuid.uuid4().hex[:16], 1, SETTINGS, [], options={"begin": "now+1hour"})
        cluster = SlurmCluster(join)
        making = asyncio.create_task(cluster.make(0, 1))
        async with asyncio.timeout(60.0):
            while not await cluster._queue(newest=True):
                await asyncio.sleep(0.1)
            assert not making.done(), "its job waits for its time"
            slurm.ask("scancel", f"--name=qmk-{join.name}-1")
            with pytest.raises(SlotLost, match="Slurm no longer has the job of slot 0-1"):
                await making
        assert await cluster._accounts_say_over("0-1")
        await cluster.leave()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("said", "over"),
    [
        ("12_0|RUNNING", False),
        ("12_0|PENDING\n12_1|COMPLETED", False),
        ("12_0|CANCELLED by 0", True),
        ("12_0|NODE_FAIL\n12_1|RUNNING", True),
        ("", True),
    ],
)
def test_accounts_decide_where_there_are_some(
    said: str, over: bool, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of sacct as it documents them, beside the real programs: accounts need a database server."""
    program = tmp_path / "bin" / "sacct"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("SLURM_CONF", str(slurm.config))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    cluster = SlurmCluster(ms.Join("slurm", str(tmp_path), "x" * 16, 1, SETTINGS))
    assert asyncio.run(cluster._accounts_say_over("0-12")) is over


def test_a_slot_that_no_node_can_have_is_refused_at_the_start(make: Callable[..., ClusterPool]) -> None:
    async def refusal(resources: dict[str, float]) -> str:
        launcher = make(Heard(), [{}, resources])
        with pytest.raises(QmkError, match="Slurm takes no job of slot 1: ") as refused:
            await launcher.open()
        await launcher.close()
        return refused.value.message

    assert "node configuration is not available" in asyncio.run(refusal({"cpu": 4096.0}))
    assert "--qpu=ibm_torino" in asyncio.run(refusal({"qpu:ibm_torino": 1.0})), "it has no plugin of QRMI"
