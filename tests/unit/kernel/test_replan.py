"""Whoever frees a slot or puts a job back has the scheduler asked in the same step; it keeps what it knows of a job."""

from __future__ import annotations

from typing import Any

from qmk.kernel.effects import Interrupt, SetTimer
from qmk.kernel.events import TimerFired, Yielded
from qmk.kernel.state import EPOCH_TIMER


def edges(effects: list[Any]) -> list[float]:
    """When the scheduler asks to be woken, Unix time in seconds."""
    return [e.at_ns / 1e9 for e in effects if isinstance(e, SetTimer) and e.key == EPOCH_TIMER]


def crowded(bench: Any, program: Any) -> tuple[str, list[float]]:
    """A fenced job of one tenant that holds the only worker, and the edge at which it may have to yield to
    another's."""
    runner = bench.submit(bench.open(tenant="a"), graph=program(fences=3), fenced=True, seconds=1000)
    bench.start(runner)
    bench.now_s += 0.25
    other = bench.open(tenant="b")
    return runner, edges(bench.submit_for_effects(other, graph=program())[1])


def test_a_clock_that_is_set_back_does_not_stall_preemption(make_bench: Any, program: Any) -> None:
    """Whatever happens next tells the kernel, even a call that has nothing to do with the queue."""
    bench = make_bench(workers=1)
    runner, asked = crowded(bench, program)
    assert asked == [1000.3]
    bench.now_s -= 500
    assert edges(bench.call("q_query_resources")) == [500.3]
    bench.now_s = 500.3
    (interrupt,) = [e for e in bench.step(TimerFired, key=EPOCH_TIMER) if isinstance(e, Interrupt)]
    assert (interrupt.job, interrupt.why) == (runner, "preempted")


def test_a_timer_of_an_edge_that_comes_too_early_is_set_again(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=1)
    _, asked = crowded(bench, program)
    bench.now_s += 0.02
    assert edges(bench.step(TimerFired, key=EPOCH_TIMER)) == asked


def test_downtime_of_the_daemon_is_charged_to_nobody(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=1)
    session = bench.open(tenant="a")
    job = bench.submit(session, graph=program())
    bench.now_s += 1
    bench.start(job)
    bench.now_s += 36_000
    bench = bench.restarted()
    bench.recover()
    assert bench.kernel.jobs.queue.scheduler.state.shares.by_name["a"].settled < 10**9


def test_a_waiting_job_that_is_sent_to_a_free_region_is_launched_there(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=2, regions=(("left", 2), ("right", 2)))
    session = bench.open()
    first = bench.submit(session, graph=program(fences=1), fenced=True, demand={"n_qubits": 2})
    second = bench.submit(session, graph=program(fences=1), fenced=True, demand={"n_qubits": 2})
    bench.start(first)
    bench.start(second)
    fence = bench.fence(second)
    bench.step(Yielded, job=second, fence=fence, checkpoint="chk_1", epoch=1, blob="b", size_bytes=1, why="preempted")
    assert bench.launches[-1].job == second, "its place is free, and nobody else waits"


def test_a_job_that_yields_keeps_its_rank(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=1)
    session = bench.open()
    job = bench.submit(session, graph=program(fences=1), fenced=True)
    bench.start(job)
    entry = bench.kernel.jobs.queue.scheduler.state.entries[job]
    bench.now_s += 500
    fence = bench.fence(job)
    bench.step(Yielded, job=job, fence=fence, checkpoint="chk_1", epoch=1, blob="b", size_bytes=1, why="preempted")
    assert bench.kernel.jobs.queue.scheduler.state.entries[job] is entry
