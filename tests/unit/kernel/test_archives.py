"""Jobs that ended long ago are packed: whoever asks for one notices nothing, live and after a restart."""

from __future__ import annotations

import random
from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.base.limits import LIMITS
from qmk.kernel.effects import Collect, Forget, Journal, Recall, ReplyResult
from qmk.kernel.events import CheckpointDropped, Saved, TimerFired
from qmk.kernel.objects.archive import Archived, ArchiveForgotten, Jobs, pack
from tests.unit.kernel.test_channels import Town, joint, running
from tests.unit.kernel.test_compaction import consistent, left, replayed
from tests.unit.kernel.test_retention import kept, saved

SMALL = {"jobs_in_play": 2, "jobs_archived": 3}


def ended(bench: Any, session: str, kind: str = "finish", **params: Any) -> str:
    bench.now_s += 1
    job = bench.submit(session, **params)
    bench.start(job)
    bench.now_s += 1
    if kind == "finish":
        bench.finish(job, result_bytes=10, engine_seconds=0.25)
    elif kind == "fail":
        bench.fail(job)
    else:
        bench.call("q_cancel", session_id=session, job_id=job)
    return job


def archives(bench: Any) -> list[Any]:
    return [record for record in left(bench.journal) if isinstance(record, Archived)]


def shown(bench: Any, session: str, job: str) -> list[Any]:
    """All that calls say of a job."""
    named = {"session_id": session, "job_id": job}
    answers = [bench.ask("q_status", **named), bench.ask("q_events", **named, timeout_ms=0)]
    answers.append(bench.ask("q_get_telemetry", **named).job)
    if answers[0].state == "COMPLETED":
        (result,) = bench.call("q_result", **named)
        assert isinstance(result, ReplyResult)
        answers.append((result.job, result.result))
    return answers


def test_a_job_in_an_archive_is_told_of_as_before(make_bench: Any) -> None:
    bench = make_bench(**SMALL)
    session = bench.open()
    told: dict[str, list[Any]] = {}
    for number in range(14):
        job = ended(bench, session, ("finish", "fail", "cancel")[number % 3], idempotency_key=f"key {number}")
        told[job] = shown(bench, session, job)
        consistent(bench)
    assert len(archives(bench)) == 4
    assert set(bench.kernel.jobs.by_id.live) == set(list(told)[12:])
    assert {job: shown(bench, session, job) for job in told} == told
    rows = bench.ask("q_jobs", session_id=session).jobs
    assert [row.job_id for row in rows] == list(told)[::-1]
    for state in ("COMPLETED", "FAILED", "CANCELLED"):
        some = bench.ask("q_jobs", session_id=session, state=state).jobs
        assert [row.job_id for row in some] == [row.job_id for row in rows if row.state == state]
    first = next(iter(told))
    again = bench.ask("q_submit", session_id=session, graph=bench.program(), idempotency_key="key 0")
    assert again.job_id == first
    assert bench.refusal("q_cancel", session_id=session, job_id=first).kind.name == "ALREADY_COMPLETED"


def test_after_a_restart_too_and_few_records_are_left(make_bench: Any) -> None:
    bench = make_bench(**SMALL)
    session = bench.open()
    jobs = [ended(bench, session) for _ in range(32)]
    told = {job: shown(bench, session, job) for job in jobs}
    fresh = bench.restarted()
    fresh.journal = left(bench.journal)
    fresh.kernel = replayed(bench, fresh.journal)
    fresh.recover()
    session = fresh.open()
    assert {job: shown(fresh, session, job) for job in jobs} == told
    assert len(left(bench.journal)) < 20 < len(bench.journal)
    assert fresh.kernel.accounts.kept_bytes == bench.kernel.accounts.kept_bytes > 0
    (recall,) = fresh.call("q_replay", session_id=session, job_id=jobs[0])
    assert isinstance(recall, Recall)


def test_lower_bounds_hold_from_the_next_start_on(make_bench: Any) -> None:
    """As for a data folder of a release that knew no archives."""
    bench = make_bench()
    session = bench.open()
    jobs = [ended(bench, session) for _ in range(20)]
    assert archives(bench) == []
    lower = make_bench(**SMALL)
    lower.now_s, lower.journal = bench.now_s, list(bench.journal)
    lower.kernel.replay(bench.journal)
    lower.recover()
    assert list(lower.kernel.jobs.by_id.live) == jobs[18:]
    assert len(archives(lower)) == 6
    consistent(lower)


def test_what_is_forgotten_leaves_its_archive_and_the_last_takes_it_along(make_bench: Any) -> None:
    bench = make_bench(**SMALL, kept_jobs=9)
    session = bench.open()
    forgotten: list[str] = []
    jobs: list[str] = []
    rows = bench.kernel.jobs.ended_by_tenant["local"]
    for _ in range(30):
        jobs.append(ended(bench, session))
        consistent(bench)
        assert list(rows) == jobs[-9:]
        assert len(rows) == len(jobs[-9:])
        assert all(job in rows for job in jobs[-9:])
    assert jobs[0] not in rows
    made = sum(isinstance(record, Archived) for record in bench.journal)
    emptied = sum(isinstance(record, ArchiveForgotten) for record in bench.journal)
    assert (made, emptied, len(archives(bench))) == (9, 7, 2)
    assert bench.refusal("q_status", session_id=session, job_id=jobs[3]).kind.name == "JOB_NOT_FOUND"
    bench.now_s += 100
    for dry in (True, False):
        effects = bench.operate_for_effects("op_gc", older_than_s=103, dry_run=dry)
        (wish,) = [effect for effect in effects if isinstance(effect, Collect)]
        assert list(wish.jobs) == jobs[-9:-2]
        assert wish.job_bytes == 7 * bench.kernel.jobs.by_id[jobs[-1]].kept_bytes
        forgotten += [effect.job for effect in effects if isinstance(effect, Forget)]
        assert wish.kept_jobs == 2
    assert forgotten == jobs[-9:-2]
    assert archives(bench) == []
    consistent(bench)
    bench.operate_for_effects("op_gc", older_than_s=0)
    assert (len(bench.kernel.jobs.by_id), bench.kernel.accounts.kept_bytes) == (0, 0)
    consistent(bench)


def test_of_random_forgetting_in_random_orders_the_rest_is_left(make_bench: Any) -> None:
    rng = random.Random(5)
    bench = make_bench(**SMALL, kept_bytes=2_000)
    bench.enrol("a", weight=1.0)
    sessions = [bench.open(tenant=name) for name in ("a", "b")]
    for _ in range(60):
        ended(bench, rng.choice(sessions), rng.choice(("finish", "fail", "cancel")))
        assert bench.kernel.accounts.kept_bytes <= 2_000
    consistent(bench)
    kernel = bench.kernel
    assert 4 < len(kernel.jobs.by_id) < 60
    assert sum(map(kernel.jobs.by_id.kept_bytes, kernel.jobs.by_id)) == kernel.accounts.kept_bytes


def test_checkpoints_of_archived_jobs_stay_and_grow_old(make_bench: Any, program: Any) -> None:
    bench = make_bench(**SMALL, keep_checkpoints_s=1000)
    session = bench.open()
    for number in range(4):
        bench.finish(saved(bench, program, session, f"{number}"))
    for _ in range(6):
        ended(bench, session)
    assert len(archives(bench)) == 2
    assert kept(bench) == [f"blob {number}" for number in range(4)]
    consistent(bench)
    row = bench.kernel.jobs.checkpoints.list_kept("local")[1]
    bench.step(CheckpointDropped, checkpoint=row.id)
    assert kept(bench) == ["blob 0", "blob 2", "blob 3"]
    consistent(bench)
    recalls = bench.call(
        "q_restore", session_id=session, checkpoint_id=bench.kernel.jobs.checkpoints.list_kept("local")[0].id
    )
    assert [type(effect) for effect in recalls] == [Recall]
    bench.now_s += 1100
    bench.step(TimerFired, key="retention")
    assert kept(bench) == []
    consistent(bench)


def test_what_archived_jobs_took_of_channels_stays_taken(make_bench: Any) -> None:
    town = Town(make_bench, workers=4, **SMALL)
    bench = town.bench
    channel = town.channel(entanglements_max=100_000)
    jobs = [running(town, joint(uses=1), channel) for _ in range(4)]
    for job in jobs:
        bench.finish(job)
        consistent(bench)
    for _ in range(3):
        bench.finish(running(town, joint(uses=1), channel))
        consistent(bench)
    assert any(isinstance(record, Archived) for record in bench.journal)


def test_jobs_with_long_histories_go_in_smaller_archives(make_bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmk.kernel.archiving.ROWS", 7)
    bench = make_bench(**SMALL)
    session = bench.open()
    jobs = [ended(bench, session) for _ in range(9)]
    assert [len(record.rows) for record in archives(bench)] == [2, 2, 2]
    assert list(bench.kernel.jobs.ended_by_tenant["local"]) == jobs
    consistent(bench)


def test_a_few_archives_are_at_hand_and_the_others_unpacked_again(make_bench: Any) -> None:
    bench = make_bench(jobs_in_play=0, jobs_archived=1)
    session = bench.open()
    jobs = [ended(bench, session) for _ in range(20)]
    table: Jobs = bench.kernel.jobs.by_id
    first = table[jobs[0]]
    assert table[jobs[0]] is first
    assert [table[job].id for job in jobs] == jobs
    assert table[jobs[0]] is not first
    assert table[jobs[0]].comparable() == first.comparable()
    assert table.get("job_none") is None
    assert "job_none" not in table
    assert (len(table), list(table)) == (20, jobs)
    with pytest.raises(KeyError):
        table["job_none"]


def test_all_of_a_job_is_in_its_archive(make_bench: Any, program: Any) -> None:
    """Also what few jobs have: a map, a loss, a place, changes of engine."""
    bench = make_bench(**SMALL, job_attempts=3)
    session = bench.open(requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_COMPUTE", "CAP_DEBUG"])
    job = bench.submit(session, policy=Policy(debug=True))
    bench.start(job)
    bench.fail(job, died=True)
    bench.start(job)
    bench.step(Saved, job=job, fence=bench.fence(job), checkpoint="chk", epoch=0, blob="b", size_bytes=3)
    bench.finish(job, engine_seconds=0.5)
    before = bench.kernel.jobs.by_id[job].comparable()
    assert before["mapping"]
    assert before["lost"]
    for _ in range(5):
        ended(bench, session)
    assert job not in bench.kernel.jobs.by_id.live
    assert bench.kernel.jobs.by_id[job].comparable() == before


def test_an_archive_is_small(make_bench: Any) -> None:
    bench = make_bench()
    session = bench.open()
    jobs = [bench.kernel.jobs.by_id[ended(bench, session)] for _ in range(64)]
    assert len(pack(jobs)) < 64 * 300
    assert LIMITS.kept_jobs >= 256


def test_a_record_names_each_job_once(make_bench: Any) -> None:
    bench = make_bench(**SMALL)
    session = bench.open()
    for _ in range(20):
        ended(bench, session)
    named = [row.job for effect in bench.journal if isinstance(effect, Archived) for row in effect.rows]
    assert len(named) == len(set(named)) == 18
    assert not [
        effect for effect in bench.step(CheckpointDropped, checkpoint="chk_none") if isinstance(effect, Journal)
    ]
