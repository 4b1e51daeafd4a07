"""A job goes on with the next engine when one cannot run it or takes too long, and is charged for the last alone."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.effects import Charge, ClearTimer, Kill, Launch, Recall, SetTimer
from qmk.kernel.engines import SLICE_TIMER
from qmk.kernel.events import FellBack, Recalled, Recovered, TimerFired
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.graph import pack

SECOND = 1_000_000_000


def other(name: str, seconds: float = 2.0, **more: Any) -> Alternative:
    return Alternative(engine=name, method="m", seconds=seconds, memory_bytes=10, **more)


def submit(bench: Any, *others: Alternative, session: str = "", **params: Any) -> str:
    routed = {"alternatives": others, "uncertainty": 2.0}
    return bench.submit(session or bench.open(), routed=routed, shots=100, **params)


def launched(bench: Any, job: str) -> list[str]:
    return [launch.engine for launch in bench.launches if launch.job == job]


def of_kind(effects: list[Any], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


@pytest.mark.parametrize(("kind", "why"), [("RESOURCE_EXHAUSTED", "memory"), ("UNSUPPORTED", "refused")])
def test_the_next_engine_follows_one_that_cannot(bench: Any, kind: str, why: str) -> None:
    session = bench.open()
    job = submit(bench, other("second"), other("third"), session=session)
    bench.start(job)
    bench.fail(job, kind)
    assert launched(bench, job) == ["reference", "second"]
    assert bench.ask("q_status", session_id=session, job_id=job).engine == "second"
    bench.start(job)
    bench.fail(job, kind)
    bench.start(job)
    bench.finish(job, engine_seconds=0.5)
    assert launched(bench, job) == ["reference", "second", "third"]
    records = [record for record in bench.journal if isinstance(record, FellBack)]
    assert [(record.to.engine, record.why) for record in records] == [("second", why), ("third", why)]
    assert bench.kernel.jobs.by_id[job].state == "COMPLETED"


def test_the_last_failure_is_the_jobs(bench: Any) -> None:
    session = bench.open()
    job = submit(bench, other("second"), session=session)
    for _ in range(2):
        bench.start(job)
        bench.fail(job)
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert (status.state, status.engine, status.error["data"]["name"]) == ("FAILED", "second", "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize("how", ["failed", "died"])
def test_a_defect_is_no_reason(bench: Any, how: str) -> None:
    job = submit(bench, other("second"))
    bench.start(job)
    bench.fail(job, "JOB_FAILED", died=how == "died")
    assert "second" not in launched(bench, job)


def test_the_result_tells_of_the_engines_before(bench: Any) -> None:
    session = bench.open()
    job = submit(bench, other("second", uncertainty=1.5), session=session)
    bench.start(job)
    bench.now_s += 3
    bench.fail(job)
    bench.start(job)
    bench.finish(job, engine_seconds=0.5)
    (effect,) = bench.call("q_result", session_id=session, job_id=job)
    told = effect.result.provenance
    assert (told.engine, told.method, told.predicted_seconds, told.uncertainty) == ("second", "m", 2.0, 1.5)
    (before,) = told.fallbacks
    assert (before.engine, before.why, before.seconds) == ("reference", "memory", 3.0)
    assert "boom" in before.message


def test_the_engines_left_are_charged_nothing(bench: Any) -> None:
    job = submit(bench, other("second"))
    bench.start(job)
    bench.now_s += 5
    (left,) = of_kind(bench.fail(job), Charge)
    assert (left.outcome, left.engine, left.attempt) == ("fallback", "reference", 1)
    assert left.amounts["engine_seconds"] == left.amounts["shots_period"] == left.amounts["bytes_stored"] == 0
    bench.start(job)
    (done,) = of_kind(bench.finish(job, engine_seconds=0.5), Charge)
    assert (done.outcome, done.engine, done.attempt) == ("completed", "second", 2)
    assert (done.amounts["engine_seconds"], done.amounts["shots_period"]) == (0.5, 100)


def test_what_a_quota_cannot_pay_is_passed_over(make_bench: Any) -> None:
    bench = make_bench()
    session = bench.open(token=bench.enrol("a", quotas={"engine_seconds": 50}))
    job = submit(bench, other("dear", seconds=1000.0), other("cheap"), session=session)
    bench.start(job)
    bench.fail(job)
    assert launched(bench, job) == ["reference", "cheap"]


def test_a_replay_runs_the_engine_that_gave_the_result(bench: Any, program: Any) -> None:
    session = bench.open()
    job = submit(bench, other("second"), session=session)
    bench.start(job)
    bench.fail(job)
    bench.start(job)
    bench.finish(job)
    (recall,) = of_kind(bench.call("q_replay", session_id=session, job_id=job), Recall)
    effects = bench.step(Recalled, key=recall.key, graph=pack(program()))
    (launch,) = of_kind(effects, Launch)
    assert (launch.engine, launch.method, launch.hedge) == ("second", "m", None)
    bench.start(launch.job)
    bench.fail(launch.job)
    assert bench.kernel.jobs.by_id[launch.job].state == "FAILED"


def slice_of(effects: list[Any]) -> float:
    """Seconds of the time slice that was set."""
    (timer,) = [effect for effect in of_kind(effects, SetTimer) if effect.key.startswith(SLICE_TIMER)]
    return timer.at_ns / SECOND


def test_a_time_slice_is_thrice_the_most_that_was_predicted(bench: Any) -> None:
    job = submit(bench, other("second", 2.0), seconds=10.0)
    assert slice_of(bench.start(job)) - bench.now_s == pytest.approx(60.0)


def test_a_short_prediction_has_the_least_slice_and_a_slow_rival_its_own_time(bench: Any) -> None:
    short = submit(bench, other("second", 0.1), seconds=0.001)
    assert slice_of(bench.start(short)) - bench.now_s == pytest.approx(10.0)
    bench.finish(short)
    long = submit(bench, other("second", 50.0, uncertainty=2.0), seconds=0.001)
    assert slice_of(bench.start(long)) - bench.now_s == pytest.approx(100.0)


def test_one_that_exceeds_its_slice_is_stopped_for_a_surer_one(bench: Any) -> None:
    session = bench.open()
    job = submit(bench, other("attempt", 0.1, may_fail=True), other("second", 2.0), session=session)
    bench.start(job)
    fence = bench.fence(job)
    bench.now_s += 7
    effects = bench.step(TimerFired, key=SLICE_TIMER + job)
    assert of_kind(effects, Kill) == [Kill(job, fence)]
    assert launched(bench, job) == ["reference", "second"]
    assert bench.kernel.jobs.by_id[job].tried[0]["why"] == "slow"
    bench.start(job)
    bench.fail(job)
    assert launched(bench, job) == ["reference", "second", "attempt"]
    bench.start(job)
    bench.fail(job)
    assert launched(bench, job)[-1] == "reference", "what was only slow is at hand as the last"
    assert not [e for e in of_kind(bench.start(job), SetTimer) if e.key.startswith(SLICE_TIMER)]
    bench.finish(job)
    assert bench.kernel.jobs.by_id[job].state == "COMPLETED"


def test_one_that_will_be_done_sooner_goes_on(bench: Any) -> None:
    job = submit(bench, other("second", 4.0), seconds=1.0)
    bench.start(job)
    bench.now_s += 6
    bench.progress(job, 90)
    effects = bench.step(TimerFired, key=SLICE_TIMER + job)
    assert not of_kind(effects, Kill)
    assert slice_of(effects) - bench.now_s == pytest.approx(10.0)


def test_waiting_for_a_processor_is_no_part_of_a_slice(bench: Any) -> None:
    """Twelve seconds of the clock, for ten of which the worker had no processor: its slice of ten goes on."""
    job = submit(bench, other("second", 2.0), seconds=1.0)
    bench.start(job)
    bench.now_s += 12
    effects = bench.step(TimerFired, key=SLICE_TIMER + job, waited_ns=10 * SECOND)
    assert not of_kind(effects, Kill)
    assert slice_of(effects) - bench.now_s == pytest.approx(8.0)
    bench.now_s += 8
    effects = bench.step(TimerFired, key=SLICE_TIMER + job, waited_ns=10 * SECOND)
    assert of_kind(effects, Kill), "the slice is over, and the rival needs less than was spent"


def test_no_engine_is_left_for_one_predicted_to_take_longer_than_what_remains(bench: Any) -> None:
    job = submit(bench, other("second", 4.0), seconds=1.0)
    bench.start(job)
    bench.now_s += 30
    bench.progress(job, 80)
    effects = bench.step(TimerFired, key=SLICE_TIMER + job, waited_ns=18 * SECOND)
    assert not of_kind(effects, Kill), "three seconds are left, and the rival takes four"


def test_attempts_alone_are_no_rivals_by_the_clock(bench: Any) -> None:
    job = submit(bench, other("attempt", 0.1, may_fail=True))
    assert not [e for e in of_kind(bench.start(job), SetTimer) if e.key.startswith(SLICE_TIMER)]


def test_the_slice_ends_with_its_launch(bench: Any) -> None:
    job = submit(bench, other("second"))
    bench.start(job)
    assert ClearTimer(SLICE_TIMER + job) in bench.finish(job)
    assert not bench.kernel.slices
    assert bench.step(TimerFired, key=SLICE_TIMER + job) == []


def test_a_restart_knows_the_engine_and_what_is_left(bench: Any) -> None:
    session = bench.open()
    job = submit(bench, other("second"), other("third"), session=session)
    bench.start(job)
    bench.fail(job)
    bench.start(job)
    bench.fail(job)
    bench.start(job)
    fresh = bench.restarted()
    assert fresh.kernel.snapshot() == bench.kernel.snapshot()
    fresh.recover()
    assert launched(fresh, job) == ["third"]
    again = fresh.restarted()
    assert again.kernel.snapshot()["jobs"] == fresh.kernel.snapshot()["jobs"], "the compacted records say the same"


def test_a_launch_that_outlives_the_daemon_gets_its_slice_anew(bench: Any) -> None:
    job = submit(bench, other("second"))
    bench.start(job)
    fresh = bench.restarted()
    effects = fresh.step(Recovered, adopted=((job, bench.fence(job)),))
    assert [e for e in of_kind(effects, SetTimer) if e.key == SLICE_TIMER + job]


def test_an_engine_that_was_named_has_no_alternatives(bench: Any) -> None:
    """The router gives none; see ``tests/unit/host/test_routing.py``."""
    job = bench.submit(bench.open(), policy=Policy(engine="reference"))
    bench.start(job)
    bench.fail(job)
    assert bench.kernel.jobs.by_id[job].state == "FAILED"
