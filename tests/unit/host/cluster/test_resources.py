"""Slots by resource: how they are described, who may run where, and what is said where nobody can."""

from __future__ import annotations

import asyncio
import math
import random
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

import qmk
from qmk.abi.shapes import Policy
from qmk.base.errors import QmkError
from qmk.host.cluster.bridge import Bridge
from qmk.host.cluster.ray_cluster import RayCluster
from qmk.host.cluster.resources import has, missing, read_slots, total, usual
from qmk.host.config import HostConfig
from qmk.host.launcher_kit import LONG, SHORT, Heard, launch_of
from qmk.host.routing import Routing
from qmk.host.spawn import External
from qmk.kernel.effects import Launch
from qmk.qvm.graph import Graph, pack
from qmk.request.build import policy_of
from qmk.request.options import RunOptions
from tests.loopback import Machines

GPU_SLOT, QPU_SLOT = {"gpu": 1.0}, {"qpu:ibm_torino": 1.0, "cpu": 2.0}
NEEDS = {"job_gpu": {"gpu": 1.0}, "job_qpu": {"qpu:ibm_torino": 1.0}}


def test_the_first_slots_are_as_described_and_the_others_as_usual() -> None:
    assert read_slots(["2*gpu=1,memory=16e9", "qpu:ibm_torino=1"], 4) == [
        {"gpu": 1.0, "memory": 16e9},
        {"gpu": 1.0, "memory": 16e9},
        {"qpu:ibm_torino": 1.0},
        {},
    ]
    assert usual(3, 0) == {"cpu": 3, "memory": math.inf}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("gpu", "'' is not a number"),
        ("gpu=many", "'many' is not a number"),
        ("gpu=0", "gpu is above 0"),
        ("gpu=nan", "gpu is above 0"),
        ("cpu=1.5", "cpu is a whole number"),
        ("a b=1", "'a b' is not the name"),
        ("gpu=1,gpu=2", "gpu is given twice"),
        ("5*gpu=1", "describes 5 slots, and there are 4"),
    ],
)
def test_other_descriptions_are_refused(text: str, why: str) -> None:
    with pytest.raises(QmkError, match=why.replace("*", r"\*")) as refused:
        read_slots([text], 4)
    assert refused.value.kind.name == "INVALID_PARAMS"
    assert refused.value.fields["help"]


def test_what_is_missing_is_named() -> None:
    slots = [GPU_SLOT, QPU_SLOT]
    assert missing(slots, {"gpu": 1.0}) == ""
    assert missing(slots, {"gpu": 2.0}) == "no slot has gpu=2 (the most is 1)"
    assert missing(slots, {"tpu": 1.0, "gpu": 1.0}) == "no slot has tpu=1 (the most is 0)"
    assert missing(slots, {"gpu": 1.0, "cpu": 2.0}) == "no slot has gpu=1,cpu=2 together"
    assert missing([], {}) == ""
    assert has(QPU_SLOT, {})
    assert total(slots) == {"gpu": 1.0, "qpu:ibm_torino": 1.0, "cpu": 2.0}


def test_slots_without_a_cluster_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="slots are of a cluster"):
        HostConfig(socket=tmp_path / "s", data_dir=tmp_path, slots=("gpu=1",))
    config = HostConfig(socket=tmp_path / "s", data_dir=tmp_path, cluster="ray", workers=2, threads=3, slots=("gpu=1",))
    assert [slot.get("gpu", 0) for slot in config.resources] == [1, 0]
    assert {slot["cpu"] for slot in config.resources} == {3}


def test_a_request_carries_what_its_job_asks_for() -> None:
    assert policy_of(RunOptions(resources={"gpu": 1})).resources == {"gpu": 1}
    assert Policy().resources == {}
    with pytest.raises(QmkError, match="must be a number") as refused:
        RunOptions(resources={"gpu": "one"})  # type: ignore[dict-item]
    assert refused.value.fields["field"] == "resources['gpu']"


def test_a_job_that_no_slot_can_run_is_refused_and_says_what_is_missing() -> None:
    routing = Routing(1 << 30, 2, {})
    routing.slots = [usual(2, 1 << 30)]
    graph = launch_of("job_a", 1, SHORT)
    with pytest.raises(QmkError, match=r"the job cannot run here: no slot has gpu=1 \(the most is 0\)") as refused:
        routing.choose(SHORT, graph.digest, 10, None, resources={"gpu": 1})
    assert refused.value.kind.name == "UNSUPPORTED"
    assert "--slot gpu=1" in str(refused.value.fields["help"])
    assert routing.choose(SHORT, graph.digest, 10, None, resources={"cpu": 2}).engine
    routing.slots = [usual(2, 1 << 30) | GPU_SLOT]
    assert routing.choose(SHORT, graph.digest, 10, None, resources={"gpu": 1}).engine


def test_the_memory_of_slots_counts_and_not_that_of_the_daemon(tmp_path: Path) -> None:
    places = {"socket": tmp_path / "s", "data_dir": tmp_path, "memory_bytes": 8 << 30, "workers": 3}
    config = HostConfig(**places, cluster="ray", slots=("memory=64e9",))
    assert (config.job_memory_bytes, config.together_bytes) == (64 * 10**9, 64 * 10**9 + 2 * (8 << 30))
    assert (config.kernel(b"").memory_bytes, config.kernel(b"").together_bytes) == (64 * 10**9, 64 * 10**9 + (16 << 30))
    here = HostConfig(**places)
    assert here.job_memory_bytes == here.together_bytes == here.memory_bytes
    assert HostConfig(**{**places, "memory_bytes": 0}, cluster="ray").kernel(b"").memory_bytes == 0
    routing = Routing(config.job_memory_bytes, 3, {})
    routing.slots = config.resources
    found = routing.choose(dense(32), "d32", 10, "native:dense")
    assert 8 << 32 <= found.memory_bytes <= 64 * 10**9
    with pytest.raises(QmkError, match=r"no slot has memory=137438953472"):
        routing.choose(dense(32), "d32", 10, "native:dense", resources={"memory": 128 << 30})


def test_a_state_for_which_no_slot_has_the_memory_is_refused_with_what_it_takes() -> None:
    routing = Routing(64 * 10**9, 2, {})
    routing.slots = [usual(1, 8 << 30) | {"memory": 64e9}, usual(1, 8 << 30)]
    with pytest.raises(QmkError, match=r"its 34 qubits need 128.0 GiB, 59.6 GiB are available") as refused:
        routing.choose(dense(34), "d34", 10, "native:dense")
    fields = refused.value.fields
    needed = fields["needed_bytes"]
    assert (refused.value.kind.name, fields["qubits"]) == ("RESOURCE_EXHAUSTED", 34)
    assert fields["available_bytes"] == 64 * 10**9
    assert 8 << 34 <= needed <= 17 << 34
    assert fields["nearest"] == "native:dense"
    assert f"--slot memory={needed}" in fields["help"]
    assert (
        "3 such as the largest have as much; into 64000000000 bytes fits a dense state of 2 qubits less"
        in (fields["help"])
    )
    with pytest.raises(QmkError) as wide:
        routing.choose(dense(200), "d200", 10, "native:dense")
    assert "no machine has as much" in str(wide.value.fields["help"])


def dense(qubits: int) -> Graph:
    """A program whose state no engine holds in less than all amplitudes."""
    rng = random.Random(qubits)
    circuit = qmk.Circuit(qubits)
    for _ in range(24):
        for qubit in range(qubits):
            circuit.u(rng.random(), rng.random(), rng.random(), qubit)
        order = rng.sample(range(qubits), qubits)
        for first, second in zip(order[::2], order[1::2], strict=False):
            circuit.cx(first, second)
    return circuit.measure_all().to_graph()


DECLARED = """
from msgspec.structs import replace
from qmk.engines.reference import DECLARATION as REFERENCE
DECLARATION = replace(REFERENCE, name="remote", resources={"qpu:ibm_torino": 1})
"""


def test_an_engine_runs_only_where_a_slot_has_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "needy_engine.py").write_text(DECLARED)
    routing = Routing(1 << 30, 2, {"remote": External("needy_engine:DECLARATION", str(tmp_path))})
    digest = launch_of("job_a", 1, SHORT).digest
    routing.slots = [usual(1, 0)]
    with pytest.raises(QmkError, match="engine 'remote' needs a slot that this daemon has not: no slot has qpu:ibm"):
        routing.choose(SHORT, digest, 10, "remote")
    assert all(row["engine"] != "remote" for row in routing.choose(SHORT, digest, 10, None, all_engines=True).reasons)
    routing.slots = [usual(1, 0), usual(1, 0) | QPU_SLOT]
    assert routing.choose(SHORT, digest, 10, "remote").engine == "remote"
    assert routing.needs("remote", {"gpu": 1}) == {"qpu:ibm_torino": 1, "gpu": 1}


def run(
    test: Callable[[Machines, Heard], Coroutine[Any, Any, None]], resources: list[dict[str, float]], idle_s: float = 0.0
) -> None:
    async def whole() -> None:
        machines = Machines(len(resources), resources=resources, idle_s=idle_s)
        try:
            await test(machines, Heard())
        finally:
            for _, runner in machines.runners.values():
                await runner.close()

    asyncio.run(whole())


def needs(launch: Launch) -> dict[str, float]:
    return NEEDS.get(launch.job, {})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60.0):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_launch_goes_only_to_a_slot_that_has_what_it_needs() -> None:
    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears, needs=needs)
        await until(lambda: launcher.workers == 3)
        gpu, waits, qpu = (launch_of(*key, LONG) for key in (("job_gpu", 1), ("job_gpu", 2), ("job_qpu", 3)))
        plain = launch_of("job_plain", 4, LONG)
        for launch in (gpu, waits, qpu, plain):
            launcher.launch(launch, pack(LONG))
        where = {number: [key[1] for key in slot.tasks] for number, slot in launcher.slots.items()}
        assert where == {0: [4], 1: [1], 2: [3]}, "the second launch waits for the slot of the first, and alone"
        assert launcher.capacity().waiting == 1
        launcher.cancel("job_gpu", 1)
        assert [key[1] for key in launcher.slots[1].tasks] == [2]
        await launcher.close()

    run(test, [{}, GPU_SLOT, QPU_SLOT])


def test_a_launch_goes_to_a_slot_with_the_memory_and_leaves_others_to_those_who_need_less() -> None:
    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears)
        await until(lambda: launcher.workers == 3)
        large, waits, small, larger = (
            replace(launch_of("job_m", fence, LONG), memory_bytes=megabytes * 10**6)
            for fence, megabytes in ((1, 40), (2, 20), (3, 1), (4, 90))
        )
        for launch in (small, large, waits, larger):
            launcher.launch(launch, pack(LONG))
        where = {number: [key[1] for key in slot.tasks] for number, slot in launcher.slots.items()}
        assert where == {0: [1], 1: [3], 2: [2]}, "what needs little left the large slots to the others"
        launcher.cancel("job_m", 1)
        assert [key[1] for key in launcher.slots[0].tasks] == [4], "the largest there is, where none has as much"
        await launcher.close()

    run(test, [{"memory": 64e6}, {"memory": 8e6}, {"memory": 32e6}])


def test_other_slots_are_left_for_those_who_need_them_while_a_plain_one_is_free() -> None:
    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears, needs=needs)
        await until(lambda: launcher.workers == 2)
        for fence in (1, 2):
            launcher.launch(launch_of("job_plain", fence, LONG), pack(LONG))
        assert {number: [key[1] for key in slot.tasks] for number, slot in launcher.slots.items()} == {0: [2], 1: [1]}
        await launcher.close()

    run(test, [GPU_SLOT, {}])


def test_a_launch_that_the_slots_of_this_start_cannot_run_is_refused() -> None:
    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears, needs=needs)
        with pytest.raises(QmkError, match="cannot run on this cluster any more: no slot has gpu=1"):
            launcher.launch(launch_of("job_gpu", 1, SHORT), pack(SHORT))
        await launcher.close()

    run(test, [{}])


def test_slots_are_made_as_launches_need_them_and_given_up_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.host.cluster.launcher.LOOK_EVERY_S", 0.02)

    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears, needs=needs)
        await launcher.open()
        assert machines.runners == {}
        first, second = launch_of("job_plain", 1, SHORT), launch_of("job_gpu", 2, SHORT)
        launcher.launch(first, pack(SHORT))
        await until(lambda: ears.has_ended(first))
        assert machines.generation == 1, "one slot for one launch"
        await until(lambda: not machines.runners)
        assert (launcher.workers, launcher.counters.get("worker_deaths_total", ("ray",))) == (0, 0)
        assert launcher.describe()["cluster"]["slots"] == 0
        launcher.launch(second, pack(SHORT))
        await until(lambda: ears.has_ended(second))
        assert machines.generation == 2
        await launcher.close()

    run(test, [{}, {}, GPU_SLOT], idle_s=0.1)


def test_slots_that_are_busy_or_waited_for_are_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.host.cluster.launcher.LOOK_EVERY_S", 0.01)

    async def test(machines: Machines, ears: Heard) -> None:
        launcher = machines.launcher(ears, needs=needs)
        await launcher.open()
        launches = [launch_of("job_plain", fence, LONG) for fence in (1, 2, 3)]
        for launch in launches:
            launcher.launch(launch, pack(LONG))
        await until(lambda: all(ears.has_ended(launch) for launch in launches))
        assert machines.generation == 2, "two slots, of which neither was made anew"
        await launcher.close()

    run(test, [{}, {}], idle_s=0.03)


def test_the_autoscaler_is_told_what_the_wanted_slots_take(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[dict[str, float]]] = []

    def request_resources(bundles: list[dict[str, float]]) -> None:
        told.append(bundles)
        if len(told) == 1:
            raise RuntimeError("this cluster has no autoscaler")

    monkeypatch.setitem(sys.modules, "ray.autoscaler.sdk", SimpleNamespace(request_resources=request_resources))

    async def test() -> None:
        join = Machines(3, resources=[{}, {"gpu": 1.0, "memory": 1e9}, QPU_SLOT], idle_s=1.0).join
        errors = SimpleNamespace(RayError=RuntimeError, ActorUnavailableError=RuntimeError)
        ray = SimpleNamespace(remote=lambda slot: slot, exceptions=errors)
        bridge = Bridge(RayCluster(ray, join, "here"), join, cast("Any", None))
        hints = asyncio.create_task(bridge._hint())
        bridge.want([1])
        await until(lambda: len(told) == 1)
        bridge.want([0, 2])
        await until(lambda: len(told) == 2)
        hints.cancel()

    asyncio.run(test())
    assert told == [[{"CPU": 1, "GPU": 1, "memory": 1e9}], [{"CPU": 1}, {"CPU": 2, "qpu:ibm_torino": 1}]]


def test_a_slot_is_made_with_what_is_said_of_it() -> None:
    machines = Machines(2, resources=[QPU_SLOT])
    first, other = (machines.join.settings_of(number) for number in range(2))
    assert (first.threads, first.resources) == (2, {"qpu:ibm_torino": 1.0})
    assert other == machines.join.settings
