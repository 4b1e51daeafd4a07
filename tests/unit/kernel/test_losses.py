"""A job whose worker is lost is launched again by the reason: its program, somebody outside, or want of memory."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.base.limits import LIMITS
from qmk.kernel.effects import Launch
from qmk.kernel.objects.alternative import Alternative


def lose(bench: Any, job: str, cause: str, **more: Any) -> list[Launch]:
    """One worker of the job is lost; the launches that follow."""
    bench.start(job)
    kind = "RESOURCE_EXHAUSTED" if cause == "memory" else "JOB_FAILED"
    return [each for each in bench.fail(job, kind, died=True, cause=cause, **more) if isinstance(each, Launch)]


def error_of(bench: Any, session: str, job: str) -> tuple[str, str, str, bool]:
    """State, kind of error, whom it blames, and whether another try may help."""
    status = bench.ask("q_status", session_id=session, job_id=job)
    data = status.error["data"]
    return status.state, data["name"], data["blame"], data["retryable"]


def test_workers_killed_from_outside_are_not_the_programs_fault(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    for _ in range(LIMITS.job_kills - 1):
        assert lose(bench, job, "killed")
    assert bench.kernel.jobs.by_id[job].state == "QUEUED"
    assert lose(bench, job, "killed") == []
    assert error_of(bench, session, job) == ("FAILED", "RESOURCE_EXHAUSTED", "system", True)
    error = bench.kernel.jobs.by_id[job].error
    assert error["data"]["cause"] == "killed"
    assert f"{LIMITS.job_kills} workers" in error["message"]


def test_kills_from_outside_leave_a_program_its_own_attempts_over_restarts(bench: Any) -> None:
    job = bench.submit(bench.open())
    for cause in ("killed", "crashed", "killed"):
        assert lose(bench, job, cause)
    again = bench.restarted()
    assert again.kernel.jobs.by_id[job].comparable() == bench.kernel.jobs.by_id[job].comparable()
    assert again.kernel.jobs.by_id[job].lost == {"killed": 2, "crashed": 1}
    assert lose(bench, job, "crashed") == []
    assert bench.kernel.jobs.by_id[job].error["data"]["blame"] == "engine"


def test_two_engines_that_crash_at_once_are_two_workers(bench: Any) -> None:
    job = bench.submit(bench.open())
    assert lose(bench, job, "crashed", workers=2) == []
    assert "2 workers" in bench.kernel.jobs.by_id[job].error["message"]


def test_after_memory_ran_out_a_job_runs_again_alone(make_bench: Any) -> None:
    bench = make_bench(workers=3, memory_bytes=1000)
    session = bench.open()
    job, beside, later = (bench.submit(session, memory_bytes=100) for _ in range(3))
    for each in (beside, later):
        bench.start(each)
    assert lose(bench, job, "memory") == [], "others are still there"
    bench.finish(beside)
    newer = bench.submit(session, memory_bytes=100)
    launches = len(bench.launches)
    bench.start(newer)
    bench.finish(newer)
    bench.finish(later)
    assert [launch.job for launch in bench.launches[launches:]] == [job]
    last = bench.submit(session, memory_bytes=100)
    assert bench.launches[-1].job == job, "nothing is launched beside it"
    assert [launch.job for launch in lose(bench, job, "memory")] == [last]
    assert error_of(bench, session, job) == ("FAILED", "RESOURCE_EXHAUSTED", "system", False)


def test_a_job_that_was_alone_when_memory_ran_out_is_refused_or_goes_to_another_engine(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    assert lose(bench, job, "memory") == []
    assert error_of(bench, session, job) == ("FAILED", "RESOURCE_EXHAUSTED", "system", False)
    row = Alternative(engine="second", method="m", seconds=1.0, memory_bytes=10)
    job = bench.submit(session, routed={"alternatives": (row,)})
    assert [launch.engine for launch in lose(bench, job, "memory")] == ["second"]
    assert lose(bench, job, "memory") == []


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_caller_bounds_the_launches(bench: Any, attempts: int) -> None:
    job = bench.submit(bench.open(), policy=Policy(attempts=attempts))
    for _ in range(attempts - 1):
        assert lose(bench, job, "killed")
    assert lose(bench, job, "killed") == []


def test_no_caller_gets_more_workers_for_a_program_that_crashes_them(bench: Any) -> None:
    job = bench.submit(bench.open(), policy=Policy(attempts=LIMITS.job_kills))
    assert lose(bench, job, "crashed")
    assert lose(bench, job, "crashed") == []
