"""Whoever frees a slot or puts a job back has the scheduler asked in the same step; it keeps what it knows of a job."""

from __future__ import annotations

from typing import Any

from qmk.kernel.events import Yielded


def test_downtime_of_the_daemon_is_charged_to_nobody(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=1)
    session = bench.open(tenant="a")
    job = bench.submit(session, graph=program())
    bench.now_s += 1
    bench.start(job)
    bench.now_s += 36_000
    bench = bench.restarted()
    bench.recover()
    assert bench.kernel.jobs.queue.schedule.shares.by_name["a"].settled < 10**9


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
    entry = bench.kernel.jobs.queue.schedule.entries[job]
    bench.now_s += 500
    fence = bench.fence(job)
    bench.step(Yielded, job=job, fence=fence, checkpoint="chk_1", epoch=1, blob="b", size_bytes=1, why="preempted")
    assert bench.kernel.jobs.queue.schedule.entries[job] is entry
