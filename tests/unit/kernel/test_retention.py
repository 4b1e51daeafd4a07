"""How long what ended is kept: by age, number and bytes, charged once, and never at the cost of a job that goes on."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.base.limits import LIMITS
from qmk.kernel.effects import Collect, DropBlob, Forget, Journal, Reply, ReplyError, SetTimer
from qmk.kernel.events import CheckpointDropped, ClockStepped, Forgotten, Saved, TimerFired

DAY_S = 86_400


def of(effects: list[Any], *kinds: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kinds)]


def timer_s(effects: list[Any]) -> float:
    (timer,) = [effect for effect in of(effects, SetTimer) if effect.key == "retention"]
    return timer.at_ns / 1e9


def fires(bench: Any) -> list[Any]:
    return bench.step(TimerFired, key="retention")


def ended(bench: Any, session: str) -> tuple[str, list[Any]]:
    job = bench.submit(session)
    bench.start(job)
    return job, bench.finish(job, result_bytes=10)


def saved(bench: Any, program: Any, session: str, checkpoint: str, size: int = 100, blob: str = "") -> str:
    """A running job with a kept checkpoint."""
    job = bench.submit(session, graph=program(fences=3), fenced=True)
    bench.start(job)
    bench.now_s += 1
    (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
    state = {"job": job, "fence": ask.fence, "checkpoint": ask.ref, "epoch": 1, "size_bytes": size}
    bench.step(Saved, **state, blob=blob or f"blob {checkpoint}")
    return job


def kept(bench: Any, tenant: str = "local") -> list[str]:
    return [row.blob for row in bench.kernel.jobs.checkpoints.list_kept(tenant)]


def stored(bench: Any) -> int:
    return bench.kernel.tenant("local").account.storage.in_use


def test_an_ended_job_is_forgotten_at_its_age_and_not_before(make_bench: Any) -> None:
    bench = make_bench(keep_results_s=DAY_S)
    session = bench.open()
    old, effects = ended(bench, session)
    assert timer_s(effects) == bench.now_s + DAY_S
    bench.now_s += DAY_S / 2
    young, effects = ended(bench, session)
    assert of(effects, SetTimer) == [], "the timer is set already"
    going = bench.submit(session)
    bench.now_s += DAY_S / 2
    effects = fires(bench)
    assert [effect.record.job for effect in of(effects, Journal)] == [old]
    assert of(effects, Forget) == [Forget(old)]
    assert timer_s(effects) == bench.now_s + DAY_S / 2
    assert set(bench.kernel.jobs.by_id) == {young, going}
    bench.now_s += 10 * DAY_S
    fires(bench)
    assert set(bench.kernel.jobs.by_id) == {going}, "a job that has not ended is never too old"
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def test_without_an_age_nothing_is_timed(bench: Any) -> None:
    _, effects = ended(bench, bench.open())
    assert of(effects, SetTimer) == []


def test_a_stop_ages_nothing_as_nobody_can_tell_it_from_a_wrong_clock(make_bench: Any) -> None:
    bench = make_bench(keep_results_s=30 * DAY_S)
    job, _ = ended(bench, bench.open())
    bench.now_s += 10 * DAY_S
    second, _ = ended(bench, bench.open())
    for stop_days in (40, -80, 1000, 0.01):
        bench = bench.restarted()
        bench.now_s += stop_days * DAY_S
        assert of(bench.recover(), Forget) == []
        fires(bench)
        assert set(bench.kernel.jobs.by_id) == {job, second}
    third, _ = ended(bench, bench.open())
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()
    bench.now_s += 20 * DAY_S
    assert of(fires(bench), Forget) == [Forget(job)], "it ran 30 days with it"
    bench.now_s += 10 * DAY_S
    assert of(fires(bench), Forget) == [Forget(second), Forget(third)]


def test_a_clock_that_is_set_ages_nothing(make_bench: Any, program: Any) -> None:
    bench = make_bench(keep_results_s=30 * DAY_S, keep_checkpoints_s=30 * DAY_S)
    session = bench.open()
    job, _ = ended(bench, session)
    bench.finish(saved(bench, program, session, "a"))
    for days in (40, -41, 1, 400):
        bench.now_s += days * DAY_S
        effects = bench.step(ClockStepped, by_ns=round(days * DAY_S * 1e9))
        assert of(effects, Forget, DropBlob) == []
        assert timer_s(effects) == pytest.approx(bench.now_s + 30 * DAY_S, abs=10)
        assert of(fires(bench), Forget, DropBlob) == []
        bench = bench.restarted()
        assert of(bench.recover(), Forget, DropBlob) == []
    bench.now_s += 30 * DAY_S
    assert Forget(job) in fires(bench)


def test_thousands_that_are_due_go_in_steps(make_bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.policy.retention.AT_ONCE", 2)
    bench = make_bench(keep_results_s=DAY_S)
    session = bench.open()
    for _ in range(5):
        ended(bench, session)
    bench.now_s += DAY_S
    steps = []
    while bench.kernel.jobs.by_id:
        effects = fires(bench)
        steps.append(len(of(effects, Forget)))
        assert not bench.kernel.jobs.by_id or timer_s(effects) <= bench.now_s
    assert steps == [2, 2, 1]


def test_a_checkpoint_goes_some_time_after_its_jobs_end_and_is_paid_until_then(make_bench: Any, program: Any) -> None:
    bench = make_bench(keep_checkpoints_s=DAY_S)
    session = bench.open()
    job = saved(bench, program, session, "a")
    bench.now_s += 10 * DAY_S
    assert fires(bench) == [], "its job goes on"
    before = stored(bench)
    effects = bench.finish(job)
    assert timer_s(effects) == bench.now_s + DAY_S
    held = stored(bench)
    assert before - held >= 0
    bench.now_s += DAY_S
    effects = fires(bench)
    (journal,) = of(effects, Journal)
    assert (type(journal.record), journal.record.job, journal.durable) == (CheckpointDropped, job, True)
    assert of(effects, DropBlob) == [DropBlob(journal.record.checkpoint, "blob a")]
    assert (kept(bench), held - stored(bench)) == ([], 100)
    assert job in bench.kernel.jobs.by_id, "its result is kept longer"
    fires(bench)
    bench.step(CheckpointDropped, checkpoint=journal.record.checkpoint)
    assert held - stored(bench) == 100, "it is freed once"
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


@pytest.mark.parametrize(
    ("bounds", "left"),
    [({"kept_checkpoints": 2}, ["blob b", "blob c"]), ({"kept_checkpoint_bytes": 199}, ["blob c"]), ({}, None)],
)
def test_of_too_many_checkpoints_of_ended_jobs_the_oldest_go(
    make_bench: Any, program: Any, bounds: dict[str, int], left: list[str] | None
) -> None:
    bench = make_bench(workers=4, **bounds)
    session = bench.open()
    jobs = [saved(bench, program, session, name) for name in "abc"]
    going = saved(bench, program, session, "going")
    for job in jobs:
        assert len(kept(bench)) >= 2
        bench.finish(job)
    assert kept(bench) == [*(left or ["blob a", "blob b", "blob c"]), "blob going"][: len(kept(bench))]
    assert len(kept(bench)) == len(left or jobs) + 1
    assert going in bench.kernel.jobs.by_id
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def test_a_state_is_paid_from_its_first_name_to_its_last(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=2)
    session = bench.open()
    job = bench.submit(session, graph=program(fences=3), fenced=True)
    bench.start(job)
    empty = stored(bench)
    state = {"job": job, "fence": bench.fence(job), "epoch": 1, "blob": "b", "size_bytes": 70}
    bench.step(Saved, **state, checkpoint="chk_own")
    assert stored(bench) - empty == 70, "what it saves for its own sake is kept, so it is paid for"
    (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
    bench.step(Saved, **{**state, "checkpoint": ask.ref})
    assert stored(bench) - empty == 70, "the same bytes again cost nothing"
    bench.step(CheckpointDropped, checkpoint=ask.ref)
    assert stored(bench) == empty


def test_a_checkpoint_of_a_state_that_is_paid_fits_when_nothing_else_does(make_bench: Any, program: Any) -> None:
    bench = make_bench()
    bench.enrol("small", quotas={"bytes_stored": 100_000})
    session = bench.open(tenant="small")
    job = bench.submit(session, graph=program(fences=3), fenced=True, shots=10)
    bench.start(job)
    state = {"job": job, "fence": bench.fence(job), "epoch": 1}
    bench.step(Saved, **state, checkpoint="chk_own", blob="b", size_bytes=60_000)
    (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
    (answer,) = of(bench.step(Saved, **state, checkpoint=ask.ref, blob="b", size_bytes=60_000), Reply)
    assert answer.result.checkpoint_id == ask.ref
    (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
    (refused,) = of(bench.step(Saved, **state, checkpoint=ask.ref, blob="other", size_bytes=60_000), ReplyError)
    assert refused.error.fields["quota"] == "bytes_stored"
    assert kept(bench, "small") == ["b"]


def test_a_state_beyond_the_number_of_checkpoints_is_kept_for_the_jobs_own_sake(
    make_bench: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    session = bench.open()
    job = bench.submit(session, graph=program(fences=3), fenced=True)
    bench.start(job)
    (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
    monkeypatch.setitem(LIMITS.__dict__, "checkpoints", 0)
    state = {"job": job, "fence": ask.fence, "checkpoint": ask.ref, "epoch": 1, "size_bytes": 1}
    (refused,) = of(bench.step(Saved, **state, blob="b"), ReplyError)
    assert refused.error.fields["quota"] == "checkpoints"
    assert (kept(bench), bench.kernel.jobs.by_id[job].saved) == ([], ask.ref)


def test_a_state_for_its_own_sake_that_does_not_fit_is_not_kept(make_bench: Any, program: Any) -> None:
    bench = make_bench()
    bench.enrol("small", quotas={"bytes_stored": 100_000})
    session = bench.open(tenant="small")
    job = bench.submit(session, graph=program(fences=3), fenced=True, shots=10)
    bench.start(job)
    effects = bench.step(
        Saved, job=job, fence=bench.fence(job), checkpoint="chk_1", epoch=1, blob="b", size_bytes=99_999
    )
    assert of(effects, Journal) == []
    assert not bench.kernel.jobs.checkpoints.uses("b"), "so the host deletes it"
    assert bench.kernel.jobs.by_id[job].state == "RUNNING"


def test_what_gives_way_goes_by_a_record_that_a_replay_follows_under_any_bounds(make_bench: Any) -> None:
    bench = make_bench(kept_jobs=1)
    session = bench.open()
    first, _ = ended(bench, session)
    second, effects = ended(bench, session)
    assert Forgotten(now_ns=bench.now_ns, job=first) in [effect.record for effect in of(effects, Journal)]
    assert Forget(first) in effects
    generous = make_bench(kept_jobs=1000)
    generous.kernel.replay(bench.journal)
    assert list(generous.kernel.jobs.by_id) == [second]
    stricter = make_bench(kept_jobs=0)
    stricter.kernel.replay(bench.journal)
    assert list(stricter.kernel.jobs.by_id) == [second], "its own bounds hold from its start on"
    assert Forget(second) in stricter.recover()


def test_the_operator_has_old_jobs_forgotten(bench: Any) -> None:
    session = bench.open()
    old, _ = ended(bench, session)
    bench.now_s += DAY_S
    ended(bench, session)
    bench.submit(session)

    def collect(**params: Any) -> tuple[Collect, list[Any]]:
        effects = operated(bench, **params)
        (found,) = of(effects, Collect)
        return found, of(effects, Forget)

    found, forgotten = collect(older_than_s=DAY_S / 2, dry_run=True)
    assert (found.jobs, found.kept_jobs, found.going_jobs, forgotten) == ((old,), 2, 1, [])
    assert found.job_bytes > 0
    found, forgotten = collect()
    assert (found.jobs, found.kept_jobs, forgotten) == ((), 3, [])
    found, forgotten = collect(older_than_s=DAY_S / 2)
    assert (found.jobs, found.kept_jobs, forgotten) == ((old,), 2, [Forget(old)])
    assert old not in bench.kernel.jobs.by_id


def operated(bench: Any, **params: Any) -> list[Any]:
    from qmk.abi.operator import op_gc
    from qmk.kernel.events import CallReceived

    bench.count += 1
    entropy = bench.count.to_bytes(16, "big")
    call = {"conn": 9, "ref": bench.count, "method": "op_gc", "entropy": entropy, "operator": True}
    return bench.step(CallReceived, params=op_gc.Request(**params), **call)
