"""Channels in the kernel: proposing, approving, charging, closing, and what becomes of the jobs that count on one."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.kernel.effects import Estimate, Forget, Interrupt, Kill, Reply, ReplyError, Route, SetTimer
from qmk.kernel.events import (
    ChannelUse,
    ConnectionClosed,
    Failed,
    NotInterrupted,
    Recalled,
    Saved,
    TimerFired,
    Yielded,
)
from qmk.kernel.objects.channel import CLOSED, EXHAUSTED, EXPIRED, MOVES, OPEN, PROPOSED, Channel
from qmk.kernel.objects.moves import IllegalMove
from qmk.qvm.graph import Graph, pack, unpack
from qmk.qvm.link import Link
from qmk.sdk.kit.builder import Builder

TENANTS = ("alice", "bob", "carol")
CAPS = ["CAP_ALLOC", "CAP_COMPUTE", "CAP_MEASURE", "CAP_LINK", "CAP_DEBUG"]


class Town:
    """A bench with three tenants, each with a session named after it."""

    def __init__(self, make_bench: Any, **config: Any) -> None:
        self.bench = make_bench(**config)
        self.graphs: dict[str, bytes] = {}
        self.session = {name: self.bench.open(tenant=name, requested=CAPS) for name in TENANTS}

    def answer(self, effects: list[Any]) -> Any:
        (found,) = [e for e in effects if isinstance(e, (Reply, ReplyError)) and e.ref == self.bench.count]
        return found.result if isinstance(found, Reply) else found.error

    def ask(self, who: str, call: str, **params: Any) -> Any:
        return self.answer(self.bench.call(call, session_id=self.session[who], **params))

    def propose(self, who: str = "alice", peer: str = "bob", **bounds: Any) -> Any:
        given = {"fidelity": 0.9, "entanglements_max": 1000, **bounds}
        return self.ask(who, "q_open_chan", peers=[who, peer], **given)

    def channel(self, **bounds: Any) -> str:
        """One that alice and bob have agreed on."""
        id = self.propose(**bounds).channel
        assert self.ask("bob", "q_open_chan", channel=id).state == OPEN
        return id

    def submit(self, who: str, graph: Graph, shots: int = 10, fenced: bool = False, **policy: Any) -> Any:
        """The job id, or the error."""
        effects = self.bench.call(
            "q_submit", session_id=self.session[who], graph=graph, shots=shots, policy=policy_of(policy)
        )
        routes = [effect for effect in effects if isinstance(effect, Route)]
        if not routes:
            return self.answer(effects)
        self.graphs[routes[0].job] = pack(routes[0].graph)  # pyright: ignore[reportArgumentType]
        self.bench.route(routes[0].job, fenced=fenced)
        return routes[0].job

    def again(self, call: str, **params: Any) -> Any:
        """The answer to alice's q_replay or q_restore, once the host has read the program."""
        (recall,) = self.bench.call(call, session_id=self.session["alice"], **params)
        return self.answer(self.bench.step(Recalled, key=recall.key, graph=self.graphs[recall.job]))

    def used(self, channel: str) -> int:
        return self.bench.kernel.channels.by_id[channel].pairs_used

    def state(self, job: str) -> str:
        return self.bench.kernel.jobs.by_id[job].state

    def error(self, job: str) -> str:
        return self.bench.kernel.jobs.by_id[job].error["data"]["name"]

    def replayed(self) -> None:
        """The journal, replayed, gives this very state."""
        assert self.bench.restarted().kernel.snapshot() == self.bench.kernel.snapshot()


def policy_of(fields: dict[str, Any]) -> Any:
    from qmk.abi.shapes import Policy

    return Policy(**fields)


def joint(uses: int = 1, fences: tuple[int, ...] = (), **args: Any) -> Graph:
    """A program of alice's that teleports to bob's qubit; a fence before each use numbered in ``fences``."""
    b = Builder()
    b.alloc(1)
    b.alloc(1)
    b.nodes[1].args["tenant_id"] = "bob"
    b.op("h", 0).channel(0, 1, **args)
    for number in range(uses):
        if number in fences:
            b.op("fence")
        b.use()
    if uses in fences:
        b.op("fence")
    b.close()
    b.measure(1)
    return Graph(**{**as_fields(b.graph()), "caps": ("CAP_ALLOC", "CAP_LINK")})


def as_fields(graph: Graph) -> dict[str, Any]:
    return {name: getattr(graph, name) for name in graph.__struct_fields__}


@pytest.fixture
def town(make_bench: Any) -> Town:
    return Town(make_bench)


def test_a_channel_opens_when_both_have_given_their_word(town: Town) -> None:
    proposed = town.propose(fidelity=0.99, entanglements_max=7)
    assert (proposed.state, proposed.approved, proposed.rounds) == (PROPOSED, ["alice"], 2)
    opened = town.ask("bob", "q_open_chan", channel=proposed.channel)
    assert (opened.state, opened.approved, opened.use_count, opened.entanglements_max) == (OPEN, ["alice", "bob"], 0, 7)
    assert opened.fidelity == pytest.approx(0.99750154878)
    assert opened.raw_pairs == pytest.approx(4.580166513)
    assert town.ask("alice", "q_chan_status", channel=proposed.channel) == opened
    town.replayed()


def test_the_strictest_bounds_hold(town: Town) -> None:
    id = town.propose(fidelity=0.9, entanglements_max=50, expiry=5000.0).channel
    opened = town.ask("bob", "q_open_chan", channel=id, fidelity=0.96, entanglements_max=80, expiry=4000.0)
    assert (opened.fidelity_min, opened.entanglements_max, opened.expiry) == (0.96, 50, 4000.0)
    other = town.propose(fidelity=0.96, entanglements_max=50).channel
    opened = town.ask("bob", "q_open_chan", channel=other, fidelity=0.5, entanglements_max=20)
    assert (opened.fidelity_min, opened.entanglements_max, opened.expiry) == (0.96, 20, None)


def test_a_word_given_twice_changes_nothing_and_cannot_be_changed(town: Town) -> None:
    id = town.channel()
    before = town.bench.kernel.snapshot()
    assert town.ask("bob", "q_open_chan", channel=id).state == OPEN
    assert town.ask("alice", "q_open_chan", channel=id).state == OPEN
    assert town.ask("alice", "q_open_chan", channel=id, fidelity=0.5).kind.name == "INVALID_PARAMS"
    assert town.bench.kernel.snapshot() == before


def test_a_channel_within_one_tenant_is_open_at_once(town: Town) -> None:
    opened = town.propose("alice", "alice")
    assert (opened.state, opened.approved) == (OPEN, ["alice"])
    graph = Builder(2).op("h", 0).channel(0, 1).use().measure_all().graph()
    job = town.submit("alice", capped(graph), channels={"c": opened.channel})
    assert town.state(job) == "QUEUED"
    assert town.used(opened.channel) == 10


def capped(graph: Graph) -> Graph:
    return Graph(**{**as_fields(graph), "caps": ("CAP_ALLOC", "CAP_LINK")})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "peers"),
        ({"peers": ["alice", "bob"], "channel": "chan_x"}, "peers"),
        ({"peers": ["bob", "carol"], "fidelity": 0.9, "entanglements_max": 1}, "peers"),
        ({"peers": ["alice", "bob"], "entanglements_max": 1}, "fidelity"),
        ({"peers": ["alice", "bob"], "fidelity": 0.9}, "entanglements_max"),
        ({"peers": ["alice", "bob"], "fidelity": 0.9, "entanglements_max": 1, "expiry": 999.0}, "expiry"),
        ({"peers": ["alice", "bob"], "fidelity": 0.9, "entanglements_max": 1, "expiry": float("nan")}, "expiry"),
        ({"peers": ["alice", "bob"], "fidelity": 0.9, "entanglements_max": 1, "expiry": 1e30}, "expiry"),
    ],
)
def test_what_is_no_proposal_is_refused(town: Town, fields: dict[str, Any], named: str) -> None:
    error = town.ask("alice", "q_open_chan", **fields)
    assert error.kind.name == "INVALID_PARAMS"
    assert error.fields["field"] == named


def test_an_unreachable_fidelity_is_refused_with_the_numbers(town: Town) -> None:
    error = town.propose(fidelity=1.0)
    assert error.kind.name == "UNSUPPORTED"
    assert error.message == (
        "the link cannot deliver pairs of fidelity 1 (infidelity 0): raw pairs of 0.95 come to 7.93e-31 in 8 rounds"
    )
    assert (error.fields["fidelity"], error.fields["infidelity"]) == (1.0, 0.0)
    assert error.fields["reached_infidelity"] == pytest.approx(7.93e-31, rel=1e-3)
    assert "reached" not in error.fields, "a fidelity so near to 1 is printed as 1"
    id = town.propose().channel
    assert town.ask("bob", "q_open_chan", channel=id, fidelity=1.0).kind.name == "UNSUPPORTED"
    assert town.ask("bob", "q_chan_status", channel=id).state == PROPOSED


def test_the_devices_links_decide_what_is_reachable(make_bench: Any) -> None:
    assert Town(make_bench, link=Link(1.0)).propose(fidelity=1.0).fidelity == 1.0
    error = Town(make_bench, link=Link(0.6, 3)).propose(fidelity=0.99)
    assert error.fields["raw_fidelity"] == 0.6
    assert error.fields["rounds"] == 3


def test_channels_count_in_the_quota_of_whoever_gave_their_word(make_bench: Any) -> None:
    town = Town(make_bench)
    for name in ("alice", "bob"):
        town.bench.kernel.tenant(name).channels.set_limit(1)
    first = town.propose().channel
    assert town.propose("alice", "carol").kind.name == "QUOTA_EXCEEDED"
    second = town.propose("carol", "bob").channel
    assert town.ask("bob", "q_open_chan", channel=first).state == OPEN
    assert town.ask("bob", "q_open_chan", channel=second).kind.name == "QUOTA_EXCEEDED"
    assert town.ask("bob", "q_close_chan", channel=first).state == "CLOSED"
    assert town.ask("bob", "q_open_chan", channel=second).state == OPEN
    assert town.propose("alice", "carol").state == PROPOSED


def test_pairs_are_charged_on_acceptance_for_all_shots(town: Town) -> None:
    id = town.channel()
    job = town.submit("alice", joint(uses=2), shots=30, channels={"c": id})
    assert town.used(id) == 60
    assert town.bench.kernel.jobs.by_id[job].submitted.channels == (ChannelUse(id, 60, 1),)
    town.bench.start(job)
    town.bench.finish(job)
    assert town.used(id) == 60
    town.replayed()


def test_a_job_that_never_started_gives_its_pairs_back(town: Town) -> None:
    id = town.channel(entanglements_max=10)
    first = town.submit("alice", joint(), channels={"c": id})
    assert town.ask("bob", "q_chan_status", channel=id).state == "EXHAUSTED"
    assert town.submit("alice", joint(), channels={"c": id}).kind.name == "CHANNEL_EXHAUSTED"
    town.ask("alice", "q_cancel", job_id=first)
    status = town.ask("bob", "q_chan_status", channel=id)
    assert (status.state, status.use_count) == (OPEN, 0)
    town.replayed()


def test_a_job_that_started_has_spent_its_pairs_even_if_its_worker_died(town: Town) -> None:
    id = town.channel()
    job = town.submit("alice", joint(), channels={"c": id})
    town.bench.start(job)
    town.bench.fail(job, died=True)
    town.ask("alice", "q_cancel", job_id=job)
    assert town.used(id) == 10
    assert not town.bench.kernel.channels.holds
    town.replayed()


def test_ops_across_the_channel_are_counted_as_the_pairs_they_take(town: Town) -> None:
    id = town.channel()
    b = Builder()
    b.alloc(1)
    b.alloc(1)
    b.nodes[1].args["tenant_id"] = "bob"
    b.channel(0, 1).op("cnot", 0, 1).op("swap", 0, 1).use().use("swap").close()
    b.measure(1)
    town.submit("alice", capped(b.graph()), shots=1, channels={"c": id})
    assert town.used(id) == 1 + 2 + 1 + 2


def test_closing_fails_the_jobs_that_wait_and_gives_their_pairs_back(town: Town) -> None:
    id = town.channel()
    running = town.submit("alice", joint(), channels={"c": id})
    town.bench.start(running)
    waiting = town.submit("alice", joint(), channels={"c": id})
    other = town.submit("alice", Builder(1).measure_all().graph())
    closed = town.ask("bob", "q_close_chan", channel=id)
    assert (closed.state, closed.use_count, closed.jobs) == ("CLOSED", 10, 1)
    assert (town.state(waiting), town.error(waiting)) == ("FAILED", "CHANNEL_CLOSED")
    assert [town.state(job) for job in (running, other)] == ["RUNNING", "QUEUED"]
    assert town.bench.kernel.jobs.by_id[waiting].started_ns == 0
    assert town.ask("bob", "q_close_chan", channel=id).state == "CLOSED"
    town.replayed()


def test_a_launch_that_no_worker_has_taken_yet_is_stopped(town: Town) -> None:
    id = town.channel()
    job = town.submit("alice", joint(), channels={"c": id})
    effects = town.bench.call("q_close_chan", session_id=town.session["alice"], channel=id)
    assert [e.job for e in effects if isinstance(e, Kill)] == [job]
    assert town.error(job) == "CHANNEL_CLOSED"
    assert town.used(id) == 0


def stopped(town: Town, job: str, interrupt: Interrupt, epoch: int) -> None:
    """The launch does what it was asked for at the end of ``epoch``."""
    town.bench.step(
        Yielded,
        job=job,
        fence=interrupt.fence,
        checkpoint=interrupt.ref,
        epoch=epoch,
        blob="b" * 64,
        size_bytes=1,
        why="preempted",
    )


def running(town: Town, graph: Graph, id: str) -> str:
    """A started job of an engine that stops at fences."""
    job = town.submit("alice", graph, fenced=True, channels={"c": id})
    town.bench.start(job)
    return job


def closing(town: Town, id: str) -> list[Interrupt]:
    effects = town.bench.call("q_close_chan", session_id=town.session["bob"], channel=id)
    return [effect for effect in effects if isinstance(effect, Interrupt)]


def test_a_running_job_is_stopped_at_its_next_fence_and_fails_there(town: Town) -> None:
    id = town.channel()
    job = running(town, joint(uses=2, fences=(1,)), id)
    (interrupt,) = closing(town, id)
    assert (interrupt.job, interrupt.fence, interrupt.kind) == (job, town.bench.fence(job), "yield")
    assert town.state(job) == "RUNNING"
    stopped(town, job, interrupt, 1)
    assert (town.state(job), town.error(job)) == ("FAILED", "CHANNEL_CLOSED")
    assert town.used(id) == 20
    town.replayed()


def test_a_running_job_goes_on_when_no_use_of_the_channel_is_left(town: Town) -> None:
    id = town.channel()
    job = running(town, joint(uses=1, fences=(1,)), id)
    (interrupt,) = closing(town, id)
    stopped(town, job, interrupt, 1)
    assert town.state(job) == "QUEUED"
    assert town.bench.launches[-1].start_from == "b" * 64
    town.bench.start(job)
    town.bench.finish(job)
    assert town.state(job) == "COMPLETED"
    town.replayed()


def test_a_job_known_to_be_past_its_last_use_is_left_alone(town: Town) -> None:
    id = town.channel()
    job = running(town, joint(uses=1, fences=(1,)), id)
    assert town.ask("bob", "q_chan_status", channel=id).jobs == 1
    saved = {"job": job, "fence": town.bench.fence(job), "checkpoint": "chk_x", "blob": "b", "size_bytes": 1}
    town.bench.step(Saved, **saved, epoch=1)
    assert town.ask("bob", "q_chan_status", channel=id).jobs == 0
    assert closing(town, id) == []
    town.bench.fail(job, died=True)  # it goes on from the saved state
    assert town.state(job) == "QUEUED"
    town.replayed()


def test_a_job_whose_state_is_lost_needs_the_channel_again(town: Town) -> None:
    id = town.channel()
    job = running(town, joint(uses=1, fences=(1,)), id)
    (interrupt,) = closing(town, id)
    stopped(town, job, interrupt, 1)
    fields = {"engine": "reference", "start": True}
    fence = town.bench.fence(job)
    town.bench.step(Failed, job=job, fence=fence, kind="UNSUPPORTED", message="another version", fields=fields)
    assert town.error(job) == "CHANNEL_CLOSED"


def test_a_job_whose_launch_cannot_stop_keeps_the_channel_to_its_end(town: Town) -> None:
    id = town.channel()
    job = running(town, joint(uses=1, fences=(0,)), id)
    (interrupt,) = closing(town, id)
    town.bench.step(NotInterrupted, job=job, fence=interrupt.fence, ref=interrupt.ref, kind="yield", message="no more")
    assert town.state(job) == "RUNNING"
    town.bench.finish(job)
    assert town.state(job) == "COMPLETED"
    without = town.channel()
    batch = town.submit("alice", joint(), channels={"c": without})
    town.bench.start(batch)
    assert closing(town, without) == []


def test_running_it_again_is_charged_again(town: Town) -> None:
    id = town.channel(entanglements_max=25)
    job = town.submit("alice", joint(uses=1), channels={"c": id})
    town.bench.start(job)
    town.bench.finish(job)
    assert town.again("q_replay", job_id=job).replay_of == job
    assert town.used(id) == 20
    assert town.again("q_replay", job_id=job).kind.name == "CHANNEL_EXHAUSTED"
    town.ask("bob", "q_close_chan", channel=id)
    assert town.again("q_replay", job_id=job).kind.name == "CHANNEL_CLOSED"
    town.replayed()


@pytest.mark.parametrize(("epoch", "charged"), [(1, 20), (2, 0)])
def test_a_restored_job_is_charged_only_if_a_use_is_left(town: Town, epoch: int, charged: int) -> None:
    id = town.channel()
    job = running(town, joint(uses=2, fences=(1, 2)), id)
    town.bench.call("q_checkpoint", session_id=town.session["alice"], job_id=job)
    kept = next(iter(town.bench.kernel.asks.of_job(job))).checkpoint
    saved = {"job": job, "fence": town.bench.fence(job), "checkpoint": kept, "blob": "b", "size_bytes": 1}
    town.bench.step(Saved, **saved, epoch=epoch)
    assert town.used(id) == 20
    assert isinstance(town.again("q_restore", checkpoint_id=kept).job_id, str)
    assert town.used(id) == 20 + charged
    town.replayed()


def test_an_expired_channel_is_closed_by_the_clock(town: Town) -> None:
    id = town.channel(expiry=2000.0)
    waiting = town.submit("alice", joint(), channels={"c": id})
    town.bench.now_s = 1999.9
    town.bench.step(ConnectionClosed, conn=99)
    assert town.state(waiting) == "QUEUED"
    town.bench.now_s = 2000.0
    town.bench.step(TimerFired, key=f"chan:{id}")
    assert town.error(waiting) == "CHANNEL_EXPIRED"
    assert town.ask("alice", "q_chan_status", channel=id).state == "EXPIRED"
    town.bench.now_s = 1000.0  # the clock was set back
    assert town.submit("alice", joint(), channels={"c": id}).kind.name == "CHANNEL_EXPIRED"
    town.replayed()


def test_expiry_is_timed_and_a_timer_that_comes_early_is_set_again(town: Town) -> None:
    effects = town.bench.call(
        "q_open_chan",
        session_id=town.session["alice"],
        peers=["alice", "bob"],
        fidelity=0.9,
        entanglements_max=1,
        expiry=2000.0,
    )
    (timer,) = [effect for effect in effects if isinstance(effect, SetTimer)]
    assert timer.at_ns == 2000 * 10**9
    assert town.bench.step(TimerFired, key=timer.key) == [timer]
    restarted = town.bench.restarted()
    assert timer in restarted.recover()


def test_a_channel_that_expired_while_the_daemon_was_down_fails_its_jobs(town: Town) -> None:
    id = town.channel(expiry=2000.0)
    started = town.submit("alice", joint(), channels={"c": id})
    town.bench.start(started)
    waiting = town.submit("alice", joint(), channels={"c": id})
    fresh = town.bench.restarted()
    fresh.now_s = 3000.0
    fresh.recover()
    jobs = fresh.kernel.jobs.by_id
    assert [jobs[job].error["data"]["name"] for job in (started, waiting)] == ["CHANNEL_EXPIRED"] * 2
    assert fresh.kernel.channels.by_id[id].pairs_used == 10  # the one that never started gave its pairs back
    again = fresh.restarted()
    assert again.kernel.snapshot() == fresh.kernel.snapshot()


def test_what_was_enough_at_submit_may_be_gone_when_the_router_answers(town: Town) -> None:
    id = town.channel(entanglements_max=15)
    routes = []
    for _ in range(2):
        effects = town.bench.call(
            "q_submit",
            session_id=town.session["alice"],
            graph=joint(),
            shots=10,
            policy=policy_of({"channels": {"c": id}}),
        )
        routes += [effect for effect in effects if isinstance(effect, Route)]
    town.bench.route(routes[0].job)
    refused = [effect for effect in town.bench.route(routes[1].job) if isinstance(effect, ReplyError)]
    assert [effect.error.kind.name for effect in refused] == ["CHANNEL_EXHAUSTED"]
    assert town.used(id) == 10
    assert town.bench.kernel.tenant("alice").queued_jobs.in_use == 1


def test_a_name_that_the_program_does_not_open_is_refused(town: Town) -> None:
    id = town.channel()
    error = town.submit("alice", joint(), channels={"c": id, "d": id})
    assert error.kind.name == "INVALID_PARAMS"
    assert "'d'" in error.message


def test_programs_are_bound_to_the_devices_links(make_bench: Any) -> None:
    town = Town(make_bench, link=Link(0.8))
    graph = capped(Builder(2).channel(0, 1).use().close().channel(0, 1, "d", raw=0.99).measure_all().graph())
    town.submit("alice", graph)
    (record,) = [record for record in town.bench.journal if type(record).__name__ == "Submitted"]
    assert [node.args.get("raw") for node in unpack(record.graph).nodes if node.op == "channel.open"] == [0.8, 0.99]
    effects = town.bench.call("q_estimate", session_id=town.session["alice"], graph=graph)
    (estimate,) = [effect for effect in effects if isinstance(effect, Estimate)]
    assert estimate.digest == record.digest
    unreachable = capped(Builder(2).channel(0, 1, fidelity=1.0).measure_all().graph())
    assert town.submit("alice", unreachable).kind.name == "UNSUPPORTED"


@pytest.mark.parametrize("registered", [False, True])
def test_where_nobody_else_is_known_there_is_nobody_to_open_a_channel_to(make_bench: Any, registered: bool) -> None:
    """The operator may have registered the local tenant itself, to change its quotas."""
    bench = make_bench()
    if registered:
        bench.operate("op_tenant_set", tenant="local", quotas={"queued_jobs": 5})
    session = bench.open(requested=CAPS)
    bounds = {"fidelity": 0.9, "entanglements_max": 5}
    error = bench.refusal("q_open_chan", session_id=session, peers=["local", "bob"], **bounds)
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "peers")
    assert "no tenant but 'local'" in error.message
    assert "qmk tenant add" in error.fields["help"]
    assert bench.kernel.tenant("local").channels.in_use == 0
    for peer, state in (("local", OPEN), ("bob", PROPOSED)):
        effects = bench.call("q_open_chan", session_id=session, peers=["local", peer], **bounds)
        assert [effect.result.state for effect in effects if isinstance(effect, Reply)] == [state]
        bench.enrol("alice")  # from now on there is somebody to hide


def test_where_nobody_else_is_known_owners_are_labels(make_bench: Any) -> None:
    bench = make_bench()
    assert isinstance(bench.submit(bench.open(), graph=joint()), str)


STATES = (PROPOSED, OPEN, EXHAUSTED, CLOSED, EXPIRED)


@pytest.mark.parametrize("source", STATES)
@pytest.mark.parametrize("target", STATES)
def test_only_the_moves_of_the_table_exist(source: str, target: str) -> None:
    channel = Channel(id="c", proposer="a", peer="b", state=source, fidelity=0.9, granted=0.9, pairs_max=1)
    if any((move.source, move.target) == (source, target) for move in MOVES):
        assert channel.with_state(target).state == target
    else:
        with pytest.raises(IllegalMove):
            channel.with_state(target)


def test_components_are_told(town: Town) -> None:
    b = Builder(5).op("h", 0).op("cnot", 0, 2).op("cnot", 2, 4).channel(1, 3, "c").close()
    b.op("free", 0)
    b.alloc(1)
    b.measure_all()
    b.nodes = [node for node in b.nodes if node.vqs != ("q0",) or node.op != "core.mz"]
    job = town.submit("alice", capped(b.graph()), debug=True)
    rows = town.ask("alice", "q_get_mapping", job_id=job).placements
    assert [row.component for row in rows] == [0, 1, 0, 2, 0, 3]
    assert town.ask("alice", "q_get_telemetry", job_id=job).job.components == [3, 1, 1, 1]
    used = town.submit("alice", capped(Builder(3).channel(0, 2).use().measure_all().graph()), debug=True)
    assert town.ask("alice", "q_get_telemetry", job_id=used).job.components == [2, 1]


def test_a_refusal_says_what_to_do(town: Town) -> None:
    error: QmkError = town.submit("alice", joint())
    assert error.kind.name == "CHANNEL_REQUIRED"
    assert error.message == "node 'n3' opens a channel between tenants 'alice' and 'bob' without their leave"
    assert '{"channels": {"c": "chan_..."}}' in error.fields["help"]


def test_pairs_stay_spent_when_their_job_is_forgotten(make_bench: Any) -> None:
    town = Town(make_bench, kept_jobs=1)
    channel = town.channel()
    first = town.submit("alice", joint(), channels={"c": channel})
    town.bench.start(first)
    town.bench.finish(first)
    spent = town.used(channel)
    assert spent == 10
    other = town.submit("alice", joint(), channels={"c": channel})
    town.bench.start(other)
    assert Forget(first) in town.bench.finish(other)
    town.bench.journal = [row for row in town.bench.journal if getattr(row, "job", "") != first]  # as the host does
    assert town.bench.restarted().kernel.channels.by_id[channel].pairs_used == town.used(channel) == 2 * spent
