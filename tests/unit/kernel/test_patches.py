"""Jobs on logical qubits: the footprint that the host tells bounds, places, bills and moves them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.shapes import Footprint, Policy, Qec
from qmk.base.limits import LIMITS
from qmk.kernel.config import TenantConfig
from qmk.kernel.effects import Audit, Charge, Estimate, Interrupt, Launch, Recall, Reply, ReplyError, Route
from qmk.kernel.events import Failed, JobState, Progressed, Recalled, Submitted, Yielded
from qmk.policy import views
from qmk.qvm.graph import Graph, Node, digest, pack

QEC = Qec(machine="surface(d=5)", noise="p=1e-3")
PATCH = 49
DISTANCE = 5
TILES = 9


def footprint(epochs: int = 1, **changed: Any) -> Footprint:
    cycles = 4 * epochs
    made = Footprint(
        machine="surface(d=5),t=distilled",
        noise="p=1e-3 [0b7982453164]",
        distance=DISTANCE,
        physical_qubits=TILES * PATCH,
        patch_qubits=PATCH,
        patches=2,
        tiles=TILES,
        factory_qubits=0,
        cycles=cycles,
        rounds=cycles * DISTANCE,
        epoch_rounds=[4 * DISTANCE] * epochs,
        move_rounds=2 * DISTANCE,
    )
    return msgspec.structs.replace(made, **changed)


def noisy(graph: Graph) -> Graph:
    """As the machine writes it: with an error after the first gate."""
    at = next(index for index, node in enumerate(graph.nodes) if node.id == "h") + 1
    error = Node("patch_0", "noise.pauli", {"px": 0.125}, graph.nodes[at - 1].vqs)
    return msgspec.structs.replace(graph, version="1.0", nodes=(*graph.nodes[:at], error, *graph.nodes[at:]))


class Machines:
    """A bench with a host that writes programs for machines."""

    def __init__(self, bench: Any, program: Any, **config: Any) -> None:
        self.bench = bench
        self.program = program
        self.session = bench.open(**config)

    def ask(self, fences: int = 0, **params: Any) -> Route:
        policy = Policy(qec=QEC, **params.pop("policy", {}))
        graph = self.program(fences=fences)
        params.setdefault("shots", 100)
        (route,) = self.bench.call("q_submit", session_id=self.session, graph=graph, policy=policy, **params)
        assert isinstance(route, Route)
        return route

    def answer(
        self, route: Route, taken: Footprint | None = None, graph: Graph | None = None, **more: Any
    ) -> list[Any]:
        assert route.graph is not None
        fences = sum(node.op == "core.fence" for node in route.graph.nodes)
        written = noisy(route.graph) if graph is None else graph
        return self.bench.route(
            route.job, footprint=taken or footprint(fences + 1), graph=written, fenced=fences > 0, **more
        )

    def submit(self, fences: int = 0, **params: Any) -> str:
        route = self.ask(fences, **params)
        self.answer(route)
        return route.job

    def migrate(self, job: str, region: str) -> list[Any]:
        """Asks, reads the program and yields at the first fence."""
        effects = self.bench.call("q_migrate", session_id=self.session, job_id=job, region=region)
        record = next(row for row in self.bench.journal if isinstance(row, Submitted) and row.job == job)
        for recall in [effect for effect in effects if isinstance(effect, Recall)]:
            self.bench.step(Recalled, key=recall.key, graph=record.graph)
        return self.yields(job)

    def yields(self, job: str, why: str = "migrated", epoch: int = 1) -> list[Any]:
        (asked,) = self.bench.kernel.asks.asked_of(job, self.bench.fence(job)).values()
        state = {"checkpoint": asked.ref, "epoch": epoch, "blob": f"b{epoch}", "size_bytes": 10}
        return self.bench.step(Yielded, job=job, fence=self.bench.fence(job), why=why, **state)

    def consistent(self) -> None:
        """A restart knows all of it."""
        assert self.bench.restarted().kernel.snapshot() == self.bench.kernel.snapshot()


@pytest.fixture
def machines(bench: Any, program: Any) -> Machines:
    return Machines(bench, program)


def of(effects: list[Any], kind: type) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_the_host_is_asked_with_the_machine_and_the_record_has_what_it_wrote(machines: Machines) -> None:
    route = machines.ask(policy={"seed": 3})
    assert route.policy["qec"] == {"machine": "surface(d=5)", "noise": "p=1e-3"}
    assert route.tenant == "local"
    effects = machines.answer(route)
    (journal, reply, launch) = effects
    written = noisy(machines.program())
    record = journal.record
    assert (record.digest, record.graph, record.width) == (digest(written), pack(written), TILES * PATCH)
    assert (record.nodes, record.n_qubits, record.gates) == (len(written.nodes), 2, 2)
    assert reply.result.state == "QUEUED"
    assert launch.digest == digest(written)
    status = machines.bench.ask("q_status", session_id=machines.session, job_id=route.job)
    assert status.physical_qubits == TILES * PATCH
    assert machines.bench.kernel.tenant("local").quota("physical_qubits").in_use == TILES * PATCH
    assert machines.bench.kernel.tenant("local").quota("logical_qubits").in_use == 2
    machines.consistent()


def test_patches_beyond_the_quota_are_refused_with_the_number(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(local=TenantConfig(quotas={"physical_qubits": TILES * PATCH - 1})), program)
    route = machines.ask()
    (refused,) = of(machines.answer(route), ReplyError)
    assert refused.error.kind.name == "QUOTA_EXCEEDED"
    wanted = {"quota": "physical_qubits", "asked": TILES * PATCH, "limit": TILES * PATCH - 1, "retryable": False}
    assert {name: refused.error.fields[name] for name in wanted} == wanted
    assert str(TILES * PATCH) in refused.error.message
    assert machines.bench.kernel.jobs.by_id == {}
    assert machines.bench.kernel.tenant("local").quota("logical_qubits").in_use == 0


def test_what_writing_adds_to_the_program_counts_against_the_quotas(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(local=TenantConfig(quotas={"gates": 299})), program)
    route = machines.ask()
    graph = noisy(machines.program())
    more = msgspec.structs.replace(graph, nodes=(*graph.nodes[:3], Node("s", "core.s", vqs=("q0",)), *graph.nodes[3:]))
    (refused,) = of(machines.answer(route, graph=more), ReplyError)
    assert (refused.error.fields["quota"], refused.error.fields["limit"]) == ("gates", 299)
    assert machines.bench.kernel.tenant("local").quota("gates").held == 0


def test_two_jobs_that_fit_as_logical_but_not_as_physical_qubits_run_one_after_the_other(
    make_bench: Any, program: Any
) -> None:
    machines = Machines(make_bench(workers=2, regions=(("floor", 2 * TILES * PATCH - 1),)), program)
    first, second = machines.submit(), machines.submit()
    bench = machines.bench
    assert [launch.job for launch in bench.launches] == [first]
    bench.start(first)
    bench.finish(first)
    assert [launch.job for launch in bench.launches] == [first, second]
    machines.consistent()


def test_jobs_that_the_decoder_could_not_follow_together_run_one_after_the_other(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(workers=3), program)
    bench = machines.bench
    jobs = []
    for load in (0.5, 0.4, 0.35):
        route = machines.ask()
        machines.answer(route, footprint(events_per_round=10.0, decoder_load=load))
        jobs.append(route.job)
    launched = [launch.job for launch in bench.launches]
    assert launched == [jobs[0], jobs[2]], "0.35 fits beside either, and holds 0.4 back from nothing"
    status = bench.ask("q_status", session_id=machines.session, job_id=jobs[1])
    assert (status.state, status.decoder_load) == ("QUEUED", 0.4)
    told = bench.ask("q_get_telemetry", session_id=machines.session, job_id=jobs[1]).job
    assert told.decoder_load == 0.4
    bench.start(jobs[0])
    bench.finish(jobs[0])
    assert bench.launches[-1].job == jobs[1]
    told = views.result(bench.kernel.jobs.by_id[jobs[0]]).provenance.footprint
    assert told is not None
    assert told.decoder_load == 0.5
    machines.consistent()


@pytest.mark.parametrize("load", [0.86, 3.0, float("inf"), float("nan")])
def test_a_job_that_the_decoder_could_not_follow_alone_is_refused_with_the_number(
    machines: Machines, load: float
) -> None:
    (refused,) = of(machines.answer(machines.ask(), footprint(decoder_load=load)), ReplyError)
    assert refused.error.kind.name == "RESOURCE_EXHAUSTED"
    assert (refused.error.fields["resource"], refused.error.fields["limit"]) == ("decoder_load", 0.85)
    assert f"{load:.2f}" in refused.error.message
    assert machines.bench.kernel.jobs.by_id == {}


def test_a_machine_wider_than_every_region_is_refused_with_the_numbers(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(regions=(("floor", 100),)), program)
    (refused,) = of(machines.answer(machines.ask()), ReplyError)
    assert refused.error.kind.name == "RESOURCE_EXHAUSTED"
    assert (refused.error.fields["asked"], refused.error.fields["limit"]) == (TILES * PATCH, 100)


def test_by_default_a_region_has_room_for_a_thousand_logical_qubits(machines: Machines) -> None:
    most = LIMITS.region_qubits
    (refused,) = of(machines.answer(machines.ask(), footprint(physical_qubits=most + 1)), ReplyError)
    assert refused.error.fields["quota"] == "physical_qubits", "the default of the quota is as much"
    launch = of(machines.answer(machines.ask(), footprint(physical_qubits=most)), Launch)
    assert launch, "2,091 tiles of 241 qubits are half a million"


@pytest.mark.parametrize("wrong", ["no footprint", "no graph", "other fences", "no qubits"])
def test_an_answer_that_does_not_fit_the_job_makes_none(machines: Machines, wrong: str) -> None:
    route = machines.ask()
    written = noisy(machines.program())
    if wrong == "no footprint":
        effects = machines.bench.route(route.job)
    elif wrong == "no graph":
        effects = machines.bench.route(route.job, footprint=footprint())
    elif wrong == "other fences":
        effects = machines.answer(route, graph=noisy(machines.program(fences=1)))
    else:
        effects = machines.answer(route, footprint(physical_qubits=0), written)
    (refused,) = of(effects, ReplyError)
    assert refused.error.kind.name == "INTERNAL_ERROR"
    assert machines.bench.kernel.jobs.by_id == {}


def test_what_the_host_wrote_is_verified_again(machines: Machines) -> None:
    route = machines.ask()
    graph = noisy(machines.program())
    broken = msgspec.structs.replace(graph, nodes=(*graph.nodes, Node("late", "core.x", vqs=("q0",))))
    (refused,) = of(machines.answer(route, graph=broken), ReplyError)
    assert refused.error.kind.name == "INVALID_GRAPH"


def test_a_footprint_that_nobody_asked_for_makes_no_job(machines: Machines) -> None:
    (route,) = machines.bench.call("q_submit", session_id=machines.session, graph=machines.program())
    (refused,) = of(machines.bench.route(route.job, footprint=footprint(), graph=noisy(machines.program())), ReplyError)
    assert refused.error.kind.name == "INTERNAL_ERROR"


def test_an_estimate_is_of_the_machine(machines: Machines) -> None:
    graph = machines.program()
    effects = machines.bench.call("q_estimate", session_id=machines.session, graph=graph, shots=9, qec=QEC)
    assert effects == [Estimate(1, machines.bench.count, digest(graph), 9, graph, None, QEC, "local")]


def test_a_replay_has_the_program_and_the_place_of_the_job(machines: Machines) -> None:
    job = machines.submit(policy={"seed": 5})
    bench = machines.bench
    record = next(row for row in bench.journal if isinstance(row, Submitted))
    (recall,) = bench.call("q_replay", session_id=machines.session, job_id=job)
    bench.step(Recalled, key=recall.key, graph=record.graph)
    again = bench.journal[-1]
    assert (again.replay_of, again.seed, again.digest) == (job, 5, record.digest)
    assert (again.footprint, again.graph) == (record.footprint, record.graph)
    machines.consistent()


def test_the_audit_log_says_how_many_physical_qubits_are_where(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(audited=True), program)
    entries = {entry.kind: entry.fields for entry in of(machines.answer(machines.ask()), Audit)}
    assert entries["job.admit"]["physical_qubits"] == TILES * PATCH
    assert entries["job.launch"]["physical_qubits"] == TILES * PATCH


def test_a_handle_is_where_its_patch_begins(make_bench: Any, program: Any) -> None:
    machines = Machines(make_bench(), program, requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_DEBUG"])
    job = machines.submit(policy={"debug": True})
    reply = machines.bench.ask("q_get_mapping", session_id=machines.session, job_id=job)
    assert [(row.qubit, row.index) for row in reply.placements] == [("q0", 0), ("q1", PATCH)]


def test_a_record_of_an_earlier_release_has_no_footprint() -> None:
    (field,) = [row for row in msgspec.structs.fields(Submitted) if row.name == "footprint"]
    assert field.default is None


def test_rounds_are_told_by_epoch_and_of_the_whole(machines: Machines) -> None:
    job = machines.submit(fences=1)
    bench = machines.bench

    def progress() -> Any:
        return bench.ask("q_status", session_id=machines.session, job_id=job).progress

    bench.start(job)
    assert (progress().rounds_done, progress().rounds_total) == (0, 8 * DISTANCE)
    bench.step(Progressed, job=job, fence=bench.fence(job), shots_done=0, epoch=1)
    assert progress().rounds_done == 4 * DISTANCE
    figures = bench.ask("q_get_telemetry", session_id=machines.session, job_id=job).job
    assert [(row.epoch, row.rounds) for row in figures.epochs] == [(1, 4 * DISTANCE), (2, 4 * DISTANCE)]
    bench.finish(job)
    assert progress().rounds_done == 8 * DISTANCE
    result = views.result(bench.kernel.jobs.by_id[job])
    assert result.provenance.footprint == footprint(2)


def test_a_job_without_a_machine_has_no_rounds(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    bench.start(job)
    (charge,) = of(bench.finish(job), Charge)
    assert not {"rounds", "physical_qubits"} & set(charge.amounts)
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert (status.progress.rounds_total, status.physical_qubits, status.moves) == (0, 0, 0)


@pytest.mark.parametrize("undone", ["nothing", "its worker died", "the daemon crashed", "a rollback"])
def test_rounds_are_charged_once_whatever_was_undone(machines: Machines, undone: str) -> None:
    job = machines.submit(fences=1)
    bench = machines.bench
    bench.start(job)
    charges: list[Charge] = []
    if undone == "its worker died":
        charges += of(bench.fail(job, died=True), Charge)
    elif undone == "the daemon crashed":
        bench = bench.restarted()
        charges += of(bench.recover(), Charge)
    elif undone == "a rollback":
        effects = bench.call("q_rollback", session_id=machines.session, job_id=job, epoch=1)
        assert of(effects, Interrupt)
        charges += of(machines.yields(job, "rewound"), Charge)
    if undone != "nothing":
        assert [charge.amounts["rounds"] for charge in charges] == [0]
        bench.start(job)
    (last,) = of(bench.finish(job), Charge)
    assert last.amounts["rounds"] == 100 * 8 * DISTANCE
    assert last.amounts["physical_qubits"] == TILES * PATCH


def test_what_was_done_before_a_cancel_is_charged(machines: Machines) -> None:
    job = machines.submit()
    bench = machines.bench
    bench.start(job)
    bench.progress(job, 30)
    (charge,) = of(bench.call("q_cancel", session_id=machines.session, job_id=job), Charge)
    assert charge.amounts["rounds"] == 30 * 4 * DISTANCE


@pytest.fixture
def floors(make_bench: Any, program: Any) -> Machines:
    width = TILES * PATCH
    return Machines(make_bench(workers=2, regions=(("left", width), ("right", width + 7), ("closet", 60))), program)


def test_a_move_takes_the_patches_with_their_footprint_and_states_its_rounds(floors: Machines) -> None:
    bench, session = floors.bench, floors.session
    job = floors.submit(fences=1)
    bench.start(job)
    effects = floors.migrate(job, "right")
    (launch,) = of(effects, Launch)
    assert (launch.region, launch.first_qubit, launch.start_from) == ("right", TILES * PATCH, "b1")
    (reply,) = of(effects, Reply)
    assert reply.result.handles == {"q0": TILES * PATCH, "q1": TILES * PATCH + PATCH}
    bench.start(job)
    other = floors.submit()
    assert bench.launches[-1].job == other
    assert bench.launches[-1].region == "left", "its old place is free"
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert status.moves == 1
    (moved,) = [event for event in bench.kernel.jobs.by_id[job].events if event.kind == "moved"]
    assert moved.fields == {"region": "right", "rounds": 2 * DISTANCE}
    floors.consistent()
    (charge,) = of(bench.finish(job), Charge)
    assert charge.amounts["rounds"] == 100 * (8 * DISTANCE + 2 * DISTANCE)
    assert views.result(bench.kernel.jobs.by_id[job]).provenance.moves == 1
    floors.consistent()


def test_a_region_without_room_for_the_patches_is_refused_with_the_numbers(floors: Machines) -> None:
    job = floors.submit(fences=1)
    error = floors.bench.refusal("q_migrate", session_id=floors.session, job_id=job, region="closet")
    assert error.kind.name == "RESOURCE_EXHAUSTED"
    assert (error.fields["asked"], error.fields["limit"]) == (TILES * PATCH, 60)


def test_patches_that_are_made_anew_did_not_move(floors: Machines) -> None:
    """Its worker dies after the move, and the state is lost with it."""
    bench = floors.bench
    job = floors.submit(fences=1)
    bench.start(job)
    floors.migrate(job, "right")
    bench.start(job)
    assert bench.kernel.jobs.by_id[job].moves == 1
    bench.step(Failed, job=job, fence=bench.fence(job), kind="UNSUPPORTED", message="?", fields={"start": "unreadable"})
    bench.start(job)
    assert bench.kernel.jobs.by_id[job].moves == 0
    (charge,) = of(bench.finish(job), Charge)
    assert charge.amounts["rounds"] == 100 * 8 * DISTANCE
    floors.consistent()


def test_a_restart_remembers_moves_that_its_journal_has_in_one_record(make_bench: Any, program: Any) -> None:
    width = TILES * PATCH
    bench = make_bench(workers=2, regions=(("left", width), ("right", width)), job_records=1)
    floors = Machines(bench, program)
    job = floors.submit(fences=1)
    bench.start(job)
    floors.migrate(job, "right")
    bench.start(job)
    bench.progress(job, 50)
    assert any(isinstance(record, JobState) for record in bench.journal)
    fresh = bench.restarted()
    assert fresh.kernel.jobs.by_id[job].moves == 1
    floors.consistent()
