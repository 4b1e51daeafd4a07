"""Jobs from outside: status, wait, result, cancel, events, telemetry, mapping."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.base.limits import LIMITS
from qmk.kernel.effects import (
    Charge,
    ClearTimer,
    Forget,
    Journal,
    Kill,
    QueryResources,
    Reply,
    ReplyError,
    ReplyResult,
    SetTimer,
)
from qmk.kernel.events import ConnectionClosed, Finished, Progressed, TimerFired, Yielded
from qmk.kernel.objects.job import ENDED, MOVES, STATES
from qmk.kernel.objects.moves import IllegalMove


def test_only_the_moves_of_the_table_exist(bench: Any) -> None:
    job = bench.kernel.jobs.by_id[bench.submit(bench.open())]
    allowed = {(move.source, move.target) for move in MOVES}
    for source in STATES:
        for target in STATES:
            job.state = source
            if (source, target) in allowed:
                job.move(target)
                assert job.state == target
            else:
                with pytest.raises(IllegalMove):
                    job.move(target)
    assert not [move for move in MOVES if move.source in ENDED]


def test_status_follows_the_run(bench: Any, program: Any) -> None:
    session = bench.open()
    job = bench.submit(session, graph=program(fences=2), shots=100)

    def seen() -> tuple[Any, ...]:
        status = bench.ask("q_status", session_id=session, job_id=job)
        p = status.progress
        return status.state, p.current_epoch, p.total_epochs, p.nodes_executed, p.nodes_total, p.shots_done

    assert seen() == ("QUEUED", 0, 3, 0, 8, 0)
    bench.start(job)
    assert seen() == ("RUNNING", 1, 3, 0, 8, 0)
    bench.progress(job, 40)
    assert seen() == ("RUNNING", 3, 3, 8, 8, 40)
    bench.finish(job)
    assert seen() == ("COMPLETED", 3, 3, 8, 8, 100)


def test_a_start_that_is_told_with_the_end_counts_as_if_it_had_been_told_before(make_bench: Any) -> None:
    benches = [make_bench(), make_bench()]
    for together, bench in enumerate(benches):
        job = bench.submit(bench.open(), shots=100)
        bench.now_s += 2
        began_ns = bench.now_ns
        if not together:
            bench.start(job)
        bench.now_s += 3
        usage = {"engine_seconds": 2.5}
        began = {"began_ns": began_ns} if together else {}
        effects = bench.step(Finished, job=job, fence=bench.fence(job), usage=usage, **began)
        (charge,) = [effect for effect in effects if isinstance(effect, Charge)]
        assert charge.amounts["queue_seconds"] == 2.0
    apart, together = (bench.kernel.snapshot() for bench in benches)
    assert together == benches[1].restarted().kernel.snapshot()
    assert [row.kind for row in together["jobs"][job]["events"]] == ["queued", "started", "completed"]  # pyright: ignore[reportPossiblyUnboundVariable]
    assert apart["jobs"] == together["jobs"]
    assert apart["accounts"] == together["accounts"]


def test_progress_is_exact_in_status_and_sparse_in_the_journal(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, shots=1_000_000)
    bench.start(job)
    before = len(bench.journal)
    for done in range(1000, 1_000_001, 1000):
        bench.progress(job, done)
        assert bench.ask("q_status", session_id=session, job_id=job).progress.shots_done == done
    assert 0 < len(bench.journal) - before <= 50
    assert bench.progress(job, 10) == []
    assert bench.progress(job, 2_000_000) == []


def test_another_tenants_job_is_like_none(make_bench: Any) -> None:
    bench = make_bench()
    job = bench.submit(bench.open(token=bench.enrol("a")))
    stranger = bench.open(token=bench.enrol("b"))
    absent = "job_" + "a" * 26
    for call in ("q_status", "q_wait", "q_result", "q_cancel", "q_events", "q_get_telemetry"):
        seen = bench.refusal(call, session_id=stranger, job_id=job)
        none = bench.refusal(call, session_id=stranger, job_id=absent)
        assert seen.message.replace(job, absent) == none.message
        assert (seen.kind, seen.fields) == (none.kind, {"job_id": job})


def test_a_wait_is_answered_when_the_job_ends(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    assert bench.call("q_wait", session_id=session, job_id=job, conn=7) == []
    plain = bench.count
    (timer,) = bench.call("q_wait", session_id=session, job_id=job, timeout_ms=500)
    assert timer.at_ns == bench.now_ns + 500_000_000
    timed = bench.count
    effects = bench.finish(job, engine_seconds=0.5)
    answers = [effect for effect in effects if isinstance(effect, ReplyResult)]
    assert isinstance(effects[0], Journal)
    assert [(a.conn, a.ref, a.job, a.status.state) for a in answers] == [
        (7, plain, job, "COMPLETED"),
        (1, timed, job, "COMPLETED"),
    ]
    assert answers[0].result.usage["engine_seconds"] == 0.5
    assert ClearTimer(timer.key) in effects
    (again,) = bench.call("q_wait", session_id=session, job_id=job)
    assert isinstance(again, ReplyResult)


def test_a_wait_answers_the_state_at_its_deadline(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    (timer,) = bench.call("q_wait", session_id=session, job_id=job, timeout_ms=500)
    ref = bench.count
    (answer,) = [e for e in bench.step(TimerFired, key=timer.key) if isinstance(e, Reply)]
    assert (answer.ref, answer.result.state, answer.result.result) == (ref, "QUEUED", None)
    assert bench.step(TimerFired, key=timer.key) == []
    assert bench.ask("q_wait", session_id=session, job_id=job, timeout_ms=0).state == "QUEUED"


def test_a_wait_for_a_failed_job_is_answered_with_its_error(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    bench.call("q_wait", session_id=session, job_id=job)
    (answer,) = [e for e in bench.fail(job) if isinstance(e, Reply)]
    assert (answer.result.state, answer.result.error["message"]) == ("FAILED", "boom")


def test_open_waits_are_bounded_and_go_with_their_connection(make_bench: Any) -> None:
    bench = make_bench(open_waits=2)
    session = bench.open()
    job = bench.submit(session)
    for conn in (1, 2):
        assert bench.call("q_wait", session_id=session, job_id=job, conn=conn) == []
    assert bench.refusal("q_wait", session_id=session, job_id=job).fields["quota"] == "open_waits"
    bench.step(ConnectionClosed, conn=2)
    assert bench.call("q_wait", session_id=session, job_id=job) == []
    answers = [e for e in bench.finish(job) if isinstance(e, ReplyResult)]
    assert [answer.conn for answer in answers] == [1, 1]


def test_a_result_is_there_once_completed_and_never_otherwise(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, shots=10)
    ask = {"session_id": session, "job_id": job}
    assert bench.refusal("q_result", **ask).kind.name == "NOT_COMPLETED"
    assert bench.refusal("q_result", **ask, partial=True).kind.name == "NOT_COMPLETED"
    bench.start(job)
    assert bench.refusal("q_result", **ask).kind.name == "NOT_COMPLETED"
    (effect,) = bench.call("q_result", **ask, partial=True)
    assert (effect.job, effect.fence) == (job, bench.fence(job))
    bench.finish(job)
    (effect,) = bench.call("q_result", **ask, from_shot=4, partial=True)
    assert (effect.job, effect.from_shot, effect.status, effect.fence) == (job, 4, None, 0)
    assert (effect.result.seed, effect.result.provenance.engine) == (bench.launches[0].seed, "reference")
    assert bench.refusal("q_result", **ask, from_shot=10).fields["expected"] == "int 0 to 9"
    failed = bench.submit(session)
    bench.fail(failed)
    error = bench.refusal("q_result", session_id=session, job_id=failed)
    assert (error.kind.name, error.fields["error"]["message"]) == ("JOB_FAILED", "boom")
    cancelled = bench.submit(session)
    bench.call("q_cancel", session_id=session, job_id=cancelled)
    assert bench.refusal("q_result", session_id=session, job_id=cancelled).kind.name == "JOB_CANCELLED"


def test_cancelling_stops_the_worker_at_once(bench: Any, program: Any) -> None:
    session = bench.open()
    job = bench.submit(session, graph=program(fences=1))
    waiting = bench.submit(session)
    bench.start(job)
    bench.call("q_wait", session_id=session, job_id=job)
    effects = bench.call("q_cancel", session_id=session, job_id=job, reason="wrong angle")
    assert Kill(job, 1) in effects
    replies = [e.result for e in effects if isinstance(e, Reply)]
    assert (replies[0].state, replies[0].error["data"]["reason"]) == ("CANCELLED", "wrong angle")
    assert (replies[1].state, replies[1].cancelled_at_epoch) == ("CANCELLED", 1)
    assert bench.launches[-1].job == waiting
    assert bench.finish(job) == []
    error = bench.refusal("q_cancel", session_id=session, job_id=job)
    assert (error.kind.name, error.fields["state"]) == ("ALREADY_COMPLETED", "CANCELLED")


def test_a_queued_job_is_cancelled_without_a_kill(bench: Any) -> None:
    session = bench.open()
    bench.submit(session)
    waiting = bench.submit(session)
    effects = bench.call("q_cancel", session_id=session, job_id=waiting)
    assert not [e for e in effects if isinstance(e, Kill)]
    assert effects[-1].result.cancelled_at_epoch == 0


def test_events_are_dense_and_can_be_polled_for(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session, shots=100)
    ask = {"session_id": session, "job_id": job}
    first = bench.ask("q_events", **ask)
    assert ([e.kind for e in first.events], first.last_seq, first.ended) == (["queued"], 1, False)
    (timer,) = bench.call("q_events", **ask, after=1)
    assert isinstance(timer, SetTimer)
    (started,) = [e for e in bench.start(job) if isinstance(e, Reply)]
    assert [(e.seq, e.kind) for e in started.result.events] == [(2, "started")]
    assert bench.ask("q_events", **ask, after=2, timeout_ms=0).events == []
    bench.progress(job, 60)
    bench.finish(job)
    history = bench.ask("q_events", **ask)
    assert [e.seq for e in history.events] == [1, 2, 3, 4]
    assert [e.kind for e in history.events] == ["queued", "started", "progress", "completed"]
    tail = bench.ask("q_events", **ask, after=4)
    assert (tail.events, tail.last_seq, tail.ended) == ([], 4, True)


def test_a_long_history_comes_in_pages_and_counts_what_it_dropped(
    bench: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may be stopped and taken up again for as long as somebody likes: what it keeps of that is bounded."""
    monkeypatch.setitem(LIMITS.__dict__, "job_events", 20)
    monkeypatch.setitem(LIMITS.__dict__, "page_events", 8)
    session = bench.open()
    job = bench.submit(session, graph=program(fences=3), fenced=True)
    for n in range(30):
        bench.start(job)
        state = {"checkpoint": f"chk_{n}", "epoch": 1, "blob": "b", "size_bytes": 1, "why": "preempted"}
        bench.step(Yielded, job=job, fence=bench.fence(job), **state)
    bench.start(job)
    bench.finish(job)
    pages: list[Any] = []
    while not pages or not pages[-1].ended:
        after = pages[-1].last_seq if pages else 0
        pages.append(bench.ask("q_events", session_id=session, job_id=job, after=after))
    assert [len(page.events) for page in pages] == [8, 8, 4]
    assert {page.dropped for page in pages} == {63 - 20}
    told = [event for page in pages for event in page.events]
    assert [event.seq for event in told] == list(range(44, 64))
    assert told[-1].kind == "completed"
    assert len(bench.kernel.jobs.by_id[job].events) == 20
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def test_a_long_poll_goes_on_past_what_was_dropped(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS.__dict__, "job_events", 2)
    session = bench.open()
    job = bench.submit(session, shots=100)
    bench.start(job)
    bench.progress(job, 60)
    (timer,) = bench.call("q_events", session_id=session, job_id=job, after=3)
    assert isinstance(timer, SetTimer), "all there is was seen"
    (reply,) = [effect.result for effect in bench.progress(job, 80) if isinstance(effect, Reply)]
    assert ([event.seq for event in reply.events], reply.last_seq, reply.dropped) == ([4], 4, 2)


def test_telemetry_says_what_is_known(bench: Any, program: Any) -> None:
    session = bench.open()
    job = bench.submit(session, graph=program(fences=1), shots=10, seconds=2.0, memory_bytes=64)
    bench.now_s += 3
    bench.start(job)
    bench.now_s += 4
    figures = bench.ask("q_get_telemetry", session_id=session, job_id=job).job
    assert (figures.queued_seconds, figures.running_seconds) == (3.0, 4.0)
    assert [(e.nodes, e.executed, e.seconds) for e in figures.epochs] == [(3, False, None), (4, False, None)]
    bench.finish(job, engine_seconds=1.5)
    reply = bench.ask("q_get_telemetry", session_id=session, job_id=job)
    assert all(epoch.executed for epoch in reply.job.epochs)
    assert (reply.job.predicted_seconds, reply.job.predicted_memory_bytes) == (2.0, 64)
    s = reply.session
    assert (s.jobs_submitted, s.jobs_completed, s.shots_completed, s.engine_seconds) == (1, 1, 10, 1.5)
    bench.refusal("q_status", session_id=session, job_id="job_none")
    assert bench.ask("q_get_telemetry", session_id=session).session.errors == 1


def test_the_map_shows_indexes_and_lifetimes(bench: Any) -> None:
    from qmk.qvm.graph import Graph, Node

    nodes = (
        Node("a", "core.alloc", vqs=("x", "y")),
        Node("b", "core.free", vqs=("x",)),
        Node("f", "core.fence"),
        Node("c", "core.alloc", vqs=("z",)),
        Node("d", "core.free", vqs=("y", "z")),
        Node("g", "core.fence"),
        Node("e", "core.alloc", vqs=("x",)),
        Node("h", "core.free", vqs=("x",)),
    )
    session = bench.open(requested=["CAP_ALLOC", "CAP_DEBUG"])
    graph = Graph(nodes=nodes, vqs=("x", "y", "z"))
    job = bench.submit(session, graph=graph, policy=Policy(debug=True))
    rows = bench.ask("q_get_mapping", session_id=session, job_id=job).placements
    assert [(r.qubit, r.index, r.from_epoch, r.to_epoch) for r in rows] == [
        ("x", 0, 1, 1),
        ("y", 1, 1, 2),
        ("z", 0, 2, 2),
        ("x", 0, 3, 3),
    ]
    plain = bench.submit(session, graph=graph)
    assert "policy.debug" in bench.refusal("q_get_mapping", session_id=session, job_id=plain).message
    other = bench.open()
    assert bench.refusal("q_get_mapping", session_id=other, job_id=job).fields["missing"] == ["CAP_DEBUG"]


def test_query_resources_needs_no_session_but_checks_one(bench: Any) -> None:
    bench.submit(bench.open())
    assert bench.call("q_query_resources") == [QueryResources(1, bench.count, 0, 1, 1)]
    (refused,) = bench.call("q_query_resources", session_id="ses_none")
    assert isinstance(refused, ReplyError)


def test_what_a_crash_kept_from_being_forgotten_is_forgotten_at_the_start(make_bench: Any) -> None:
    bench = make_bench(kept_jobs=1)
    session = bench.open()
    first, second = bench.submit(session), bench.submit(session)
    for job in (first, second):
        bench.start(job)
        bench.finish(job)
    again = bench.restarted()
    assert first not in again.kernel.jobs.by_id
    assert Forget(first) in again.recover()
    assert Forget(first) not in again.recover()


def test_a_fenced_run_says_which_epoch_it_is_in(bench: Any, program: Any) -> None:
    session = bench.open()
    job = bench.submit(session, graph=program(fences=3), shots=100, fenced=True)
    fence = bench.fence(job)

    def progress() -> tuple[int, int, int, int]:
        shown = bench.ask("q_status", session_id=session, job_id=job).progress
        return shown.current_epoch, shown.total_epochs, shown.nodes_executed, shown.shots_done

    assert progress() == (0, 4, 0, 0)
    bench.start(job)
    assert progress() == (1, 4, 0, 0)
    bench.step(Progressed, job=job, fence=fence, shots_done=0, epoch=2)
    epochs = bench.ask("q_get_telemetry", session_id=session, job_id=job).job.epochs
    assert progress() == (3, 4, sum(epoch.nodes for epoch in epochs[:2]), 0)
    assert [epoch.executed for epoch in epochs] == [True, True, False, False]
    bench.step(Progressed, job=job, fence=fence, shots_done=40, epoch=1)  # memory made it take the shots in turns
    assert progress() == (2, 4, 9, 40)
    bench.step(Progressed, job=job, fence=fence, shots_done=50, epoch=5)
    bench.step(Progressed, job=job, fence=fence, shots_done=30, epoch=2)
    assert progress() == (2, 4, 9, 40), "what cannot be true is not shown"
    bench.finish(job)
    assert progress() == (4, 4, 9, 100)


def test_a_run_that_is_not_fenced_has_passed_all_epochs_with_its_first_shot(bench: Any, program: Any) -> None:
    session = bench.open()
    job = bench.submit(session, graph=program(fences=1), shots=100)
    bench.start(job)
    bench.progress(job, 1)
    shown = bench.ask("q_status", session_id=session, job_id=job).progress
    assert (shown.current_epoch, shown.nodes_executed) == (2, 7)
