"""What a journal may leave out: a replay of the rest equals a replay of everything, and the rest stays small."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.kernel import compaction
from qmk.kernel.core import Kernel
from qmk.kernel.events import Event, JobState, Recovered, Saved, ShuttingDown, Submitted, Yielded

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


def left(records: list[Any]) -> list[Any]:
    """What a journal that leaves out all it may has of these records."""
    rows: list[tuple[str, Any]] = []
    for record in records:
        gone = compaction.superseded(record)
        if gone is not None:
            under = [row for row in rows if gone.first <= row[0] <= gone.last]
            spared = under[: gone.but_first]
            rows = [row for row in rows if row not in under or row in spared]
        if gone is None or not gone.itself:
            rows.append((compaction.key(record), _decode(_encode(record))))
    return [record for _, record in rows]


def replayed(bench: Any, records: list[Any]) -> Kernel:
    kernel = Kernel(bench.kernel.config)
    kernel.replay(records)
    return kernel


def consistent(bench: Any) -> int:
    """Both ways of replaying give the live kernel; how many records were left."""
    short = left(bench.journal)
    live = bench.kernel.snapshot()
    assert replayed(bench, bench.journal).snapshot() == live
    assert replayed(bench, short).snapshot() == live
    return len(short)


def fenced(bench: Any, program: Any, session: str, **params: Any) -> str:
    job = bench.submit(session, graph=program(fences=3), fenced=True, **params)
    bench.start(job)
    return job


def stops_and_starts(bench: Any, job: str, number: int) -> None:
    state = {"job": job, "fence": bench.fence(job), "epoch": 1, "size_bytes": 5}
    bench.now_s += 1
    bench.step(Saved, **state, checkpoint=f"chk_s{number}", blob=f"s{number}")
    bench.step(Yielded, **state, checkpoint=f"chk_y{number}", blob=f"y{number}", why="preempted")
    bench.start(job)


def test_a_job_that_is_stopped_again_and_again_keeps_few_records(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=3, job_records=20)
    bench.enrol("other")
    session, other = bench.open(), bench.open(tenant="other")
    beside = bench.submit(other)
    job = fenced(bench, program, session)
    waiting = [bench.submit(session) for _ in range(2)]
    for number in range(100):
        stops_and_starts(bench, job, number)
        if number % 9 == 0:
            consistent(bench)
        if number == 50:
            (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
            bench.step(Saved, job=job, fence=ask.fence, checkpoint=ask.ref, epoch=1, blob="kept", size_bytes=7)
    assert consistent(bench) < 60
    assert len(bench.journal) > 300
    assert len(bench.kernel.jobs.by_id[job].events) > 200, "its history is whole"
    assert [row.blob for row in bench.kernel.jobs.checkpoints.of_job(job)] == ["kept", "y99"]
    bench.finish(job)
    bench.start(beside)
    bench.finish(beside)
    consistent(bench)
    assert {*waiting, job} <= set(bench.kernel.jobs.by_id)


def test_what_follows_a_compaction_is_as_it_would_have_been(make_bench: Any, program: Any) -> None:
    """The same events after a replay of what is left give the same effects as after a replay of everything."""
    bench = make_bench(job_records=5)
    session = bench.open()
    job = fenced(bench, program, session)
    for number in range(7):
        stops_and_starts(bench, job, number)
    bench.submit(session, seconds=30.0)
    outcomes: list[Any] = []
    for records in (bench.journal, left(bench.journal)):
        kernel = replayed(bench, records)
        event = Recovered(now_ns=bench.now_ns + 5, adopted=((job, bench.fence(job)),))
        effects = [*kernel.step(event), *kernel.step(ShuttingDown(now_ns=bench.now_ns + 9))]
        outcomes.append((effects, kernel.snapshot(), kernel.jobs.queue.schedule.snapshot()["entries"]))
    assert outcomes[0] == outcomes[1]


def test_a_thousand_starts_leave_one_record_of_a_start(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=2, job_attempts=10_000)
    session = bench.open()
    ended = fenced(bench, program, session)
    running = fenced(bench, program, session)
    sizes: list[int] = []
    for number in range(1000):
        if number == 500:
            bench.finish(ended)
        bench.journal = left(bench.journal)
        bench.kernel = replayed(bench, bench.journal)
        bench.now_s += 1
        bench.step(Recovered)
        bench.start(running)
        if number < 500:
            bench.start(ended)
        sizes.append(len(bench.journal))
        if number % 2:
            bench.step(ShuttingDown)
    assert max(sizes) < 20
    assert bench.kernel.jobs.generation == 1000
    assert sum(isinstance(record, Recovered) for record in bench.journal) <= 2
    consistent(bench)


def test_tenants_and_tokens_leave_one_record_each(make_bench: Any) -> None:
    bench = make_bench(workers=64)
    for number in range(50):
        token = bench.enrol("chem", expires=int(bench.now_s) + 10)
        bench.operate("op_tenant_set", tenant="chem", weight=float(number + 1))
        bench.now_s += 60
        session = bench.open()
        job = bench.submit(session)
        bench.start(job)
    assert token
    short = left(bench.journal)
    kinds = [type(record).__name__ for record in short]
    assert {kind: kinds.count(kind) for kind in set(kinds)}.items() >= {
        ("TenantSet", 1),
        ("TokenIssued", 1),
        ("SharesSettled", 1),
    }
    consistent(bench)


def test_a_history_does_not_grow_for_ever_and_has_its_end(make_bench: Any, program: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("qmk.kernel.objects.job.HISTORY", 12)
    bench = make_bench(job_records=5)
    job = fenced(bench, program, bench.open())
    for number in range(20):
        stops_and_starts(bench, job, number)
    assert len(bench.kernel.jobs.by_id[job].events) == 12
    bench.finish(job)
    assert [event.kind for event in bench.kernel.jobs.by_id[job].events][-1] == "completed"
    assert any(isinstance(record, JobState) for record in left(bench.journal))
    assert isinstance(left(bench.journal)[0], Submitted)
    consistent(bench)
