"""The pool's decisions, with processes that only write down what they are told."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from qmk.base.isolation import Level
from qmk.host import pool as pool_module
from qmk.host.isolation.policy import Isolation
from qmk.host.launcher import Loss
from qmk.host.machine import OutOfMemoryKills
from qmk.host.pool import Pool
from qmk.host.spawn import Shortage
from qmk.host.tasks import Bounds
from qmk.kernel.effects import Interrupt, Launch
from qmk.kernel.objects.alternative import Alternative
from qmk.worker.messages import Ask, Done, Failed, NotDone, Partial, Ready, Run, RunProgress, StateSaved


class FakeProcess:
    """Stands for ``ChildProcess``: notes what is sent, says what it is told to say."""

    made: list[FakeProcess]

    def __init__(self, engine: str, kind: Any, on_message: Callable[[Any], None], on_end: Callable[[int], None]):
        self.engine = engine
        self.say = on_message
        self.on_end = on_end
        self.sent: list[Run] = []
        self.killed = False
        self.pid = 1000 + len(FakeProcess.made)
        self.last_words = "last words"
        self.waited_s = 0.0
        self.fault = ""
        self.unread = False
        FakeProcess.made.append(self)

    def send(self, message: Run) -> None:
        self.sent.append(message)

    def kill(self, ask: bool = False) -> None:
        self.killed = True
        asyncio.get_running_loop().call_soon(self.on_end, -9)

    def ready(self) -> None:
        self.say(Ready(self.engine, "1.0", self.pid))

    def finish(self) -> None:
        """Answer the run at hand."""
        self.say(Done(self.sent[-1].fence, {}, [], [], [], b"", 0, 0.0, 0.0, 0.0, 0, {}))


class Ears:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def on_started(self, job: str, fence: int) -> None:
        self.heard.append(("started", job))

    def on_progressed(
        self, job: str, fence: int, shots_done: int, epoch: int = 0, partial: Partial | None = None
    ) -> None:
        self.heard.append(("progressed", job, shots_done, epoch))

    def on_saved(self, job: str, fence: int, saved: StateSaved) -> None:
        self.heard.append(("saved", job, saved.ref, saved.stopped))

    def on_not_done(self, job: str, fence: int, refusal: NotDone) -> None:
        self.heard.append(("not_done", job, refusal.ref))

    def on_done(self, job: str, fence: int, done: Done, version: str, hedge: Alternative | None = None) -> None:
        self.heard.append(("done", job) if hedge is None else ("done", job, hedge.engine))

    def on_calls_refused(self, launch: Launch, calls: dict[str, int]) -> None:
        self.heard.append(("refused", launch.job, calls))

    def on_failed(self, job: str, fence: int, failed: Failed, loss: Loss | None) -> None:
        self.heard.append(("failed", job, failed.kind, loss is not None))


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeProcess.made = []
    monkeypatch.setattr(pool_module, "ChildProcess", FakeProcess)
    monkeypatch.setattr(pool_module.spawn, "worker", lambda engine, threads, external, nice: engine)


def launch(job: str, engine: str = "e", digest: str = "d", memory_bytes: int = 0, fence: int = 1) -> Launch:
    return Launch(job, fence, engine, "", digest, 10, 1, True, memory_bytes)


def run(
    scenario: Callable[[Pool, Ears], Coroutine[Any, Any, None]],
    slots: int = 2,
    processes: int = 3,
    memory_bytes: int = 0,
    idle_s: float = 1e6,
    floor: Level | None = "process",
) -> None:
    async def main() -> None:
        ears = Ears()
        pool = Pool(Bounds(slots, processes, 1, memory_bytes, idle_s), ears, isolation=Isolation(floor))
        await scenario(pool, ears)
        await pool.close()
        assert pool.pids == []

    asyncio.run(main())


def test_a_program_goes_over_once_and_by_name_afterwards():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"graph")
        (worker,) = FakeProcess.made
        assert worker.sent == []
        worker.ready()
        assert worker.sent[0].graph == b"graph"
        worker.finish()
        pool.launch(launch("b"), b"graph")
        assert worker.sent[1].graph is None
        worker.say(Failed(1, "INTERNAL_ERROR", "", missing_graph=True))
        assert worker.sent[2].graph == b"graph"
        worker.finish()
        assert [what for what, *_ in ears.heard] == ["started", "done", "started", "done"]

    run(scenario)


def test_a_worker_is_at_work_before_the_listener_hears_so():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"graph")
        (worker,) = FakeProcess.made
        sent: list[int] = []
        ears.on_started = lambda job, fence: sent.append(len(worker.sent))  # type: ignore[method-assign]
        worker.ready()
        assert sent == [1]

    run(scenario)


def test_progress_is_passed_on_with_the_epoch():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"graph")
        (worker,) = FakeProcess.made
        worker.ready()
        worker.say(RunProgress(1, 0, 3))
        assert ears.heard[-1] == ("progressed", "a", 0, 3)
        worker.finish()

    run(scenario)


def test_of_idle_workers_the_one_that_holds_the_program_is_taken():
    async def scenario(pool: Pool, ears: Ears) -> None:
        for digest in ("d1", "d2"):
            pool.launch(launch(digest, digest=digest), b"")
        first, second = FakeProcess.made
        for worker in (first, second):
            worker.ready()
            worker.finish()
        pool.launch(launch("again", digest="d2"), b"")
        assert (len(first.sent), len(second.sent)) == (1, 2)

    run(scenario)


def test_slots_bound_what_runs_and_order_is_kept():
    async def scenario(pool: Pool, ears: Ears) -> None:
        for job in "abcd":
            pool.launch(launch(job), b"")
        assert len(FakeProcess.made) == 2
        for worker in FakeProcess.made:
            worker.ready()
        FakeProcess.made[1].finish()
        FakeProcess.made[1].finish()
        FakeProcess.made[0].finish()
        assert [job for what, job, *_ in ears.heard if what == "started"] == ["a", "b", "c", "d"]

    run(scenario)


def test_memory_holds_back_what_does_not_fit_and_one_alone_may_try():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a", memory_bytes=60), b"")
        pool.launch(launch("b", memory_bytes=60), b"")
        pool.launch(launch("c", memory_bytes=500), b"")
        (worker,) = FakeProcess.made
        worker.ready()
        for job in "abc":
            assert ears.heard[-1] == ("started", job)
            worker.finish()

    run(scenario, memory_bytes=100)


def test_the_worker_unused_for_longest_makes_room():
    async def scenario(pool: Pool, ears: Ears) -> None:
        for engine in ("e1", "e2", "e3"):
            pool.launch(launch(engine, engine), b"")
            FakeProcess.made[-1].ready()
            FakeProcess.made[-1].finish()
            await asyncio.sleep(0.001)
        pool.launch(launch("again", "e1"), b"")
        FakeProcess.made[0].finish()
        pool.launch(launch("other", "e4"), b"")
        assert [worker.engine for worker in FakeProcess.made if worker.killed] == ["e2"]

    run(scenario, slots=2, processes=3)


def test_killing_ends_the_process_says_nothing_and_warms_another():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"")
        pool.launch(launch("b"), b"")
        pool.launch(launch("queued"), b"")
        first, second = FakeProcess.made
        first.ready()
        pool.cancel("queued", 1)
        pool.cancel("a", 7)
        assert not first.killed
        pool.cancel("a", 1)
        assert first.killed
        assert not second.killed
        await asyncio.sleep(0)
        pool.cancel("b", 1)
        assert second.killed
        await asyncio.sleep(0)
        assert ears.heard == [("started", "a")]
        assert len(pool.pids) == 1

    run(scenario)


def test_a_worker_that_ends_by_itself_has_died_one_that_complained_has_not():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"")
        FakeProcess.made[0].ready()
        FakeProcess.made[0].on_end(-11)
        pool.launch(launch("b"), b"")
        FakeProcess.made[1].say(Failed(0, "UNSUPPORTED", "no library"))
        FakeProcess.made[1].on_end(1)
        assert ears.heard == [
            ("started", "a"),
            ("failed", "a", "JOB_FAILED", True),
            ("failed", "b", "JOB_FAILED", False),
        ]

    run(scenario)


def test_idle_workers_are_ended_after_a_while():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.prestart("e1")
        pool.prestart("e1")
        (worker,) = FakeProcess.made
        while not worker.killed:
            await asyncio.sleep(0.005)

    run(scenario, idle_s=0.02)


def test_answers_to_other_launches_are_passed_over():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a", fence=3), b"")
        (worker,) = FakeProcess.made
        worker.ready()
        worker.say(Failed(2, "JOB_FAILED", "old"))
        assert ears.heard == [("started", "a")]
        worker.finish()
        assert ears.heard[-1] == ("done", "a")

    run(scenario)


def interrupt(job: str, kind: str = "save", ref: str = "chk", fence: int = 1) -> Interrupt:
    return Interrupt(job, fence, kind, ref)


def test_an_interrupt_reaches_its_launch_wherever_that_is():
    async def scenario(pool: Pool, ears: Ears) -> None:
        for job in ("running", "starting", "queued"):
            pool.launch(launch(job), b"")
        first, second = FakeProcess.made
        first.ready()
        for job in ("running", "starting", "queued"):
            pool.interrupt(interrupt(job, ref=job))
        assert [type(message) for message in first.sent] == [Run, Ask]
        assert second.sent == []
        second.ready()
        assert [type(message) for message in second.sent] == [Run, Ask]
        first.say(StateSaved(1, "running", 1, 0, b"state"))
        first.say(Done(1, {}, [], [], [], b"", 0, 0.0, 0.0, 0.0, 0, {}))
        assert [message.ref for message in first.sent if isinstance(message, Ask)] == ["running", "queued"]
        pool.interrupt(interrupt("nobody"))
        assert ("saved", "running", "running", False) in ears.heard

    run(scenario)


def test_a_run_that_is_sent_again_is_asked_again():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"graph", b"state")
        (worker,) = FakeProcess.made
        worker.ready()
        assert (worker.sent[0].start, worker.sent[0].save_fences) == (b"state", False)
        pool.interrupt(interrupt("a", ref="one"))
        pool.interrupt(interrupt("a", ref="two"))
        worker.say(NotDone(1, "one", "no"))
        worker.say(Failed(1, "INTERNAL_ERROR", "", missing_graph=True))
        assert [type(message) for message in worker.sent] == [Run, Ask, Ask, Run, Ask]
        assert worker.sent[-2].start == b"state"
        assert worker.sent[-1].ref == "two"  # pyright: ignore[reportAttributeAccessIssue]
        assert ears.heard == [("started", "a"), ("not_done", "a", "one")]

    run(scenario)


def test_a_launch_that_yielded_goes_on_in_another_process():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"")
        (first,) = FakeProcess.made
        first.ready()
        pool.interrupt(interrupt("a", "yield"))
        first.say(StateSaved(1, "chk", 1, 0, b"state", stopped=True))
        assert ears.heard[-1] == ("saved", "a", "chk", True)
        assert pool.capacity().running == 0
        pool.launch(launch("b"), b"")
        assert len(FakeProcess.made) == 1, "the worker is idle and takes the next launch"
        first.finish()
        pool.launch(replace(launch("a", fence=2), elsewhere=True), b"", b"state")
        _, second = FakeProcess.made
        second.ready()
        assert second.sent[0].start == b"state"
        assert len(first.sent) == 3, "run, ask, and the run of another job"

    run(scenario, processes=2)


HEDGE = Alternative(engine="second", method="m", seconds=1.0, memory_bytes=5)


def hedged(job: str) -> Launch:
    return replace(launch(job, memory_bytes=5), hedge=HEDGE)


def both() -> tuple[FakeProcess, FakeProcess]:
    """The workers of a hedged launch, ready."""
    first, second = FakeProcess.made[:2]
    assert (first.engine, second.engine) == ("e", "second")
    first.ready()
    second.ready()
    return first, second


@pytest.mark.parametrize("winner", [0, 1])
def test_of_two_engines_the_first_result_counts_and_ends_the_other(winner: int):
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        workers = both()
        assert (workers[1].sent[0].method, workers[1].sent[0].start) == ("m", None)
        workers[winner].finish()
        await asyncio.sleep(0)
        assert workers[1 - winner].killed
        assert ears.heard == [("started", "a"), ("done", "a", "second") if winner else ("done", "a")]
        assert pool.capacity().running == 0

    run(scenario)


def test_a_second_engine_gives_way_to_a_launch_that_waits():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        first, second = both()
        pool.launch(launch("b"), b"graph")
        assert second.killed
        assert not first.killed
        assert pool.capacity().running == 2
        first.finish()
        assert ears.heard == [("started", "a"), ("done", "a")]

    run(scenario, processes=4)


def test_none_is_started_without_room():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        assert len(FakeProcess.made) == 1

    run(scenario, slots=1)
    FakeProcess.made = []
    run(scenario, memory_bytes=9)


@pytest.mark.parametrize("how", ["fails", "dies"])
def test_when_one_of_two_gives_none_the_other_goes_on(how: str):
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        first, second = both()
        if how == "fails":
            first.say(Failed(first.sent[0].fence, "RESOURCE_EXHAUSTED", "too large"))
        else:
            first.on_end(-9)
        assert ears.heard == [("started", "a")]
        pool.launch(launch("b"), b"graph")
        assert not second.killed, "it is all that is left of the launch"
        second.say(RunProgress(second.sent[0].fence, 3))
        second.finish()
        told = [what for what in ears.heard[1:] if what[1] == "a"]
        assert told == [("progressed", "a", 3, 0), ("done", "a", "second")]

    run(scenario, processes=4)


def test_when_both_give_none_the_first_ones_failure_is_told():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        first, second = both()
        first.say(Failed(first.sent[0].fence, "RESOURCE_EXHAUSTED", "too large"))
        second.say(Failed(second.sent[0].fence, "JOB_FAILED", "no"))
        assert ears.heard == [("started", "a"), ("failed", "a", "RESOURCE_EXHAUSTED", False)]
        pool.launch(hedged("c"), b"graph")
        second.say(Failed(second.sent[-1].fence, "JOB_FAILED", "no"))
        first.finish()
        assert ears.heard[2:] == [("started", "c"), ("done", "c")]

    run(scenario)


def test_cancelling_ends_both():
    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(hedged("a"), b"graph")
        first, second = both()
        pool.cancel("a", 1)
        assert first.killed
        assert second.killed
        assert ears.heard == [("started", "a")]

    run(scenario)


def test_a_program_is_held_for_its_own_tenant_only():
    async def scenario(pool: Pool, ears: Ears) -> None:
        for tenant in ("a", "b"):
            pool.launch(replace(launch(tenant), tenant=tenant), b"graph")
            if tenant == "a":
                FakeProcess.made[0].ready()
            FakeProcess.made[0].finish()
        assert [(sent.scope, sent.graph) for sent in FakeProcess.made[0].sent] == [("a", b"graph"), ("b", b"graph")]

    run(scenario)


@pytest.mark.parametrize(("floor", "shared"), [("process", True), (None, False)])
def test_tenants_share_a_plain_process_only_where_the_operator_chose_that_level(floor: Level | None, shared: bool):
    async def scenario(pool: Pool, ears: Ears) -> None:
        for tenant in ("a", "b"):
            pool.launch(replace(launch(tenant), tenant=tenant), b"graph")
            if not FakeProcess.made[-1].sent:
                FakeProcess.made[-1].ready()
            FakeProcess.made[-1].finish()
        pool.launch(replace(launch("again"), tenant="a"), b"graph")
        assert [len(process.sent) for process in FakeProcess.made] == ([3] if shared else [2, 1])

    run(scenario, floor=floor)


def test_a_launch_waits_while_no_worker_can_be_started_and_an_idle_one_gives_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = 2

    def start(engine: str, threads: int, external: Any, nice: int) -> str:
        nonlocal short
        if engine == "new" and short:
            short -= 1
            raise Shortage(OSError(errno.EMFILE, "Too many open files"))
        return engine

    async def scenario(pool: Pool, ears: Ears) -> None:
        pool.launch(launch("a"), b"")
        (idle,) = FakeProcess.made
        idle.ready()
        idle.finish()
        pool.launch(launch("b", engine="new"), b"")
        assert idle.killed
        assert pool.capacity().waiting == 1
        while len(FakeProcess.made) == 1:
            await asyncio.sleep(0)
        FakeProcess.made[1].ready()
        FakeProcess.made[1].finish()
        assert ears.heard == [("started", "a"), ("done", "a"), ("started", "b"), ("done", "b")]

    monkeypatch.setattr(pool_module.spawn, "worker", start)
    monkeypatch.setattr(pool_module, "SHORTAGE_S", 0.0)
    run(scenario)


class Counter(OutOfMemoryKills):
    """Its count of out-of-memory kills is what the test says."""

    kills = 0

    def count(self) -> int:
        return Counter.kills


def test_a_loss_is_told_with_its_reason_and_the_workers_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "OutOfMemoryKills", Counter)
    monkeypatch.setattr(Counter, "kills", 0)

    async def scenario(pool: Pool, ears: Ears) -> None:
        losses: list[tuple[str, Loss | None]] = []
        ears.on_failed = lambda job, fence, failed, loss: losses.append((failed.kind, loss))
        for job in ("killed", "memory"):
            pool.launch(launch(job, memory_bytes=1 << 30), b"")
            Counter.kills += job == "memory"
            FakeProcess.made[-1].ready()
            FakeProcess.made[-1].on_end(-9)
        FakeProcess.made.clear()
        pool.launch(hedged("both crash"), b"")
        first, second = both()
        second.on_end(-11)
        first.on_end(-6)
        FakeProcess.made.clear()
        pool.launch(hedged("one crashes"), b"")
        first, second = both()
        first.on_end(-15)
        second.on_end(-11)
        assert losses == [
            ("JOB_FAILED", Loss("killed")),
            ("RESOURCE_EXHAUSTED", Loss("memory")),
            ("JOB_FAILED", Loss("crashed", 2)),
            ("JOB_FAILED", Loss("crashed")),
        ]

    run(scenario, memory_bytes=4 << 30)


@pytest.mark.parametrize(("asks", "workers"), [("microvm", 2), ("process", 1)])
def test_a_job_that_asks_for_a_machine_has_one_of_its_own(
    monkeypatch: pytest.MonkeyPatch, asks: Level, workers: int
) -> None:
    monkeypatch.setattr(pool_module.Starter, "level_for", lambda self, engine, asked="process": "microvm")
    monkeypatch.setattr(pool_module.Starter, "start", lambda self, engine, level, ask: ask.on_child(engine))

    async def scenario(pool: Pool, ears: Ears) -> None:
        for job in ("first", "second"):
            pool.launch(replace(launch(job), tenant="t", isolation=asks), b"graph")
            worker = FakeProcess.made[-1]
            if not worker.sent:
                worker.ready()
            worker.finish()
            assert worker.killed == (asks == "microvm")
        assert len(FakeProcess.made) == workers
        assert [what for what, *_ in ears.heard] == ["started", "done"] * 2

    run(scenario, floor=None)
