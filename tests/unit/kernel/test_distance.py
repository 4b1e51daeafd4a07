"""Jobs whose noise drifts: the kernel asks at fences, and takes the program that the host has written anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.shapes import Footprint, Policy, Qec, Stage
from qmk.base.limits import LIMITS
from qmk.kernel import cache
from qmk.kernel.config import TenantConfig
from qmk.kernel.effects import Audit, Charge, Kill, Launch, Recalibrate, Recall, Route
from qmk.kernel.events import Finished, Progressed, Recalled, Yielded
from qmk.kernel.rewriting import ChangeRefused, Recalibrated, Rewritten
from qmk.policy import views
from qmk.qvm.graph import Graph, Node, digest, pack

BEGAN = 900.0
QEC = Qec(machine="surface(d=3)", noise='{"points":[{"time_s":0.0,"circuit":1e-3}]}', began=BEGAN, target=1e-4)
FENCES = 2
WIDTH = {3: 9 * 17, 5: 9 * 49, 7: 9 * 97}


def footprint(distance: int = 3, at: float = 0.0, stages: tuple[tuple[int, int], ...] = ()) -> Footprint:
    rounds = [4 * distance] * (FENCES + 1)
    for epoch, before in reversed(stages):
        rounds[:epoch] = [4 * before] * epoch
    return Footprint(
        machine=f"surface(d={distance}),t=distilled",
        noise=f"lab@{at:g}s",
        distance=distance,
        physical_qubits=WIDTH[distance],
        patch_qubits=WIDTH[distance] // 9,
        patches=2,
        tiles=9,
        factory_qubits=0,
        cycles=4 * len(rounds),
        rounds=sum(rounds),
        epoch_rounds=rounds,
        move_rounds=2 * distance,
        calibrated_s=at,
        stages=[Stage(last_epoch=e, distance=d, physical_qubits=WIDTH[d], noise="lab") for e, d in stages],
    )


def noisy(graph: Graph, chance: float, after: str = "h") -> Graph:
    at = next(index for index, node in enumerate(graph.nodes) if node.id == after) + 1
    error = Node(f"patch_{after}", "noise.pauli", {"px": chance}, ("q0",))
    return msgspec.structs.replace(graph, version="1.0", nodes=(*graph.nodes[:at], error, *graph.nodes[at:]))


class Lab:
    """A job with two fences on a bench, and a host that writes programs."""

    def __init__(self, bench: Any, program: Any, **policy: Any) -> None:
        self.bench = bench
        self.program: Graph = program(fences=FENCES)
        self.session = bench.open()
        self.first = noisy(self.program, 0.125)
        self.job = self.submit(**policy)

    def submit(self, **policy: Any) -> str:
        wish = Policy(qec=QEC, **policy)
        (route,) = self.bench.call("q_submit", session_id=self.session, graph=self.program, policy=wish, shots=100)
        assert isinstance(route, Route)
        self.bench.route(route.job, footprint=footprint(), graph=self.first, fenced=True)
        self.bench.start(route.job)
        return route.job

    @property
    def kernel(self) -> Any:
        return self.bench.kernel.jobs.by_id[self.job]

    def passes(self, epoch: int) -> list[Any]:
        return self.bench.step(Progressed, job=self.job, fence=self.bench.fence(self.job), shots_done=0, epoch=epoch)

    def answer(self, epoch: int, graph: Graph | None, taken: Footprint | None, **more: Any) -> list[Any]:
        more = {"fence": self.bench.fence(self.job), "calibrated_s": 60.0, "reason": "grow: it errs", **more}
        return self.bench.step(Recalibrated, job=self.job, epoch=epoch, graph=graph, footprint=taken, **more)

    def grows(self, epoch: int = 1, distance: int = 5) -> list[Any]:
        """The rest of the program after ``epoch`` at another distance."""
        self.passes(epoch)
        return self.answer(epoch, self.anew(epoch), footprint(distance, 60.0, ((epoch, 3),)))

    def anew(self, epoch: int) -> Graph:
        return noisy(self.first, 0.25, after=f"f{epoch - 1}")

    def consistent(self) -> None:
        assert self.bench.restarted().kernel.snapshot() == self.bench.kernel.snapshot()


@pytest.fixture
def lab(bench: Any, program: Any) -> Lab:
    return Lab(bench, program)


def of(effects: list[Any], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_the_host_is_asked_at_every_fence_between_epochs(lab: Lab) -> None:
    (asked,) = of(lab.passes(1), Recalibrate)
    fence = lab.bench.fence(lab.job)
    assert asked == Recalibrate(lab.job, fence, 1, QEC, footprint(), 0.0, "local")
    assert of(lab.passes(1), Recalibrate) == [], "it stands where it stood"
    assert of(lab.passes(2), Recalibrate)
    assert of(lab.passes(3), Recalibrate) == [], "nothing is left to write"


def test_a_job_whose_noise_does_not_drift_asks_nobody(bench: Any, program: Any) -> None:
    session = bench.open()
    still = Qec(machine="surface(d=3)", noise="p=1e-3")
    (route,) = bench.call("q_submit", session_id=session, graph=program(fences=1), policy=Policy(qec=still))
    bench.route(route.job, footprint=footprint(), graph=noisy(program(fences=1), 0.1), fenced=True)
    bench.start(route.job)
    effects = bench.step(Progressed, job=route.job, fence=bench.fence(route.job), shots_done=0, epoch=1)
    assert not of(effects, Recalibrate)


def test_the_job_goes_on_with_the_new_program_from_its_start(lab: Lab) -> None:
    fence = lab.bench.fence(lab.job)
    lab.bench.now_s += 3
    effects = lab.grows()
    record = lab.bench.journal[-1]
    graph = lab.anew(1)
    assert isinstance(record, Rewritten)
    assert (record.epoch, record.digest, record.graph) == (1, digest(graph), pack(graph))
    assert of(effects, Kill) == [Kill(lab.job, fence)]
    (launch,) = of(effects, Launch)
    assert (launch.digest, launch.start_from, launch.engine) == (digest(graph), "", "reference")
    (charge,) = of(effects, Charge)
    amounts = [charge.amounts[name] for name in ("rounds", "shots_period", "engine_seconds")]
    assert (charge.outcome, amounts) == ("rewritten", [0, 0, 3])
    assert lab.kernel.submitted.width == WIDTH[5]
    assert lab.bench.kernel.tenant("local").quota("physical_qubits").in_use == WIDTH[5]
    lab.consistent()


def test_the_result_and_the_bill_are_those_of_both_distances(lab: Lab) -> None:
    lab.grows()
    lab.bench.start(lab.job)
    status = lab.bench.ask("q_status", session_id=lab.session, job_id=lab.job)
    assert (status.changes, status.physical_qubits) == (1, WIDTH[5])
    (charge,) = of(lab.bench.finish(lab.job), Charge)
    assert charge.amounts["rounds"] == 100 * 4 * (3 + 5 + 5)
    told = views.result(lab.kernel).provenance
    assert told.footprint == footprint(5, 60.0, ((1, 3),))
    (change,) = told.changes
    assert (change.epoch, change.from_distance, change.to_distance, change.made) == (1, 3, 5, True)
    lab.consistent()


def test_fences_before_the_change_ask_nobody_again(lab: Lab) -> None:
    lab.grows()
    lab.bench.start(lab.job)
    assert not of(lab.passes(1), Recalibrate)
    (asked,) = of(lab.passes(2), Recalibrate)
    assert (asked.since_s, asked.footprint.distance) == (60.0, 5)


def test_a_job_follows_no_more_points_than_the_limit(lab: Lab) -> None:
    change = {"epoch": 1, "calibrated_s": 1.0, "from_distance": 3, "to_distance": 5, "made": False, "reason": "no room"}
    lab.kernel.changes = (change,) * (LIMITS.noise_changes - 1)
    assert of(lab.passes(1), Recalibrate)
    lab.kernel.changes = (change,) * LIMITS.noise_changes
    assert not of(lab.passes(2), Recalibrate)


def test_an_answer_to_a_launch_that_is_over_changes_nothing(lab: Lab) -> None:
    lab.passes(1)
    stale = lab.bench.fence(lab.job)
    lab.bench.fail(lab.job, died=True)
    before = lab.bench.kernel.snapshot()
    assert lab.answer(1, lab.anew(1), footprint(5, 60.0, ((1, 3),)), fence=stale) == []
    assert lab.bench.kernel.snapshot() == before


def test_a_quota_without_room_is_told_and_the_rates_change_alone(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(local=TenantConfig(quotas={"physical_qubits": WIDTH[5] - 1})), program)
    effects = lab.grows()
    record = lab.bench.journal[-1]
    assert isinstance(record, ChangeRefused)
    assert not of(effects, Kill)
    (asked,) = of(effects, Recalibrate)
    assert (asked.keep, asked.since_s, asked.epoch) == (True, 60.0, 1)
    lab.consistent()
    lab.answer(1, lab.anew(1), footprint(3, 60.0, ((1, 3),)), reason="keep: the distance that it has")
    refused, made = lab.kernel.changes
    assert (refused["made"], refused["to_distance"]) == (False, 5)
    assert "physical_qubits" in refused["reason"]
    assert (made["made"], made["to_distance"]) == (True, 3)
    lab.consistent()


def test_no_region_without_room_is_waited_for(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(regions=(("floor", WIDTH[5] - 1),)), program)
    effects = lab.grows()
    assert of(effects, Recalibrate)[0].keep
    (refused,) = lab.kernel.changes
    assert "floor" in refused["reason"]


def test_a_region_that_is_taken_is_waited_for(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(workers=2, regions=(("floor", WIDTH[5] + WIDTH[3] - 1),)), program)
    other = lab.submit()
    effects = lab.grows()
    assert not of(effects, Launch)
    assert lab.kernel.state == "QUEUED"
    lab.bench.finish(other)
    assert lab.bench.launches[-1].job == lab.job
    lab.consistent()


def loaded(taken: Footprint, load: float) -> Footprint:
    return msgspec.structs.replace(taken, decoder_load=load)


def test_the_host_is_told_what_others_ask_of_the_decoder(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(workers=3), program)
    for load in (0.3, 0.25):
        wish = Policy(qec=QEC)
        (route,) = lab.bench.call("q_submit", session_id=lab.session, graph=lab.program, policy=wish, shots=100)
        lab.bench.route(route.job, footprint=loaded(footprint(), load), graph=lab.first, fenced=True)
    (asked,) = of(lab.passes(1), Recalibrate)
    assert asked.others == pytest.approx(0.55)


def test_no_larger_distance_is_taken_that_the_decoder_could_not_follow(lab: Lab) -> None:
    lab.passes(1)
    effects = lab.answer(1, lab.anew(1), loaded(footprint(5, 60.0, ((1, 3),)), 0.9))
    assert not of(effects, Kill)
    assert of(effects, Recalibrate)[0].keep
    (refused,) = lab.kernel.changes
    assert "0.90" in refused["reason"]
    lab.consistent()


def test_a_job_whose_noise_rose_above_the_bound_runs_with_nothing_beside_that_is_decoded(
    make_bench: Any, program: Any
) -> None:
    lab = Lab(make_bench(workers=3), program)
    lab.passes(1)
    (launch,) = of(lab.answer(1, lab.anew(1), loaded(footprint(3, 60.0, ((1, 3),)), 1.4)), Launch)
    assert launch.job == lab.job
    wish = Policy(qec=QEC)
    (route,) = lab.bench.call("q_submit", session_id=lab.session, graph=lab.program, policy=wish, shots=100)
    effects = lab.bench.route(route.job, footprint=loaded(footprint(), 0.01), graph=lab.first, fenced=True)
    assert not of(effects, Launch)
    status = lab.bench.ask("q_status", session_id=lab.session, job_id=lab.job)
    assert status.decoder_load == 1.4
    (recall,) = of(lab.bench.call("q_replay", session_id=lab.session, job_id=lab.job), Recall)
    lab.bench.step(Recalled, key=recall.key, graph=pack(lab.anew(1)))
    assert lab.bench.journal[-1].footprint.decoder_load == 1.4, "a replay is not refused"
    lab.bench.start(lab.job)
    lab.bench.finish(lab.job)
    assert lab.bench.launches[-1].job == route.job
    lab.consistent()


@pytest.mark.parametrize("wrong", ["no graph", "another program", "invalid"])
def test_what_is_not_the_jobs_program_is_refused_and_the_job_goes_on(lab: Lab, wrong: str) -> None:
    lab.passes(1)
    graph: Graph | None = lab.anew(1)
    taken: Footprint | None = footprint(5, 60.0, ((1, 3),))
    if wrong == "no graph":
        graph = taken = None
    elif wrong == "another program":
        more = Node("more", "core.x", vqs=("q0",))
        graph = msgspec.structs.replace(graph, nodes=(*graph.nodes[:3], more, *graph.nodes[3:]))
    else:
        graph = msgspec.structs.replace(graph, nodes=(*graph.nodes, Node("late", "core.fence", vqs=("q9",))))
    effects = lab.answer(1, graph, taken)
    assert not of(effects, Kill)
    assert not of(effects, Recalibrate)
    (change,) = lab.kernel.changes
    assert not change["made"]
    assert lab.kernel.state == "RUNNING"
    assert of(lab.passes(2), Recalibrate)[0].since_s == 60.0, "the same point is not asked for again"


def test_a_state_of_the_program_before_is_dropped(lab: Lab) -> None:
    state = {"checkpoint": "chk_1", "epoch": 1, "blob": "b", "size_bytes": 10}
    lab.bench.step(Yielded, job=lab.job, fence=lab.bench.fence(lab.job), why="preempted", **state)
    lab.bench.start(lab.job)
    assert lab.kernel.saved
    (launch,) = of(lab.grows(2), Launch)
    assert launch.start_from == ""
    assert lab.kernel.epochs_done == 0
    lab.consistent()


def test_a_compacted_journal_has_the_newest_program(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(job_records=3), program)
    lab.grows()
    for _ in range(4):
        lab.bench.start(lab.job)
        lab.bench.fail(lab.job, died=True)
    assert any(type(record).__name__ == "JobState" for record in lab.bench.journal)
    lab.consistent()


def test_a_restart_launches_the_new_program(lab: Lab) -> None:
    lab.grows()
    fresh = lab.bench.restarted()
    fresh.recover()
    assert fresh.launches[-1].digest == digest(lab.anew(1))


def test_a_replay_has_the_new_program_and_asks_nobody(lab: Lab) -> None:
    lab.grows()
    bench = lab.bench
    (recall,) = of(bench.call("q_replay", session_id=lab.session, job_id=lab.job), Recall)
    bench.step(Recalled, key=recall.key, graph=pack(lab.anew(1)))
    again = bench.journal[-1]
    assert (again.digest, again.footprint.distance) == (digest(lab.anew(1)), 5)
    bench.start(lab.job)
    bench.finish(lab.job)
    bench.start(again.job)
    effects = bench.step(Progressed, job=again.job, fence=bench.fence(again.job), shots_done=0, epoch=2)
    assert not of(effects, Recalibrate)


def test_the_place_of_a_replay_is_that_of_the_widest_stage(lab: Lab) -> None:
    lab.passes(1)
    taken = loaded(footprint(3, 60.0, ((1, 7),)), 0.2)
    stage = msgspec.structs.replace(taken.stages[0], decoder_load=0.7)
    lab.answer(1, lab.anew(1), msgspec.structs.replace(taken, stages=[stage]))
    (recall,) = of(lab.bench.call("q_replay", session_id=lab.session, job_id=lab.job), Recall)
    lab.bench.step(Recalled, key=recall.key, graph=pack(lab.anew(1)))
    assert lab.kernel.submitted.width == WIDTH[3]
    assert lab.bench.journal[-1].width == WIDTH[7]
    assert (lab.kernel.submitted.footprint.decoder_load, lab.bench.journal[-1].footprint.decoder_load) == (0.2, 0.7)


def test_the_cache_knows_the_result_by_the_program_that_ran(make_bench: Any, program: Any) -> None:
    """Who asks for the program as it was accepted gets no result of the other."""
    lab = Lab(make_bench(), program, seed=4)
    accepted = lab.kernel.submitted
    lab.grows()
    lab.bench.start(lab.job)
    lab.bench.step(Finished, job=lab.job, fence=lab.bench.fence(lab.job), usage={}, version="1")
    jobs = lab.bench.kernel.jobs
    assert cache.find(jobs.cache, jobs.by_id, accepted, "1") is None
    found = cache.find(jobs.cache, jobs.by_id, lab.kernel.submitted, "1")
    assert found is not None
    assert found.job == lab.job


def test_the_audit_log_says_it(make_bench: Any, program: Any) -> None:
    lab = Lab(make_bench(audited=True), program)
    entries = {entry.kind: entry.fields for entry in of(lab.grows(), Audit)}
    assert entries["job.rewrite"]["distance"] == 5
    assert entries["job.rewrite"]["physical_qubits"] == WIDTH[5]


def test_handles_are_where_the_new_patches_are(make_bench: Any, program: Any) -> None:
    bench = make_bench()
    lab = Lab.__new__(Lab)
    lab.bench, lab.program, lab.first = bench, program(fences=FENCES), noisy(program(fences=FENCES), 0.125)
    lab.session = bench.open(requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_DEBUG"])
    lab.job = lab.submit(debug=True)
    lab.grows()
    reply = bench.ask("q_get_mapping", session_id=lab.session, job_id=lab.job)
    assert [row.index for row in reply.placements] == [0, 49]
