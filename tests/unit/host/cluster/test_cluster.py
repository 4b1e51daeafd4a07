"""The launcher of a cluster when bridges, orders, slots and daemons are lost. Its slots are in this process, with real
workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec import structs

import qmk
from qmk.base.errors import QmkError
from qmk.base.isolation import below_floor
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import read_cluster
from qmk.host.cluster.launcher import ClusterPool
from qmk.host.cluster.runner import Graphs, Outbox
from qmk.host.isolation.policy import Isolation
from qmk.host.launcher import Launcher, Listener, Loss
from qmk.host.launcher_kit import LONG, SHORT, Heard, launch_of
from qmk.host.pool import Pool
from qmk.host.tasks import Bounds
from qmk.kernel.effects import Launch
from qmk.qvm.graph import pack
from qmk.worker.messages import Done, Failed, Partial, RunProgress, StateSaved
from tests.conftest import alive
from tests.loopback import Machines

PATIENCE_S = 60.0


class Ears(Heard):
    """Also keeps why launches were lost."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[Loss | None] = []

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        super().on_failed(job, fence, failed, loss)
        self.losses.append(loss)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


def run(test: Callable[[Machines], Coroutine[Any, Any, None]], slots: int = 1) -> None:
    async def whole() -> None:
        machines = Machines(slots)
        try:
            await test(machines)
        finally:
            for _, runner in machines.runners.values():
                await runner.close()
            for bridge in list(machines.bridges):
                bridge.kill()

    asyncio.run(whole())


def bits(heard: Heard, launch: Launch) -> dict[str, int]:
    end = heard.of(launch)[-1]
    assert isinstance(end, Done), end
    return end.counts


def test_a_launch_goes_on_while_the_bridge_is_away() -> None:
    async def test(machines: Machines) -> None:
        ears, launch = Ears(), launch_of("job_a", 1, LONG)
        launcher = machines.launcher(ears)
        launcher.launch(launch, pack(LONG))
        await until(lambda: "started" in ears.of(launch))
        machines.bridges[0].kill()
        await until(lambda: ears.has_ended(launch))
        assert [type(said) for said in ears.of(launch)] == [str, Done]
        assert ears.of(launch)[-1].notes["cluster"] == "ray"
        assert ears.of(launch)[-1].notes["node"] == "node-0"
        await launcher.close()

    run(test)


def test_a_bridge_that_is_killed_before_it_has_joined_is_started_again() -> None:
    async def test(machines: Machines) -> None:
        ears, launch = Ears(), launch_of("job_a", 1, SHORT)
        launcher = machines.launcher(ears)
        machines.bridges[0].kill()
        await launcher.open()
        launcher.launch(launch, pack(SHORT))
        await until(lambda: ears.has_ended(launch))
        assert [type(said) for said in ears.of(launch)] == [str, Done]
        await launcher.close()

    run(test)


def test_a_bridge_that_never_joins_ends_the_start_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.host.cluster.launcher.RETRY_S", 0.001)
    opened: list[int] = []

    class Broken:
        pid = 0

        def __init__(self, on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]) -> None:
            opened.append(1)
            asyncio.get_running_loop().call_soon(on_end, "no module of that name")

        def send(self, message: Any) -> None: ...
        def kill(self) -> None: ...

    async def test() -> None:
        launcher = ClusterPool("ray", Machines().join, 0, Ears(), Broken)
        with pytest.raises(QmkError, match="5 times before it had joined: no module of that name"):
            await launcher.open()
        assert len(opened) == 5
        await launcher.close()

    asyncio.run(test())


def test_a_script_runs_beside_the_daemon_and_not_in_a_slot() -> None:
    async def test(machines: Machines) -> None:
        ears, other = Ears(), launch_of("job_a", 1, SHORT)
        script = structs.replace(launch_of("job_b", 1, LONG), script=True)
        here = Pool(Bounds(1, 1, 1, 1 << 30, 60.0), ears)
        launcher = machines.launcher(ears, here)
        await launcher.open()
        launcher.launch(script, pack(LONG))
        launcher.launch(other, pack(SHORT))
        await until(lambda: "started" in ears.of(script) and ears.has_ended(other))
        assert launcher.reconcile({"job_b": 1}) == [("job_b", 1)]
        assert set(here.pids) < set(launcher.pids)
        launcher.cancel("job_b", 1)
        await until(lambda: not here.capacity().running)
        launcher.launch(structs.replace(script, fence=2), pack(SHORT))
        await until(lambda: ears.has_ended(structs.replace(script, fence=2)))
        assert "cluster" not in ears.of(structs.replace(script, fence=2))[-1].notes
        await launcher.close()

    run(test)


def test_an_order_that_was_lost_is_given_again_under_the_same_number() -> None:
    async def test(machines: Machines) -> None:
        ears, launch = Ears(), launch_of("job_a", 1, SHORT)
        launcher = machines.launcher(ears)
        await launcher.open()
        machines.bridges[0].lost = lambda order: isinstance(order, ms.Begin)
        await until(lambda: launcher.workers == 1)
        launcher.launch(launch, pack(SHORT))
        await asyncio.sleep(0)
        assert ears.said == {}
        machines.bridges[0].kill()
        await until(lambda: ears.has_ended(launch))
        assert [type(said) for said in ears.of(launch)] == [str, Done]
        await launcher.close()

    run(test)


def test_what_goes_down_with_its_slot_is_lost_from_outside() -> None:
    async def test(machines: Machines) -> None:
        ears, first, second = Ears(), launch_of("job_a", 1, LONG), launch_of("job_a", 2, LONG)
        launcher = machines.launcher(ears)
        launcher.launch(first, pack(LONG))
        await until(lambda: "started" in ears.of(first))
        await machines.lose(0)
        assert ears.losses == [Loss("killed")], "the program is not to blame"
        launcher.launch(second, pack(LONG))
        await until(lambda: ears.has_ended(second))
        assert sum(bits(ears, second).values()) == second.shots
        await launcher.close()

    run(test)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_next_daemon_takes_over_what_runs(wanted: bool) -> None:
    async def test(machines: Machines) -> None:
        before, launch = Ears(), launch_of("job_a", 1, LONG)
        machines.launcher(before).launch(launch, pack(LONG))
        await until(lambda: "started" in before.of(launch))
        bridge = machines.bridges[0]
        bridge._on_end = lambda words: None  # the daemon is gone too
        bridge.kill()

        ears = Ears()
        launcher = machines.launcher(ears)
        await launcher.open()
        assert launcher.reconcile({"job_a": 0} if wanted else {}) == ([launch_key(launch)] if wanted else [])
        if wanted:
            await until(lambda: ears.has_ended(launch))
            assert [type(said) for said in ears.of(launch)] == [str, Done]
        else:
            after = launch_of("job_b", 2, SHORT)
            launcher.launch(after, pack(SHORT))
            await until(lambda: ears.has_ended(after))
            assert ears.of(launch) == []
        await launcher.close()

    run(test)


def launch_key(launch: Launch) -> tuple[str, int]:
    return launch.job, launch.fence


def test_a_result_that_came_while_nobody_listened_is_heard() -> None:
    async def test(machines: Machines) -> None:
        before, launch = Ears(), launch_of("job_a", 1, SHORT)
        first = machines.launcher(before)
        await until(lambda: first.workers == 1)
        bridge = machines.bridges[0]
        bridge._on_end = lambda words: None
        _, runner = machines.runners[0]
        await runner.tell(bridge._token, 1, [ms.pack(ms.Begin(launch, pack(SHORT), None))])
        bridge.kill()
        await until(lambda: any(said.is_end for said in runner._news._waiting))

        ears = Ears()
        launcher = machines.launcher(ears)
        await launcher.open()
        assert launcher.reconcile({"job_a": 0}) == [launch_key(launch)]
        await until(lambda: ears.has_ended(launch))
        assert [type(said) for said in ears.of(launch)] == [str, Done]
        await launcher.close()

    run(test)


def test_orders_of_a_daemon_that_was_followed_by_another_are_not_obeyed() -> None:
    async def test(machines: Machines) -> None:
        machines.make(0)
        _, runner = machines.runners[0]
        await runner.attach("old")
        await runner.attach("new")
        await runner.tell("old", 1, [ms.pack(ms.Begin(launch_of("job_a", 1, SHORT), pack(SHORT), None))])
        assert ms.unpack_census(await runner.attach("newer")).runs == []
        assert await runner.hear("new", 0) == (-1, b"")

    run(test)


def test_a_graph_is_sent_to_a_slot_once_and_again_where_it_was_given_up() -> None:
    async def test(machines: Machines) -> None:
        ears, sent = Ears(), list[bool]()
        launcher = machines.launcher(ears)
        await until(lambda: launcher.workers == 1)

        def note(order: ms.Order) -> bool:
            if isinstance(order, ms.Begin):
                sent.append(order.graph is not None)
            return False

        machines.bridges[0].lost = note
        for fence in (1, 2, 3):
            launch = launch_of(f"job_{fence}", fence, SHORT)
            if fence == 3:
                machines.runners[0][1]._graphs = Graphs()
            launcher.launch(launch, pack(SHORT))
            await until(lambda launch=launch: ears.has_ended(launch))
            assert [type(said) for said in ears.of(launch)] == [str, Done]
        assert sent == [True, False, False, True]
        await launcher.close()

    run(test)


def test_a_launch_below_the_floor_of_its_tenant_is_refused_by_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(machines: Machines) -> None:
        def refuse(self: Any, engine: str, declaration: Any, asked: str = "process") -> str:
            raise QmkError("UNSUPPORTED", f"this machine has no {asked}")

        monkeypatch.setattr("qmk.host.isolation.policy.Isolation.level_for", refuse)
        ears, launch = Ears(), structs.replace(launch_of("job_a", 1, SHORT), isolation="microvm")
        launcher = machines.launcher(ears)
        launcher.launch(launch, pack(SHORT))
        await until(lambda: ears.has_ended(launch))
        (failed,) = ears.of(launch)
        assert (failed.kind, failed.message) == ("UNSUPPORTED", "this machine has no microvm")
        assert ears.losses == [None]
        await launcher.close()

    run(test)


def test_a_slot_that_is_too_weak_for_a_floor_gives_way_to_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    strong: list[Any] = []
    tried: list[Any] = []
    plain = Isolation.level_for

    def level_for(self: Isolation, engine: str, declaration: Any, asked: str = "process") -> str:
        if asked == "process":
            return plain(self, engine, declaration)
        tried.append(self)
        if self in strong:
            return "process"
        raise below_floor("microvm", "this machine has none", "add one")

    async def test(machines: Machines) -> None:
        monkeypatch.setattr(Isolation, "level_for", level_for)
        ears = Ears()
        first, second, plain, third = (launch_of(f"job_{name}", 1, SHORT) for name in "abcd")
        first, second, third = (structs.replace(each, isolation="microvm") for each in (first, second, third))
        launcher = machines.launcher(ears)
        await until(lambda: launcher.workers == 2)
        launcher.launch(first, pack(SHORT))
        await until(lambda: len(tried) == 2)  # one slot after the other said that it is too weak
        await until(lambda: ears.has_ended(first))
        (failed,) = ears.of(first)
        assert (failed.kind, failed.fields["help"]) == ("UNSUPPORTED", "add one")
        assert failed.message == "the job may not run below isolation level 'microvm', and this machine has none"
        launcher.launch(second, pack(SHORT))
        await until(lambda: ears.has_ended(second))
        assert (ears.of(second), len(tried)) == ([structs.replace(failed, fence=second.fence)], 2)
        launcher.launch(plain, pack(SHORT))
        await until(lambda: ears.has_ended(plain))
        assert bits(ears, plain)
        strong.append(tried[1])
        launcher.slots[0].weak.clear()
        launcher.slots[1].weak.clear()
        launcher.launch(third, pack(SHORT))
        await until(lambda: ears.has_ended(third))
        assert bits(ears, third)
        await launcher.close()

    run(test, slots=2)


@pytest.mark.slow
def test_a_cancel_ends_what_is_in_c_code_and_the_slot_goes_on() -> None:
    """A call of the native core would take hours: its process ends. How soon is a figure of ``benchmarks.cluster``."""
    circuit = qmk.Circuit(22)
    for layer in range(4000):
        for qubit in range(22):
            circuit.u(0.1 + layer, 0.2, 0.3, qubit)
        for qubit in range(21):
            circuit.cx(qubit, qubit + 1)
    graph = circuit.measure_all().to_graph()

    async def test(machines: Machines) -> None:
        ears = Ears()
        launcher = machines.launcher(ears)
        hopeless = structs.replace(launch_of("job_c", 1, graph), engine="native", method="dense", memory_bytes=1 << 28)
        launcher.launch(hopeless, pack(graph))
        await until(lambda: "started" in ears.of(hopeless))
        (_, runner) = machines.runners[0]
        assert runner._pool is not None
        before = set(runner._pool.pids)
        launcher.cancel(hopeless.job, hopeless.fence)
        short = launch_of("job_b", 2, SHORT)
        launcher.launch(short, pack(SHORT))
        await until(lambda: ears.has_ended(short))
        await until(lambda: not all(alive(pid) for pid in before))
        assert ears.of(hopeless) == ["started"], "nothing is said after a cancel"
        await launcher.close()

    run(test)


@pytest.mark.slow
def test_bits_do_not_depend_on_the_number_of_slots() -> None:
    def local(listener: Listener) -> Launcher:
        return Pool(Bounds(slots=2, processes=2, threads=1, memory_bytes=0, idle_s=60.0), listener)

    async def results(make: Callable[[Listener], Any]) -> list[tuple[dict[str, int], bytes]]:
        ears = Ears()
        launcher = make(ears)
        launches = [structs.replace(launch_of(f"job_{n}", n + 1, SHORT), seed=n, shots=200) for n in range(8)]
        for launch in launches:
            launcher.launch(launch, pack(SHORT))
        await until(lambda: all(map(ears.has_ended, launches)))
        await launcher.close()
        return [(ears.of(launch)[-1].counts, ears.of(launch)[-1].event_bits) for launch in launches]

    expected = asyncio.run(results(local))
    assert len({str(row) for row in expected}) > 1, "seeds make a difference"
    for slots in (1, 2, 4):
        assert asyncio.run(results(Machines(slots).launcher)) == expected


def test_unheard_news_are_bounded() -> None:
    async def test() -> None:
        news = Outbox()
        partial = Partial(1, {"0": 1})
        for shots in range(100):
            news.put("job_a", 1, RunProgress(1, shots, partial=partial if shots == 50 else None))
            news.put("job_a", 1, StateSaved(1, "", shots, shots, b"state"))
        news.put("job_a", 1, StateSaved(1, "chk_a", 1, 1, b"state"))
        said = await news.wait(0.0)
        assert [type(each.what) for each in said] == [RunProgress, StateSaved, StateSaved]
        assert said[0].what == RunProgress(1, 99, partial=partial)
        assert news.forget(said[-1].number) == []
        assert await news.wait(0.01) == []

    asyncio.run(test())


def test_graphs_are_given_up_when_they_are_too_many() -> None:
    graphs = Graphs(most_bytes=10)
    for name in "abc":
        graphs.put(name, bytes(4))
    assert [graphs.get(name) is not None for name in "abc"] == [False, True, True]
    graphs.put("large", bytes(100))
    assert graphs.get("large") is not None


@pytest.mark.parametrize(
    ("text", "address"),
    [("", None), ("ray", ""), ("10.0.0.7:6379", "10.0.0.7:6379"), ("ray://head.example:10001",) * 2],
)
def test_places_of_clusters(text: str, address: str | None) -> None:
    assert read_cluster(text) == address


@pytest.mark.parametrize("text", ["pbs", "ray://", "host", "host:0", "host:99999", "http://host:1", "a b:1"])
def test_other_places_are_refused(text: str) -> None:
    with pytest.raises(QmkError, match="HOST:PORT"):
        read_cluster(text)


def test_a_cluster_that_cannot_be_joined_is_an_error_of_the_start() -> None:
    class Deaf:
        pid = 0

        def __init__(self, on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]) -> None:
            self._on_message = on_message

        def send(self, message: Any) -> None:
            asyncio.get_running_loop().call_soon(self._on_message, ms.NoCluster("no cluster there", "look"))

        def kill(self) -> None: ...

    async def test() -> None:
        launcher = ClusterPool("ray", Machines().join, 0, Ears(), Deaf)
        with pytest.raises(QmkError, match="no cluster there") as refused:
            await launcher.open()
        assert refused.value.kind.name == "CONNECTION_LOST"
        launcher._looking.cancel()

    asyncio.run(test())
