"""Jobs saved, restored, moved, taken back and replayed, by events alone; launches that outlive their daemon."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls import q_checkpoint, q_migrate, q_replay, q_restore, q_rollback
from qmk.base.limits import LIMITS
from qmk.kernel import interrupts
from qmk.kernel.effects import Charge, DropBlob, Forget, Interrupt, Journal, Kill, Launch, Recall, Reply, ReplyError
from qmk.kernel.events import (
    CheckpointDropped,
    ConnectionClosed,
    Failed,
    NotInterrupted,
    NotSaved,
    Recalled,
    Recovered,
    Saved,
    ShuttingDown,
    Submitted,
    Yielded,
)

GENERATION = 1 << 32


def of(effects: list[Any], *kinds: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kinds)]


class Desk:
    """One running job of a program with fences, on a bench."""

    def __init__(self, bench: Any, program: Any, fences: int = 3, fenced: bool = True) -> None:
        self.bench = bench
        self.program = program
        self.session = bench.open()
        self.job = bench.submit(self.session, graph=program(fences=fences), fenced=fenced)
        bench.start(self.job)

    def state(self, checkpoint: str, epoch: int, blob: str = "b1", **fields: Any) -> dict[str, Any]:
        known = {"job": self.job, "fence": self.bench.fence(self.job), "checkpoint": checkpoint}
        return {**known, "epoch": epoch, "blob": blob, "size_bytes": 100, **fields}

    def saves(self, epoch: int, blob: str = "b1", checkpoint: str = "chk_auto") -> list[Any]:
        return self.bench.step(Saved, **self.state(checkpoint, epoch, blob))

    def yields(self, ref: str, epoch: int, blob: str = "b1") -> list[Any]:
        return self.bench.step(Yielded, **self.state(ref, epoch, blob), why="preempted")

    def asks(self, name: str, **params: Any) -> tuple[int, Interrupt]:
        """The ref of a call, and the interrupt that it sends."""
        effects = self.bench.call(name, session_id=self.session, **params)
        (interrupt,) = of(effects, Interrupt)
        return self.bench.count, interrupt

    def answers_recall(self, effects: list[Any], graph: bytes) -> list[Any]:
        (recall,) = of(effects, Recall)
        return self.bench.step(Recalled, key=recall.key, graph=graph)

    @property
    def graph(self) -> bytes:
        return next(r.graph for r in self.bench.journal if isinstance(r, Submitted) and r.job == self.job)

    def consistent(self) -> None:
        assert self.bench.restarted().kernel.snapshot() == self.bench.kernel.snapshot()

    @property
    def known(self) -> Any:
        return self.bench.kernel.jobs.by_id[self.job]


@pytest.fixture
def desk(bench: Any, program: Any) -> Desk:
    return Desk(bench, program)


def test_a_running_job_is_saved_at_its_next_fence_and_answered_after_the_record(desk: Desk) -> None:
    ref, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    assert (interrupt.kind, interrupt.fence) == ("save", desk.bench.fence(desk.job))
    journal, reply = desk.saves(2, checkpoint=interrupt.ref)
    assert isinstance(journal, Journal)
    assert journal.durable
    assert journal.record.kept  # pyright: ignore[reportAttributeAccessIssue]
    assert reply == Reply(1, ref, q_checkpoint.Reply(interrupt.ref, desk.job, 2, 100))
    desk.bench.finish(desk.job)
    assert interrupt.ref in desk.bench.kernel.jobs.checkpoints.by_id, "it outlives the run"
    desk.consistent()


def test_callers_who_ask_together_share_one_interrupt_and_one_checkpoint(desk: Desk) -> None:
    first, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    assert desk.bench.call("q_checkpoint", session_id=desk.session, job_id=desk.job) == []
    answers = of(desk.saves(1, checkpoint=interrupt.ref), Reply)
    assert [answer.ref for answer in answers] == [first, first + 1]
    assert {answer.result.checkpoint_id for answer in answers} == {interrupt.ref}


def test_a_state_nobody_asked_for_replaces_the_one_before_and_goes_with_the_job(desk: Desk) -> None:
    (journal,) = desk.saves(1, "b1", "chk_1")
    assert not journal.durable
    _, dropped = desk.saves(2, "b2", "chk_2")
    assert dropped == DropBlob("chk_1", "b1")
    assert DropBlob("chk_2", "b2") in desk.bench.finish(desk.job)
    assert desk.bench.kernel.jobs.checkpoints.by_id == {}
    desk.consistent()


def test_after_an_engine_death_the_retry_starts_from_the_last_state(desk: Desk) -> None:
    desk.saves(2)
    (launch,) = of(desk.bench.fail(desk.job, died=True), Launch)
    assert (launch.start_from, launch.save_fences) == ("b1", True)
    status = desk.bench.ask("q_status", session_id=desk.session, job_id=desk.job)
    assert status.progress.current_epoch == 3
    desk.consistent()


def test_a_state_that_no_engine_can_read_costs_time_and_no_more(desk: Desk) -> None:
    desk.saves(2)
    desk.bench.fail(desk.job, died=True)
    refused = {"kind": "UNSUPPORTED", "message": "of another version", "fields": {"start": True}}
    effects = desk.bench.step(Failed, job=desk.job, fence=desk.bench.fence(desk.job), **refused)
    (launch,) = of(effects, Launch)
    assert (launch.job, launch.start_from) == (desk.job, "")
    assert DropBlob("chk_auto", "b1") in effects
    desk.consistent()


def test_stale_fences_change_nothing(desk: Desk) -> None:
    old = desk.bench.fence(desk.job)
    desk.bench.fail(desk.job, died=True)
    before = desk.bench.kernel.snapshot()
    for kind, fields in (
        (Saved, {**desk.state("chk_x", 1), "fence": old}),
        (Yielded, {**desk.state("chk_x", 1), "fence": old, "why": "preempted"}),
        (NotInterrupted, {"job": desk.job, "fence": old, "ref": "x", "kind": "", "message": ""}),
    ):
        assert desk.bench.step(kind, **fields) == []
        assert desk.bench.step(kind, **{**fields, "job": "job_none"}) == []
    assert desk.bench.kernel.snapshot() == before


def test_a_queued_job_is_checkpointed_where_it_will_start(desk: Desk, program: Any) -> None:
    waiting = desk.bench.submit(desk.session, graph=program(fences=1))
    (*_, reply) = desk.bench.call("q_checkpoint", session_id=desk.session, job_id=waiting)
    assert (reply.result.epoch, reply.result.size_bytes) == (0, 0)
    restored = desk.bench.call("q_restore", session_id=desk.session, checkpoint_id=reply.result.checkpoint_id)
    answer = of(desk.answers_recall(restored, desk.graph), Reply)[0].result
    assert isinstance(answer, q_restore.Reply)
    assert answer.epoch == 0
    desk.consistent()


@pytest.mark.parametrize(
    ("fences", "words"), [(0, "the program has no fence"), (2, "engine 'reference' cannot stop this program")]
)
def test_what_cannot_be_stopped_says_why(bench: Any, program: Any, fences: int, words: str) -> None:
    desk = Desk(bench, program, fences=fences, fenced=False)
    error = bench.refusal("q_checkpoint", session_id=desk.session, job_id=desk.job)
    assert error.kind.name == "NOT_CHECKPOINTABLE"
    assert words in error.message
    assert error.fields["help"]


def test_a_launch_that_has_no_more_fences_says_so(desk: Desk) -> None:
    ref, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    fields = {"fence": desk.bench.fence(desk.job), "ref": interrupt.ref, "kind": "", "message": "it is nearly done"}
    (refused,) = desk.bench.step(NotInterrupted, job=desk.job, **fields)
    assert (refused.ref, refused.error.kind.name) == (ref, "NOT_CHECKPOINTABLE")
    assert "nearly done" in refused.error.message
    desk.asks("q_checkpoint", job_id=desk.job)  # it may be asked again


@pytest.mark.parametrize("end", ["finish", "fail", "cancel", "close", "disconnect", "shut_down"])
def test_whatever_happens_first_a_caller_is_answered_once(desk: Desk, end: str) -> None:
    ref, _ = desk.asks("q_checkpoint", job_id=desk.job)
    other = desk.bench.open()
    match end:
        case "finish":
            effects = desk.bench.finish(desk.job)
        case "fail":
            effects = desk.bench.fail(desk.job)
        case "cancel":
            effects = desk.bench.call("q_cancel", session_id=other, job_id=desk.job)
        case "close":
            effects = desk.bench.call("q_close_session", session_id=desk.session)
        case "disconnect":
            effects = desk.bench.step(ConnectionClosed, conn=1)
        case _:
            effects = desk.bench.step(ShuttingDown)
    mine = [effect for effect in of(effects, Reply, ReplyError) if effect.ref == ref]
    names = [effect.error.kind.name if isinstance(effect, ReplyError) else "answered" for effect in mine]
    expected = {"close": ["SESSION_NOT_FOUND"], "disconnect": [], "shut_down": ["answered"]}
    assert names == expected.get(end, ["ALREADY_COMPLETED"])
    assert len(desk.bench.kernel.asks) == 0


def test_a_dead_engine_leaves_the_caller_the_state_there_is(desk: Desk) -> None:
    desk.saves(2)
    ref, _ = desk.asks("q_checkpoint", job_id=desk.job)
    (answer,) = [effect for effect in desk.bench.fail(desk.job, died=True) if isinstance(effect, Reply)]
    assert (answer.ref, answer.result.epoch) == (ref, 2)
    desk.consistent()


def test_restore_continues_in_a_job_of_its_own_after_a_restart_too(desk: Desk) -> None:
    _, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    desk.saves(2, checkpoint=interrupt.ref)
    desk.bench.finish(desk.job)
    fresh = desk.bench.restarted()
    fresh.recover()
    session = fresh.open()
    (recall,) = fresh.call("q_restore", session_id=session, checkpoint_id=interrupt.ref)
    assert isinstance(recall, Recall)
    assert recall.job == desk.job
    effects = fresh.step(Recalled, key=recall.key, graph=desk.graph)
    (answer,) = of(effects, Reply)
    (launch,) = of(effects, Launch)
    first = desk.bench.launches[0]
    assert answer.result == q_restore.Reply(launch.job, interrupt.ref, 2)
    assert launch.job != desk.job
    assert launch.start_from == "b1"
    assert (launch.digest, launch.shots, launch.seed) == (first.digest, first.shots, first.seed)
    assert (launch.engine, launch.method) == (first.engine, first.method)
    assert fresh.restarted().kernel.snapshot() == fresh.kernel.snapshot()
    kept = fresh.step(CheckpointDropped, checkpoint=interrupt.ref)
    assert of(kept, DropBlob) == [DropBlob(interrupt.ref, "b1")]
    assert fresh.kernel.jobs.state_of(fresh.kernel.jobs.by_id[launch.job]) == "b1", "it has a state of its own"


def test_replay_is_the_same_request_again_and_marks_what_it_repeats(desk: Desk) -> None:
    desk.bench.fail(desk.job)
    params = {"session_id": desk.session, "job_id": desk.job, "idempotency_key": "once"}
    effects = desk.answers_recall(desk.bench.call("q_replay", **params), desk.graph)
    (answer,) = of(effects, Reply)
    (launch,) = of(effects, Launch)
    record = next(effect.record for effect in effects if isinstance(effect, Journal))
    first = desk.bench.launches[0]
    assert answer.result == q_replay.Reply(launch.job, desk.job, first.seed)
    assert (record.replay_of, record.graph) == (desk.job, desk.graph)  # pyright: ignore[reportAttributeAccessIssue]
    assert (launch.digest, launch.shots, launch.seed) == (first.digest, first.shots, first.seed)
    assert desk.bench.ask("q_replay", **params) == answer.result, "a repeat with the key is the same job"
    other = desk.bench.submit(desk.session)
    error = desk.bench.refusal("q_replay", **{**params, "job_id": other})
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "idempotency_key")
    desk.consistent()


def test_a_session_without_the_programs_rights_cannot_replay_it(desk: Desk) -> None:
    from qmk.qvm.graph import Graph, Node, pack

    graph = Graph(
        nodes=(Node("a", "core.alloc", vqs=("q",), caps=("CAP_ALLOC",)), Node("d", "core.free", vqs=("q",))),
        vqs=("q",),
        caps=("CAP_ALLOC",),
    )
    poor = desk.bench.open(requested=[])
    effects = desk.bench.call("q_replay", session_id=poor, job_id=desk.job)
    (refused,) = desk.answers_recall(effects, pack(graph))
    assert refused.error.kind.name == "INSUFFICIENT_CAPS"
    tenant = desk.bench.kernel.tenant("local")
    assert tenant.queued_jobs.in_use == 1, "what was refused counts no more"


def test_a_migrated_job_goes_on_elsewhere_and_the_answer_comes_when_it_is_there(make_bench: Any, program: Any) -> None:
    desk = Desk(make_bench(workers=2), program)
    assert desk.bench.launches[0].region == "r0"
    effects = desk.bench.call("q_migrate", session_id=desk.session, job_id=desk.job, region="r1")
    ref = desk.bench.count
    (interrupt,) = of(desk.answers_recall(effects, desk.graph), Interrupt)
    assert (interrupt.kind, interrupt.why) == ("yield", "migrated")
    journal, charge, launch, reply = desk.yields(interrupt.ref, 1)
    assert (charge.attempt, charge.outcome, charge.amounts["shots_period"]) == (1, "migrated", 0)
    assert (journal.record.why, journal.record.region) == ("migrated", "r1")
    assert (launch.region, launch.start_from, launch.elsewhere) == ("r1", "b1", True)
    assert reply == Reply(1, ref, q_migrate.Reply(desk.job, "r1", {"q0": 10_000_000, "q1": 10_000_001}, 1))
    desk.bench.start(desk.job)
    assert not desk.known.elsewhere
    again = desk.bench.call("q_migrate", session_id=desk.session, job_id=desk.job, region="r1")
    (there,) = desk.answers_recall(again, desk.graph)
    assert there.result.region == "r1", "a job that is there already is answered at once"
    desk.consistent()


@pytest.mark.parametrize("first", ["a preemption", "a rollback"])
def test_a_migration_may_be_answered_by_a_yield_that_was_asked_for_another_reason(
    make_bench: Any, program: Any, first: str
) -> None:
    """The launch is asked to stop once. The job still goes to another worker."""
    desk = Desk(make_bench(workers=2), program)
    if first == "a rollback":
        _, interrupt = desk.asks("q_rollback", job_id=desk.job, epoch=1)
    else:
        desk.bench.kernel.out = []
        assert interrupts.interrupt(desk.bench.kernel, desk.known, interrupts.YIELD, "preempted")
        (interrupt,) = desk.bench.kernel.out
    effects = desk.bench.call("q_migrate", session_id=desk.session, job_id=desk.job, region="r1")
    ref = desk.bench.count
    assert desk.answers_recall(effects, desk.graph) == []
    effects = desk.yields(interrupt.ref, 1)
    (launch,) = of(effects, Launch)
    assert (launch.region, launch.elsewhere) == ("r1", True)
    assert ref in [effect.ref for effect in of(effects, Reply)]
    (record,) = [effect.record for effect in of(effects, Journal) if isinstance(effect.record, Yielded)]
    assert record.why == ("rewound" if first == "a rollback" else "migrated")
    desk.consistent()


def test_migration_is_refused_where_it_cannot_be(make_bench: Any, program: Any) -> None:
    desk = Desk(make_bench(workers=1, regions=(("left", 50), ("right", 50))), program, fenced=False)
    params = {"session_id": desk.session, "job_id": desk.job}
    unknown = desk.bench.refusal("q_migrate", **params, region="middle")
    assert (unknown.kind.name, unknown.fields["expected"]) == ("INVALID_PARAMS", "left, right")
    effects = desk.bench.call("q_migrate", **params, region="right")
    (refused,) = desk.answers_recall(effects, desk.graph)
    assert refused.error.kind.name == "NOT_CHECKPOINTABLE"


def test_rollback_is_done_by_the_launch_itself_where_it_can(desk: Desk) -> None:
    ref, interrupt = desk.asks("q_rollback", job_id=desk.job, epoch=1)
    assert (interrupt.kind, interrupt.epoch) == ("rewind", 1)
    effects = desk.yields(interrupt.ref, 1)
    assert Reply(1, ref, q_rollback.Reply(desk.job, 1, "in_place")) in effects
    assert [launch.start_from for launch in of(effects, Launch)] == ["b1"]
    assert effects[0].record.why == "rewound"
    desk.consistent()


def test_rollback_else_goes_to_a_state_saved_before_and_else_to_the_start(desk: Desk) -> None:
    _, save = desk.asks("q_checkpoint", job_id=desk.job)
    desk.saves(1, "b1", save.ref)
    desk.saves(3, "b3", "chk_auto")
    for epoch, blob, how, reached in ((2, "b1", "saved", 1), (0, "", "start", 0)):
        fence = desk.bench.fence(desk.job)
        ref, interrupt = desk.asks("q_rollback", job_id=desk.job, epoch=epoch)
        refusal = {"job": desk.job, "fence": fence, "ref": interrupt.ref, "kind": "", "message": "measured", "epoch": 3}
        effects = desk.bench.step(NotInterrupted, **refusal)
        assert Kill(desk.job, fence) in effects
        assert Reply(1, ref, q_rollback.Reply(desk.job, reached, how)) in effects
        assert [launch.start_from for launch in of(effects, Launch)] == [blob]
        desk.bench.start(desk.job)
        desk.consistent()


def test_a_fence_that_was_not_passed_is_none_to_go_back_to(desk: Desk) -> None:
    over = desk.bench.refusal("q_rollback", session_id=desk.session, job_id=desk.job, epoch=4)
    assert (over.kind.name, over.fields["field"]) == ("INVALID_PARAMS", "epoch")
    _, interrupt = desk.asks("q_rollback", job_id=desk.job, epoch=3)
    refusal = {"ref": interrupt.ref, "kind": "", "message": "not yet", "epoch": 1}
    (early,) = desk.bench.step(NotInterrupted, job=desk.job, fence=desk.bench.fence(desk.job), **refusal)
    assert (early.error.kind.name, early.error.fields["expected"]) == ("INVALID_PARAMS", "int 0 to 1")
    assert desk.known.state == "RUNNING"


def test_another_tenants_job_and_checkpoint_are_like_none(make_bench: Any, program: Any) -> None:
    bench = make_bench()
    mine, stranger = bench.open(tenant="a"), bench.open(tenant="b")
    job = bench.submit(mine, graph=program(fences=1))
    waiting = bench.submit(mine, graph=program(fences=1))
    (*_, saved) = bench.call("q_checkpoint", session_id=mine, job_id=waiting)
    for call, more in (
        ("q_checkpoint", {}),
        ("q_migrate", {"region": "r0"}),
        ("q_rollback", {"epoch": 0}),
        ("q_replay", {}),
    ):
        seen = bench.refusal(call, session_id=stranger, job_id=job, **more)
        none = bench.refusal(call, session_id=stranger, job_id="job_none", **more)
        assert (seen.kind.name, seen.message.replace(job, "job_none")) == ("JOB_NOT_FOUND", none.message)
    chk = saved.result.checkpoint_id
    seen = bench.refusal("q_restore", session_id=stranger, checkpoint_id=chk)
    none = bench.refusal("q_restore", session_id=stranger, checkpoint_id="chk_none")
    assert (seen.kind.name, seen.message.replace(chk, "chk_none")) == ("CHECKPOINT_NOT_FOUND", none.message)


def test_no_fence_number_comes_twice_over_restarts(desk: Desk) -> None:
    seen = {desk.bench.fence(desk.job)}
    bench = desk.bench
    for generation in (1, 2, 3):
        bench = bench.restarted()
        (launch,) = of(bench.recover(), Launch)
        assert launch.fence == generation * GENERATION + 1
        assert launch.fence not in seen
        seen.add(launch.fence)  # and the daemon dies before its worker is heard of
    assert bench.kernel.jobs.by_id[desk.job].crashes == 1, "a launch that never began is not blamed"


def test_a_launch_that_outlived_its_daemon_is_adopted_and_ends_once(desk: Desk) -> None:
    fence = desk.bench.fence(desk.job)
    fresh = desk.bench.restarted()
    effects = fresh.step(Recovered, adopted=((desk.job, fence), (desk.job, fence - 1), ("job_none", 7)))
    assert of(effects, Launch) == []
    assert of(effects, Kill) == [Kill(desk.job, fence - 1), Kill("job_none", 7)]
    assert fresh.kernel.jobs.by_id[desk.job].crashes == 0
    fresh.launches.append(desk.bench.launches[0])
    assert of(fresh.finish(desk.job), Journal)
    assert fresh.kernel.jobs.by_id[desk.job].state == "COMPLETED"
    assert fresh.finish(desk.job) == []
    assert fresh.restarted().kernel.snapshot() == fresh.kernel.snapshot()


def test_a_launch_of_which_the_journal_knows_nothing_is_adopted_too(bench: Any, program: Any) -> None:
    job = bench.submit(bench.open(), graph=program())
    fresh = bench.restarted()
    assert of(fresh.step(Recovered, adopted=((job, bench.fence(job)),)), Launch) == []
    fresh.launches.append(bench.launches[0])
    fresh.start(job)
    fresh.finish(job)
    assert fresh.kernel.jobs.by_id[job].state == "COMPLETED"
    assert fresh.restarted().kernel.snapshot() == fresh.kernel.snapshot()


def test_a_job_that_crashes_every_daemon_is_given_up_and_its_neighbours_are_not(bench: Any, program: Any) -> None:
    session = bench.open()
    poison, waiting = bench.submit(session, graph=program()), bench.submit(session, graph=program())
    attempts = LIMITS.job_crashes
    for crash in range(attempts + 1):
        assert bench.launches[-1].job == poison
        bench.start(poison)
        bench = bench.restarted()
        bench.recover()
        assert bench.kernel.jobs.by_id[poison].crashes == crash + 1
    given_up = bench.kernel.jobs.by_id[poison]
    assert (given_up.state, given_up.error["data"]["crashes"]) == ("FAILED", attempts + 1)
    assert bench.launches[-1].job == waiting
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def test_a_job_that_gets_on_is_no_poison(desk: Desk) -> None:
    bench = desk.bench
    for epoch in range(1, 6):
        bench.start(desk.job)
        state = {"checkpoint": f"chk_{epoch}", "epoch": 1, "blob": f"b{epoch}", "size_bytes": 1}
        bench.step(Saved, job=desk.job, fence=bench.fence(desk.job), **state)
        bench = bench.restarted()
        (launch,) = of(bench.recover(), Launch)
        assert launch.start_from == f"b{epoch}"


def test_the_checkpoints_of_a_tenant_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS.__dict__, "checkpoints", 1)
    _, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    desk.saves(1, checkpoint=interrupt.ref)
    error = desk.bench.refusal("q_checkpoint", session_id=desk.session, job_id=desk.job)
    assert (error.kind.name, error.fields["quota"]) == ("QUOTA_EXCEEDED", "checkpoints")


def test_a_bound_reached_meanwhile_holds_for_a_checkpoint_that_comes(
    desk: Desk, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two may be asked for while there is room for one: the second is refused when it comes, and nothing is kept."""
    monkeypatch.setitem(LIMITS.__dict__, "checkpoints", 1)
    ref, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    waiting = desk.bench.submit(desk.session, graph=program())
    assert of(desk.bench.call("q_checkpoint", session_id=desk.session, job_id=waiting), Reply)
    effects = desk.saves(1, checkpoint=interrupt.ref)
    (refused,) = of(effects, ReplyError)
    assert (refused.ref, refused.error.fields["quota"]) == (ref, "checkpoints")
    assert desk.bench.kernel.jobs.checkpoints.kept_of("local") == 1
    assert not desk.bench.kernel.jobs.checkpoints.by_id[interrupt.ref].kept
    desk.consistent()


@pytest.mark.parametrize("name", ["q_checkpoint", "q_migrate", "q_rollback"])
def test_a_tenant_that_is_suspended_is_told_so_where_it_waits(make_bench: Any, program: Any, name: str) -> None:
    """A queued job of a suspended tenant starts for nobody, so what waits for that would wait for ever."""
    bench = make_bench(workers=2)
    session = bench.open(tenant="lab")
    jobs = [bench.submit(session, graph=program(fences=3), fenced=True) for _ in range(3)]
    bench.start(jobs[0])
    job = jobs[2] if name == "q_migrate" else jobs[0]
    params = {"q_migrate": {"region": "r1"}, "q_rollback": {"epoch": 1}}.get(name, {})
    effects = bench.call(name, session_id=session, job_id=job, **params)
    ref = bench.count
    for recall in of(effects, Recall):
        graph = next(r.graph for r in bench.journal if isinstance(r, Submitted) and r.job == job)
        effects = bench.step(Recalled, key=recall.key, graph=graph)
    assert not of(effects, Reply, ReplyError)
    effects = bench.operate_for_effects("op_tenant_suspend", tenant="lab")
    (refused,) = of(effects, ReplyError)
    assert (refused.ref, refused.error.kind.name) == (ref, "TENANT_SUSPENDED")
    assert not len(bench.kernel.asks)


def test_a_forgotten_job_takes_its_checkpoints_along(make_bench: Any, program: Any) -> None:
    desk = Desk(make_bench(kept_jobs=1), program)
    _, interrupt = desk.asks("q_checkpoint", job_id=desk.job)
    desk.saves(1, checkpoint=interrupt.ref)
    desk.bench.finish(desk.job)
    other = desk.bench.submit(desk.session, graph=program())
    assert DropBlob(interrupt.ref, "b1") in desk.bench.finish(other)
    gone = desk.bench.refusal("q_restore", session_id=desk.session, checkpoint_id=interrupt.ref)
    assert gone.kind.name == "CHECKPOINT_NOT_FOUND"


def test_of_two_migrations_the_later_one_counts(make_bench: Any, program: Any) -> None:
    desk = Desk(make_bench(workers=3), program)
    refs: dict[str, int] = {}
    interrupts: list[Interrupt] = []
    for region in ("r1", "r2"):
        effects = desk.bench.call("q_migrate", session_id=desk.session, job_id=desk.job, region=region)
        refs[region] = desk.bench.count
        interrupts += of(desk.answers_recall(effects, desk.graph), Interrupt)
    (interrupt,) = interrupts
    effects = desk.yields(interrupt.ref, 1)
    (refused,) = of(effects, ReplyError)
    assert (refused.ref, refused.error.fields["expected"]) == (refs["r1"], "r2")
    assert of(effects, Launch)[0].region == "r2"
    assert of(effects, Reply)[0].ref == refs["r2"]
    desk.consistent()


def test_a_journal_that_adopted_a_job_forgotten_since_is_replayed(make_bench: Any, program: Any) -> None:
    bench = make_bench(kept_jobs=1)
    job = bench.submit(bench.open(), graph=program())
    bench.start(job)
    fresh = bench.restarted()
    fresh.step(Recovered, adopted=((job, bench.fence(job)),))
    fresh.launches.append(bench.launches[0])
    fresh.finish(job)
    other = fresh.submit(fresh.open(), graph=program())
    assert Forget(job) in fresh.finish(other)
    fresh.journal = [record for record in fresh.journal if getattr(record, "job", "") != job]  # as the host does
    again = fresh.restarted()
    assert again.kernel.snapshot()["jobs"] == fresh.kernel.snapshot()["jobs"]


def test_a_state_that_the_disk_has_no_room_for_costs_no_attempt_and_says_so(make_bench: Any, program: Any) -> None:
    desk = Desk(make_bench(job_attempts=1), program)
    desk.saves(1)
    fields = {"job": desk.job, "fence": desk.bench.fence(desk.job), "message": "no space left on device"}
    effects = desk.bench.step(NotSaved, **fields, stopped=True)
    (launch,) = of(effects, Launch)
    assert (launch.job, launch.start_from) == (desk.job, "b1")
    assert (desk.known.attempts, desk.known.state) == (0, "QUEUED")
    assert desk.known.events[-1].fields["reason"].endswith("its state could not be kept: no space left on device")
    assert [charge.outcome for charge in of(effects, Charge)] == ["lost"]
    assert of(desk.bench.step(NotSaved, **fields, stopped=True), Journal) == [], "of a launch that is over"
    desk.consistent()


def test_a_rollback_whose_state_cannot_be_kept_goes_back_all_the_same(desk: Desk) -> None:
    desk.saves(1)
    desk.saves(3, "b3", "chk_3")
    ref, interrupt = desk.asks("q_rollback", job_id=desk.job, epoch=1)
    fields = {"job": desk.job, "fence": interrupt.fence, "message": "no space left on device"}
    (reply,) = of(desk.bench.step(NotSaved, **fields, stopped=True), Reply)
    assert (reply.ref, reply.result.epoch, reply.result.how) == (ref, 0, "start")
    assert desk.known.epochs_done == 0
    desk.consistent()
