"""Launches: order, capacity, memory, retries, restarts."""

from __future__ import annotations

from typing import Any

from qmk.abi.shapes import Policy
from qmk.kernel.effects import Charge, Forget, Journal, Kill, Launch, Reply, ReplyError, SetTimer
from qmk.kernel.events import Failed, Finished, Started, TimerFired


def launched(bench: Any) -> list[str]:
    return [launch.job for launch in bench.launches]


def test_no_more_launches_than_workers(make_bench: Any) -> None:
    bench = make_bench(workers=2)
    session = bench.open()
    jobs = [bench.submit(session) for _ in range(5)]
    assert launched(bench) == jobs[:2]
    bench.finish(jobs[1])
    assert launched(bench) == jobs[:3]


def test_priority_then_deadline_then_arrival(bench: Any) -> None:
    session = bench.open()
    first = bench.submit(session)
    plain = bench.submit(session)
    late = bench.submit(session, policy=Policy(deadline_epochs=9))
    soon = bench.submit(session, policy=Policy(deadline_epochs=2))
    urgent = bench.submit(session, policy=Policy(priority=5))
    order = [first, urgent, soon, late, plain]
    for job in order:
        assert launched(bench)[-1] == job
        bench.finish(job)


def test_place_and_predicted_start_follow_from_the_queue(bench: Any) -> None:
    session = bench.open()
    first = bench.submit(session, seconds=10)
    bench.start(first)
    bench.now_s += 4
    second = bench.submit(session, seconds=3)
    third = bench.submit(session, seconds=1)
    status = bench.ask("q_status", session_id=session, job_id=third)
    assert (status.place_in_queue, status.estimated_start) == (1, bench.now_s + 6 + 3)
    urgent = bench.submit(session, seconds=1, policy=Policy(priority=1))
    assert bench.ask("q_status", session_id=session, job_id=urgent).place_in_queue == 0
    assert bench.ask("q_status", session_id=session, job_id=second).place_in_queue == 1
    running = bench.ask("q_status", session_id=session, job_id=first)
    assert (running.state, running.place_in_queue, running.estimated_start) == ("RUNNING", None, None)


def test_a_job_that_no_longer_fits_the_memory_runs_alone(make_bench: Any) -> None:
    bench = make_bench(workers=2, memory_bytes=100)
    job = bench.submit(bench.open(), memory_bytes=90)
    smaller = make_bench(workers=2, memory_bytes=50)
    smaller.kernel.replay(bench.journal)
    smaller.recover()
    assert [launch.job for launch in smaller.launches] == [job]


def test_a_large_job_waits_for_memory_and_is_passed_by_what_does_not_delay_it_only(make_bench: Any) -> None:
    bench = make_bench(workers=4, memory_bytes=100)
    session = bench.open()
    first = bench.submit(session, memory_bytes=60, seconds=2)
    large = bench.submit(session, memory_bytes=70, seconds=2)
    long = bench.submit(session, memory_bytes=40, seconds=60)
    short = bench.submit(session, memory_bytes=40, seconds=1)
    assert launched(bench) == [first, short]
    bench.now_s += 1
    bench.finish(short, engine_seconds=1.0)
    small = bench.submit(session, memory_bytes=30, seconds=60)
    assert launched(bench) == [first, short, small], "it leaves the large job what that will need"
    bench.now_s += 1
    bench.finish(first, engine_seconds=2.0)
    assert launched(bench) == [first, short, small, large]
    bench.finish(large, engine_seconds=2.0)
    assert launched(bench) == [first, short, small, large, long]


def test_a_job_larger_than_the_machine_is_refused_with_the_numbers(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=4, memory_bytes=100)
    session = bench.open()
    (route,) = bench.call("q_submit", session_id=session, graph=program())
    (refused,) = bench.route(route.job, memory_bytes=101)
    assert refused.error.kind.name == "RESOURCE_EXHAUSTED"
    assert (refused.error.fields["resource"], refused.error.fields["asked"], refused.error.fields["limit"]) == (
        "memory_bytes",
        101,
        100,
    )
    assert bench.kernel.tenant("local").queued_jobs.in_use == 0
    bench.submit(session, memory_bytes=100)
    waiting = bench.submit(session, memory_bytes=100)
    assert bench.ask("q_status", session_id=session, job_id=waiting).place_in_queue == 0


def test_a_tenant_at_its_running_quota_lets_others_pass(make_bench: Any) -> None:
    bench = make_bench(workers=3)
    a, b = (bench.open(token=bench.enrol(name, quotas={"running_jobs": 1})) for name in ("a", "b"))
    first, second, other = bench.submit(a), bench.submit(a), bench.submit(b)
    assert launched(bench) == [first, other]
    bench.finish(first)
    assert launched(bench) == [first, other, second]


def test_a_dead_worker_means_one_retry_then_failed_with_blame_engine(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, policy=Policy(seed=5))
    bench.start(job)
    bench.progress(job, 500)
    effects = bench.fail(job, "RESOURCE_EXHAUSTED", died=True)
    assert [type(effect) for effect in effects] == [Journal, Charge, Launch]
    assert effects[2].fence == 2
    assert effects[2].seed == 5
    assert bench.ask("q_status", session_id=session, job_id=job).progress.shots_done == 0
    bench.start(job)
    assert bench.progress(job, 500), "the second launch reports its progress anew"
    bench.fail(job, died=True)
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert status.state == "FAILED"
    assert status.error["data"]["blame"] == "engine"
    assert status.error["data"]["attempts"] == 2
    assert len(bench.launches) == 2


def test_an_engines_own_failure_is_not_retried(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    bench.fail(job, "RESOURCE_EXHAUSTED")
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert (status.state, status.error["data"]["name"], status.error["data"]["why"]) == (
        "FAILED",
        "RESOURCE_EXHAUSTED",
        "x",
    )
    assert len(bench.launches) == 1


def test_answers_of_an_earlier_launch_are_ignored(bench: Any) -> None:
    job = bench.submit(bench.open())
    bench.start(job)
    bench.fail(job, died=True)
    for kind, fields in (
        (Started, {}),
        (Finished, {"usage": {}}),
        (Failed, {"kind": "JOB_FAILED", "message": "", "fields": {}, "died": True}),
    ):
        assert bench.step(kind, job=job, fence=1, **fields) == []
    assert bench.kernel.jobs.by_id[job].state == "QUEUED"


def test_the_time_limit_stops_the_job_and_is_an_error_of_its_own(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, policy=Policy(timeout_ms=100))
    bench.start(job)
    bench.now_s += 0.1
    effects = bench.step(TimerFired, key=f"job:{job}")
    assert Kill(job, 1) in effects
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert (status.state, status.error["data"]["name"]) == ("FAILED", "TIMEOUT")
    assert bench.finish(job) == []
    assert bench.step(TimerFired, key=f"job:{job}") == []


def test_the_time_limit_also_holds_in_the_queue(bench: Any) -> None:
    session = bench.open()
    bench.submit(session)
    waiting = bench.submit(session, policy=Policy(timeout_ms=100))
    effects = bench.step(TimerFired, key=f"job:{waiting}")
    assert not [effect for effect in effects if isinstance(effect, Kill)]
    assert bench.ask("q_status", session_id=session, job_id=waiting).state == "FAILED"


def test_ended_jobs_beyond_the_bound_are_forgotten(make_bench: Any) -> None:
    bench = make_bench(kept_jobs=2)
    session = bench.open()
    jobs = [bench.submit(session, idempotency_key=f"k{n}") for n in range(3)]
    effects = [effect for job in jobs for effect in bench.finish(job)]
    assert [effect for effect in effects if isinstance(effect, Forget)] == [Forget(jobs[0])]
    assert bench.refusal("q_status", session_id=session, job_id=jobs[0]).kind.name == "JOB_NOT_FOUND"
    assert bench.submit(session, idempotency_key="k0") != jobs[0]


def test_a_restart_runs_what_ran_again_with_the_same_seed(make_bench: Any) -> None:
    bench = make_bench(workers=1)
    session = bench.open()
    done, running, waiting = (bench.submit(session, policy=Policy(timeout_ms=60_000)) for _ in range(3))
    bench.finish(done)
    bench.start(running)
    fresh = bench.restarted()
    assert fresh.kernel.snapshot() == bench.kernel.snapshot()
    effects = fresh.recover()
    assert launched(fresh) == [running]
    assert fresh.launches[0].seed == bench.launches[1].seed
    assert fresh.launches[0].fence > bench.fence(running)
    timers = [effect for effect in effects if isinstance(effect, SetTimer)]
    assert [timer.key for timer in timers] == [f"job:{running}", f"job:{waiting}"]
    assert timers[0].at_ns == int(1060 * 1e9)
    session = fresh.open()
    assert fresh.ask("q_status", session_id=session, job_id=done).state == "COMPLETED"
    kinds = [event.kind for event in fresh.ask("q_events", session_id=session, job_id=running).events]
    assert kinds == ["queued", "started", "requeued"]
    fresh.finish(running)
    assert launched(fresh) == [running, waiting]
    assert fresh.restarted().kernel.snapshot() == fresh.kernel.snapshot()


def test_shutting_down_answers_everybody_and_loses_nothing(bench: Any, program: Any) -> None:
    from qmk.kernel.events import ShuttingDown

    session = bench.open()
    running = bench.submit(session)
    bench.start(running)
    assert bench.call("q_wait", session_id=session, job_id=running) == []
    waiter = bench.count
    (route,) = bench.call("q_submit", session_id=session, graph=program())
    submitter = bench.count
    effects = bench.step(ShuttingDown)
    answers = {effect.ref: effect for effect in effects if isinstance(effect, (Reply, ReplyError))}
    assert Kill(running, 1) in effects
    assert answers[waiter].result.state == "QUEUED"  # pyright: ignore[reportAttributeAccessIssue]
    assert answers[submitter].error.kind.retryable  # pyright: ignore[reportAttributeAccessIssue]
    assert bench.route(route.job) == []
    assert bench.finish(running) == []
    assert bench.refusal("q_submit", session_id=session, graph=program()).kind.name == "RESOURCE_EXHAUSTED"
    fresh = bench.restarted()
    assert fresh.kernel.snapshot() == bench.kernel.snapshot()
    fresh.recover()
    assert launched(fresh) == [running]
