"""What a launch is charged: by how it ended, once, and nothing for what went wrong on our side."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.effects import Charge, Effect
from qmk.kernel.events import ShuttingDown, TimerFired


def charges(effects: list[Effect]) -> list[Charge]:
    return [effect for effect in effects if isinstance(effect, Charge)]


def only(effects: list[Effect]) -> Charge:
    (charge,) = charges(effects)
    return charge


def test_a_completed_job_is_charged_what_was_measured(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, shots=50)
    bench.now_s += 3
    bench.start(job)
    bench.now_s += 2
    charge = only(bench.finish(job, engine_seconds=0.25, cpu_seconds=0.5, result_bytes=100))
    assert (charge.tenant, charge.session, charge.job, charge.attempt) == ("local", session, job, 1)
    assert (charge.engine, charge.method, charge.outcome, charge.now_ns) == ("reference", "", "completed", bench.now_ns)
    graph = bench.journal[0].graph
    assert charge.amounts == {
        "shots_period": 50,
        "gates": 100,
        "engine_seconds": 0.25,
        "cpu_seconds": 0.5,
        "logical_qubits": 2,
        "bytes_stored": len(graph) + 100,
        "queue_seconds": 3.0,
    }


def test_a_worker_may_answer_before_it_says_that_it_started(bench: Any) -> None:
    job = bench.submit(bench.open())
    assert only(bench.finish(job, engine_seconds=1.0)).attempt == 1


@pytest.mark.parametrize("how", ["cancel", "fail", "timeout"])
def test_who_stops_or_fails_pays_for_what_was_used(bench: Any, how: str) -> None:
    session = bench.open()
    job = bench.submit(session, policy=Policy(timeout_ms=10_000))
    bench.start(job)
    bench.progress(job, 300)
    bench.now_s += 1.5
    match how:
        case "cancel":
            effects = bench.call("q_cancel", session_id=session, job_id=job)
        case "fail":
            effects = bench.fail(job, "JOB_FAILED")
        case _:
            effects = bench.step(TimerFired, key=f"job:{job}")
    charge = only(effects)
    assert charge.outcome == {"cancel": "cancelled", "fail": "failed", "timeout": "timeout"}[how]
    assert (charge.amounts["shots_period"], charge.amounts["gates"]) == (300, 600)
    assert charge.amounts["engine_seconds"] == 1.5
    assert charge.amounts["bytes_stored"] == len(bench.journal[0].graph)


def test_what_no_worker_began_costs_nothing(bench: Any) -> None:
    session = bench.open()
    running, queued = bench.submit(session), bench.submit(session)
    for job in (running, queued):
        assert charges(bench.call("q_cancel", session_id=session, job_id=job)) == []


@pytest.mark.parametrize("kind", ["INTERNAL_ERROR", "RESOURCE_EXHAUSTED", "NO_SUCH_KIND"])
def test_our_own_faults_are_not_charged(bench: Any, kind: str) -> None:
    job = bench.submit(bench.open())
    bench.start(job)
    bench.progress(job, 300)
    bench.now_s += 9
    charge = only(bench.fail(job, kind))
    assert charge.outcome == "lost"
    assert charge.amounts["shots_period"] == charge.amounts["engine_seconds"] == 0


def test_a_job_that_runs_again_after_its_worker_died_is_charged_once(bench: Any) -> None:
    job = bench.submit(bench.open())
    bench.start(job)
    bench.progress(job, 900)
    bench.now_s += 5
    lost = only(bench.fail(job, died=True))
    assert (lost.attempt, lost.outcome, lost.amounts["engine_seconds"]) == (1, "lost", 0)
    bench.start(job)
    charge = only(bench.finish(job, engine_seconds=2.0))
    assert (charge.attempt, charge.amounts["shots_period"], charge.amounts["engine_seconds"]) == (2, 1000, 2.0)


def test_the_last_worker_that_died_is_not_charged_either(bench: Any) -> None:
    job = bench.submit(bench.open())
    for attempt in (1, 2):
        bench.start(job)
        bench.now_s += 5
        charge = only(bench.fail(job, died=True))
        assert (charge.attempt, charge.outcome) == (attempt, "lost")
        assert charge.amounts["engine_seconds"] == charge.amounts["shots_period"] == 0


def test_a_worker_that_died_before_it_began_has_no_row(bench: Any) -> None:
    job = bench.submit(bench.open())
    assert charges(bench.fail(job, died=True)) == []
    assert only(bench.finish(job)).attempt == 1


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_charges_nothing_and_counts_the_launch(bench: Any, clean: bool) -> None:
    job = bench.submit(bench.open())
    bench.start(job)
    bench.now_s += 5
    if clean:
        assert only(bench.step(ShuttingDown)).outcome == "lost"
    fresh = bench.restarted()
    rows = charges(fresh.recover())
    assert [(row.attempt, row.outcome) for row in rows] == ([] if clean else [(1, "lost")])
    fresh.start(job)
    assert only(fresh.finish(job, engine_seconds=1.0)).attempt == 2


def test_totals_after_a_restart_come_from_the_ledger(make_bench: Any) -> None:
    from qmk.kernel.events import Recovered

    bench = make_bench()
    session = bench.open()
    bench.finish(bench.submit(session, shots=70), engine_seconds=0.125)
    live = bench.submit(session, shots=30, seconds=2.0)
    fresh = bench.restarted()
    fresh.step(Recovered, used={"local": {"shots_period": 70, "gates": 140, "engine_seconds": 0.125}})
    for name in ("shots_period", "gates", "engine_seconds", "queued_jobs", "logical_qubits", "bytes_stored"):
        assert fresh.kernel.tenant("local").quota(name).in_use == bench.kernel.tenant("local").quota(name).in_use, name
    assert fresh.kernel.snapshot()["accounts"] == bench.kernel.snapshot()["accounts"]
    assert live in fresh.kernel.jobs.by_id


def test_the_clock_may_go_back_while_a_job_runs(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    bench.start(job)
    bench.now_s -= 500
    charge = only(bench.call("q_cancel", session_id=session, job_id=job))
    assert charge.amounts["engine_seconds"] == 0
    assert charge.amounts["queue_seconds"] == 0
