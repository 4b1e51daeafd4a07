"""A job with a seed that was run before has its result at once; nobody else's, and none that was not asked for."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.effects import Audit, Charge, Journal, Launch, Reply
from qmk.kernel.events import Finished

SEEDED = Policy(seed=7)


@pytest.fixture
def bench(make_bench: Any) -> Any:
    return make_bench(cache_bytes=100_000, cache_entries=3, audited=True)


def ask(bench: Any, session: str, policy: Policy = SEEDED, version: str = "1", **params: Any) -> tuple[str, list[Any]]:
    return bench.submit_for_effects(session, policy=policy, routed={"version": version}, **params)


def run(bench: Any, session: str, version: str = "1", size: int = 100, **params: Any) -> str:
    """A job that is run to its end."""
    job, effects = ask(bench, session, version=version, **params)
    assert [e for e in effects if isinstance(e, Launch)], "it was not run"
    bench.start(job)
    bench.step(Finished, job=job, fence=bench.fence(job), usage={"result_bytes": size}, version=version)
    return job


def hit(effects: list[Any]) -> str:
    """Of which job the result is; empty: it has to be run."""
    records = [e.record for e in effects if isinstance(e, Journal) and isinstance(e.record, Finished)]
    assert bool(records) != any(isinstance(e, Launch) for e in effects)
    return records[0].cached_from if records else ""


def test_the_same_again_has_the_result_at_once(bench: Any) -> None:
    session = bench.open()
    first = run(bench, session)
    job, effects = ask(bench, session)
    assert hit(effects) == first
    (reply,) = [e for e in effects if isinstance(e, Reply)]
    assert (reply.result.job_id, reply.result.state, reply.result.place_in_queue) == (job, "COMPLETED", None)
    (shown,) = bench.call("q_result", session_id=session, job_id=job)
    assert shown.result.provenance.cached_from == first
    assert shown.result.usage["engine_seconds"] == 0
    _, effects = ask(bench, session)
    assert hit(effects) == job, "the newest stands for the result, and outlives the others"


@pytest.mark.parametrize(
    "changed",
    [
        {"policy": Policy(seed=8)},
        {"policy": Policy()},
        {"policy": Policy(seed=7, cache=False)},
        {"shots": 99},
        {"keep_events": False},
        {"version": "2"},
        {"version": ""},
    ],
    ids=str,
)
def test_what_is_not_the_same_is_run(bench: Any, changed: dict[str, Any]) -> None:
    session = bench.open()
    run(bench, session)
    assert hit(ask(bench, session, **changed)[1]) == ""


def test_another_program_is_run(bench: Any, program: Any) -> None:
    session = bench.open()
    run(bench, session)
    assert hit(ask(bench, session, graph=program(fences=2))[1]) == ""


def test_without_a_seed_every_job_is_a_sample_of_its_own(bench: Any) -> None:
    session = bench.open()
    run(bench, session, policy=Policy())
    assert bench.kernel.jobs.cache.figures("local") == (0, 0)


def test_no_tenant_has_anothers_result(bench: Any) -> None:
    run(bench, bench.open(tenant="a"))
    assert hit(ask(bench, bench.open(tenant="b"))[1]) == ""


def test_a_hit_is_charged_its_shots_alone_and_is_in_the_audit_log(bench: Any) -> None:
    session = bench.open()
    first = run(bench, session, shots=50)
    job, effects = ask(bench, session, shots=50)
    (charge,) = [e for e in effects if isinstance(e, Charge)]
    assert (charge.job, charge.attempt, charge.outcome) == (job, 1, "cached")
    amounts = charge.amounts
    assert (amounts["shots_period"], amounts["gates"], amounts["engine_seconds"]) == (50, 0, 0)
    assert amounts["bytes_stored"] > 0
    (entry,) = [e for e in effects if isinstance(e, Audit) and e.kind == "job.cached"]
    assert entry.fields == {"job": job, "source": first}


def test_what_one_tenant_has_is_bounded_and_the_least_used_goes(bench: Any) -> None:
    session = bench.open()
    for seed in range(3):
        run(bench, session, policy=Policy(seed=seed))
    assert hit(ask(bench, session, policy=Policy(seed=0))[1])
    run(bench, session, policy=Policy(seed=3))
    assert bench.kernel.jobs.cache.figures("local") == (3, 300)
    assert [bool(hit(ask(bench, session, policy=Policy(seed=n))[1])) for n in (0, 2, 3)] == [True] * 3
    assert not hit(ask(bench, session, policy=Policy(seed=1))[1])


def test_bytes_are_bounded_too(bench: Any) -> None:
    session = bench.open()
    run(bench, session, policy=Policy(seed=0), size=12_501)
    assert bench.kernel.jobs.cache.figures("local") == (0, 0), "an eighth of the room is the most for one"
    for seed in range(3):
        run(bench, session, policy=Policy(seed=seed), size=12_000)
    assert bench.kernel.jobs.cache.figures("local") == (3, 36_000)


def test_a_forgotten_job_answers_nothing(make_bench: Any) -> None:
    bench = make_bench(cache_bytes=100_000, kept_jobs=1)
    session = bench.open()
    run(bench, session)
    run(bench, session, policy=Policy(seed=1))
    assert bench.kernel.jobs.cache.figures("local") == (1, 100)
    assert not hit(ask(bench, session)[1])


def test_a_restart_knows_the_results(bench: Any) -> None:
    first = run(bench, bench.open())
    fresh = bench.restarted()
    fresh.recover()
    assert hit(ask(fresh, fresh.open())[1]) == first


def test_no_room_no_results(make_bench: Any) -> None:
    bench = make_bench(cache_bytes=0)
    session = bench.open()
    run(bench, session)
    assert not hit(ask(bench, session)[1])
