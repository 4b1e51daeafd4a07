"""What a journal may leave out: a replay of the rest equals a replay of everything, and the rest stays small."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.host import superseding
from qmk.kernel.core import Kernel
from qmk.kernel.events import JobState, Recalled, Recovered, Saved, ShuttingDown, Submitted, TimerFired, Yielded
from qmk.kernel.objects.job import STATES
from qmk.kernel.records import decode_record
from qmk.kernel.rewriting import Rewritten
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import pack
from tests.unit.kernel.test_channels import Town, joint, running
from tests.unit.kernel.test_distance import WIDTH, Lab
from tests.unit.kernel.test_lists import proposed

_encode = msgspec.msgpack.Encoder().encode


def left(records: list[Any]) -> list[Any]:
    """What a journal that leaves out all it may has of these records."""
    rows: list[tuple[str, Any]] = []
    for record in records:
        gone = superseding.find_superseded(record)
        if gone is not None:
            under = [row for row in rows if gone.first <= row[0] <= gone.last]
            spared = under[: gone.but_first]
            spared += [row for row in under if gone.but_first and isinstance(row[1], Rewritten)][-1:]
            rows = [row for row in rows if row not in under or row in spared]
        archived = superseding.gone_into(record)
        rows = [row for row in rows if row[0] not in archived]
        if gone is None or not gone.itself:
            rows.append((superseding.key(record), decode_record(_encode(record))))
    return [record for _, record in rows]


def replayed(bench: Any, records: list[Any]) -> Kernel:
    kernel = Kernel(bench.kernel.config, STANDARD)
    kernel.replay(records)
    return kernel


def derived(kernel: Kernel) -> dict[str, Any]:
    """What follows from records and is not in the snapshot: lists in their order, what channels are needed by, and
    what a tenant keeps."""
    jobs, channels, table = kernel.jobs, kernel.channels, kernel.jobs.checkpoints
    tenants = sorted({job.tenant for job in jobs.by_id.values()} | {"local"})

    def listed(roll: Any, groups: list[Any]) -> Any:
        return roll.page(groups, "", 10_000)

    return {
        "jobs": {(name, state): listed(jobs.listed, [(name, state)]) for name in tenants for state in STATES},
        "checkpoints": {name: listed(table.listed, [("tenant", name)]) for name in tenants},
        "of jobs": {job: listed(table.listed, [("job", job)]) for job in jobs.by_id},
        "kept": {name: ([row.id for row in table.list_kept(name)], table.kept_of(name)) for name in tenants},
        "channels": {name: listed(channels.listed, [name]) for name in tenants},
        "needing": {id: set(channels.needing(id)) for id in channels.by_id},
    }


def consistent(bench: Any) -> int:
    """Both ways of replaying give the live kernel; how many records were left."""
    short = left(bench.journal)
    live, beside = bench.kernel.snapshot(), derived(bench.kernel)
    for records in (bench.journal, short):
        kernel = replayed(bench, records)
        assert kernel.snapshot() == live
        assert derived(kernel) == beside
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
        outcomes.append((effects, kernel.snapshot(), kernel.jobs.queue.scheduler.state.snapshot()["entries"]))  # pyright: ignore[reportAttributeAccessIssue]
    assert outcomes[0] == outcomes[1]


def test_hundreds_of_starts_leave_one_record_of_a_start(make_bench: Any, program: Any) -> None:
    bench = make_bench(workers=2, job_attempts=10_000)
    session = bench.open()
    ended = fenced(bench, program, session)
    running = fenced(bench, program, session)
    sizes: list[int] = []
    for number in range(400):
        if number == 200:
            bench.finish(ended)
        bench.journal = left(bench.journal)
        bench.kernel = replayed(bench, bench.journal)
        bench.now_s += 1
        bench.step(Recovered)
        bench.start(running)
        if number < 200:
            bench.start(ended)
        sizes.append(len(bench.journal))
        if number % 2:
            bench.step(ShuttingDown)
    assert max(sizes) < 20
    assert bench.kernel.jobs.generation == 400
    assert sum(isinstance(record, Recovered) for record in bench.journal) <= 2
    consistent(bench)


def test_tenants_and_tokens_leave_one_record_each(make_bench: Any) -> None:
    bench = make_bench(workers=64)
    for number in range(50):
        assert bench.enrol("chem", expires=int(bench.now_s) + 10)
        bench.operate("op_tenant_set", tenant="chem", weight=float(number + 1))
        bench.now_s += 60
        session = bench.open()
        job = bench.submit(session)
        bench.start(job)
    short = left(bench.journal)
    kinds = [type(record).__name__ for record in short]
    assert {kind: kinds.count(kind) for kind in set(kinds)}.items() >= {
        ("TenantSet", 1),
        ("TokenIssued", 1),
        ("SharesSettled", 1),
    }
    consistent(bench)


def test_a_history_does_not_grow_for_ever_and_has_its_end(make_bench: Any, program: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(LIMITS.__dict__, "job_events", 12)
    bench = make_bench(job_records=5)
    job = fenced(bench, program, bench.open())
    for number in range(20):
        stops_and_starts(bench, job, number)
        consistent(bench)
    bench.finish(job)
    row = bench.kernel.jobs.by_id[job]
    assert [event.seq for event in row.events] == list(range(row.dropped + 1, row.dropped + 13))
    assert row.dropped == 2 + 2 * 20 + 1 - 12, "counted from its first event on, whatever the journal has left out"
    assert row.events[-1].kind == "completed"
    assert any(isinstance(record, JobState) for record in left(bench.journal))
    assert isinstance(left(bench.journal)[0], Submitted)
    consistent(bench)


def test_what_channels_are_needed_by_is_known_after_a_compaction(make_bench: Any) -> None:
    """Jobs past their last use, before it and taken back to it, of a channel and of one that has been closed."""
    town = Town(make_bench, workers=4, job_records=4)
    bench = town.bench
    open_one, closed = town.channel(), town.channel()
    jobs = [running(town, joint(uses=1, fences=(1,)), id) for id in (open_one, open_one, closed)]
    for number in range(6):
        for at, job in enumerate(jobs):
            epoch = (number + at) % 2
            state = {"job": job, "fence": bench.fence(job), "epoch": epoch, "blob": f"{job}{number}", "size_bytes": 1}
            bench.now_s += 1
            bench.step(Saved, **state, checkpoint=f"chk_{at}_{number}")
            if at < 2:
                bench.step(Yielded, **state, checkpoint=f"chk_{at}_{number}", why="preempted")
                bench.start(job)
            consistent(bench)
        if number == 3:
            town.ask("alice", "q_close_chan", channel=closed)
            consistent(bench)
    assert set(bench.kernel.channels.needing(open_one)) == {jobs[1]}
    bench.finish(jobs[1])
    consistent(bench)
    assert any(isinstance(record, JobState) for record in bench.journal)


def test_a_job_that_was_sent_elsewhere_still_is_after_a_compaction(make_bench: Any, program: Any) -> None:
    """A rollback that answers a q_migrate as well: the job waits for the other region, and another process."""
    bench = make_bench(workers=2, job_records=4)
    session = bench.open()
    job = fenced(bench, program, session)
    bench.start(bench.submit(session))
    (interrupt,) = bench.call("q_rollback", session_id=session, job_id=job, epoch=1)
    (recall,) = bench.call("q_migrate", session_id=session, job_id=job, region="r1")
    assert bench.step(Recalled, key=recall.key, graph=pack(program(fences=3))) == []
    state = {"job": job, "fence": bench.fence(job), "epoch": 1, "size_bytes": 5}
    for number in range(2):
        bench.step(Saved, **state, checkpoint=f"chk_{number}", blob=f"s{number}")
    bench.step(Yielded, **state, checkpoint=interrupt.ref, blob="m", why="rewound")
    assert isinstance(bench.journal[-2], JobState)
    row = bench.kernel.jobs.by_id[job]
    assert (row.state, row.wanted_region, row.elsewhere) == ("QUEUED", "r1", True)
    consistent(bench)


def test_lists_after_retention_and_a_compaction(make_bench: Any, program: Any, monkeypatch: Any) -> None:
    """What is forgotten is in no list, live and replayed, and what is kept is in the same order."""
    monkeypatch.setitem(LIMITS.__dict__, "kept_channels", 1)
    bench = make_bench(workers=6, job_records=4, keep_results_s=1000, keep_checkpoints_s=100, kept_jobs=3)
    session = bench.open(requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_COMPUTE", "CAP_LINK"])
    jobs = [fenced(bench, program, session) for _ in range(5)]
    for number, job in enumerate(jobs):  # the newest checkpoint belongs to the oldest records, and the other way round
        bench.now_s += 1
        (ask,) = bench.call("q_checkpoint", session_id=session, job_id=job)
        bench.step(Saved, job=job, fence=ask.fence, checkpoint=ask.ref, epoch=1, blob=f"kept{number}", size_bytes=7)
    for number, job in enumerate(reversed(jobs)):
        stops_and_starts(bench, job, number)
        stops_and_starts(bench, job, number + 10)
    consistent(bench)
    for _ in range(3):
        bench.now_s += 1
        channel = proposed(bench, session, ["local", "local"])
        bench.call("q_close_chan", session_id=session, channel=channel)
        consistent(bench)
    for job in jobs[:4]:
        bench.now_s += 10
        bench.finish(job)
        consistent(bench)
    assert jobs[0] not in bench.kernel.jobs.by_id, "three ended jobs are kept"
    bench.now_s += 95
    bench.step(TimerFired, key="retention")
    consistent(bench)
    rows = bench.ask("q_checkpoints", session_id=session).checkpoints
    assert [row.job_id for row in rows] == [jobs[4], jobs[3]]
    bench.now_s += 1000
    bench.step(TimerFired, key="retention")
    assert [row.job_id for row in bench.ask("q_jobs", session_id=session).jobs] == [jobs[4]]
    assert [row.job_id for row in bench.ask("q_checkpoints", session_id=session).checkpoints] == [jobs[4]]
    consistent(bench)


def test_of_programs_written_anew_the_newest_is_left(make_bench: Any, program: Any) -> None:
    bench = make_bench(job_records=3)
    lab = Lab(bench, program)
    for epoch, distance in ((1, 5), (2, 7)):
        lab.grows(epoch, distance)
        bench.start(lab.job)
        consistent(bench)
        for number in range(4):
            stops_and_starts(bench, lab.job, 10 * epoch + number)
        consistent(bench)
    rest = left(bench.journal)
    assert [record.epoch for record in rest if isinstance(record, Rewritten)] == [2]
    kernel = replayed(bench, rest)
    job = kernel.jobs.by_id[lab.job]
    assert (job.submitted.width, [row["to_distance"] for row in job.changes]) == (WIDTH[7], [5, 7])
