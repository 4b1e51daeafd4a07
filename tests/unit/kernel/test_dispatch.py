"""The scheduler inside the kernel: what it is told, what its decisions become, what others are told of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Interrupt, Launch, QueryResources, SetTimer
from qmk.kernel.events import NotSaved, Recovered, Saved, ShuttingDown, TimerFired
from qmk.kernel.scheduling import Place
from qmk.policy.standard import STANDARD

WEIGHTS = {"a": 1.0, "b": 2.0, "c": 4.0}


def shared(bench: Any, **weights: float) -> Any:
    """The bench with tenants of these weights."""
    for tenant, weight in weights.items():
        bench.enrol(tenant, weight=weight)
    return bench


def launched(bench: Any) -> list[str]:
    return [launch.job for launch in bench.launches]


def epoch_passes(bench: Any, effects: list[Any]) -> list[Any]:
    """To the edge for which the effects set a timer."""
    (at_ns,) = [effect.at_ns for effect in effects if isinstance(effect, SetTimer) and effect.key == "epoch"]
    bench.now_s = at_ns / 1e9 + 1e-6
    return bench.step(TimerFired, key="epoch")


def asked(effects: list[Any]) -> list[Interrupt]:
    return [effect for effect in effects if isinstance(effect, Interrupt)]


def test_a_launch_says_where_the_qubits_are(make_bench: Any) -> None:
    bench = make_bench(workers=3, regions=(("left", 4), ("right", 4)))
    session = bench.open()
    for _ in range(3):
        bench.submit(session, demand={"n_qubits": 2})
    assert [(launch.region, launch.first_qubit) for launch in bench.launches] == [
        ("left", 0),
        ("left", 2),
        ("right", 4),
    ]


def test_by_default_each_worker_is_a_region_for_one_job(make_bench: Any) -> None:
    bench = make_bench(workers=2)
    session = bench.open()
    jobs = [bench.submit(session) for _ in range(3)]
    assert [launch.region for launch in bench.launches] == ["r0", "r1"]
    bench.finish(jobs[1])
    assert bench.launches[2].region == "r1"


def test_a_job_wider_than_every_region_is_refused_with_the_numbers(make_bench: Any, program: Any) -> None:
    bench = make_bench(regions=(("left", 4), ("right", 6)))
    session = bench.open()
    (route,) = bench.call("q_submit", session_id=session, graph=program())
    pending = bench.kernel.pending[route.job]
    pending.draft = msgspec.structs.replace(pending.draft, n_qubits=7)
    (refused,) = bench.route(route.job)
    data = refused.error.to_dict()["data"]
    assert (data["name"], data["resource"], data["asked"], data["limit"]) == ("RESOURCE_EXHAUSTED", "qubits", 7, 6)
    assert data["retryable"] is False


def test_the_map_shows_device_indexes_once_it_is_placed_and_after_a_restart(make_bench: Any) -> None:
    bench = make_bench(workers=2, regions=(("all", 5),))
    session = bench.open(requested=["CAP_ALLOC", "CAP_MEASURE", "CAP_DEBUG"])
    debug = {"policy": Policy(debug=True), "demand": {"n_qubits": 2}}
    jobs = [bench.submit(session, **debug) for _ in range(3)]
    maps = [bench.ask("q_get_mapping", session_id=session, job_id=job) for job in jobs]
    assert [[row.index for row in found.placements] for found in maps] == [[0, 1], [2, 3], [0, 1]]
    assert [(found.region, found.first_qubit) for found in maps] == [("all", 0), ("all", 2), ("", 0)]
    bench.start(jobs[1])
    bench.finish(jobs[1])
    fresh = bench.restarted()
    assert fresh.kernel.snapshot() == bench.kernel.snapshot()
    session = fresh.open(requested=["CAP_DEBUG"])
    found = fresh.ask("q_get_mapping", session_id=session, job_id=jobs[1])
    assert [row.index for row in found.placements] == [2, 3]


def test_virtual_times_survive_a_restart(make_bench: Any) -> None:
    bench = shared(make_bench(), a=1.0, b=1.0)
    a, b = bench.open(tenant="a"), bench.open(tenant="b")
    for job in [bench.submit(a, seconds=10) for _ in range(2)]:
        bench.start(job)
        bench.now_s += 10
        bench.finish(job, engine_seconds=10.0)
    waiting = [bench.submit(a), bench.submit(b), bench.submit(b)]
    bench.step(ShuttingDown)
    fresh = bench.restarted()
    assert fresh.kernel.snapshot() == bench.kernel.snapshot()
    assert fresh.kernel.snapshot()["virtual_times"]["a"] == 20_000_000_000
    fresh.recover()
    for _ in waiting:
        fresh.finish(launched(fresh)[-1], engine_seconds=1.0)
    assert launched(fresh) == [waiting[1], waiting[2], waiting[0]]


def test_shares_of_three_saturating_tenants(make_bench: Any) -> None:
    """Weights 1:2:4 over two workers, with jobs of 4, 2 and 1 s; what was served after 140 s of both."""
    bench = shared(make_bench(workers=2), **WEIGHTS)
    sizes = {"a": 4.0, "b": 2.0, "c": 1.0}
    sessions = {name: bench.open(tenant=name) for name in WEIGHTS}
    owner: dict[str, str] = {}
    for name, session in sessions.items():
        for _ in range(200):
            owner[bench.submit(session, seconds=sizes[name])] = name
    served = dict.fromkeys(WEIGHTS, 0.0)
    ends: dict[str, float] = {}
    while bench.now_s < 1000 + 140:
        for launch in bench.launches:
            ends.setdefault(launch.job, bench.now_s + sizes[owner[launch.job]])
        job = min((job for job in ends if ends[job] > 0), key=lambda job: ends[job])
        bench.now_s, ends[job] = ends[job], 0.0
        served[owner[job]] += sizes[owner[job]]
        bench.finish(job, engine_seconds=sizes[owner[job]])
    total = sum(served.values())
    assert {name: round(value / total, 6) for name, value in served.items()} == pytest.approx(
        {name: weight / 7 for name, weight in WEIGHTS.items()}, rel=0.05
    )


def test_a_flood_of_ten_thousand_jobs_delays_another_tenants_single_job_by_less_than_two_epochs(
    make_bench: Any,
) -> None:
    """The flood's launch can yield, and has fences less than an epoch (100 ms) apart. It is asked at the edge after the
    single job's arrival, and no sooner; its place goes to the single job."""
    bench = shared(make_bench(), flood=1.0, single=1.0)
    flood, single = bench.open(tenant="flood"), bench.open(tenant="single")
    first = bench.submit(flood, seconds=3600, demand={"fenced": True})
    bench.start(first)
    for _ in range(9_999):
        bench.submit(flood, seconds=3600, demand={"fenced": True})
    bench.now_s += 30.04
    arrived_s = bench.now_s
    job, effects = bench.submit_for_effects(single)
    assert (launched(bench), asked(effects)) == ([first], [])
    assert bench.ask("q_status", session_id=single, job_id=job).place_in_queue == 0
    (ask,) = asked(epoch_passes(bench, effects))
    assert (ask.job, ask.fence, ask.kind, ask.why) == (first, bench.fence(first), "yield", "preempted")
    assert bench.now_s - arrived_s < 0.1
    bench.now_s += 0.09
    queue, job_of = bench.kernel.jobs.queue, bench.kernel.jobs.by_id
    queue.stop(job_of[first], bench.now_ns, continued=True)
    queue.put(job_of[first])
    (place,) = [action for action in queue.decide(bench.now_ns) if isinstance(action, Place)]
    assert place.job == job
    assert bench.now_s - arrived_s < 0.2


def test_a_launch_is_asked_once_and_the_timer_runs_only_while_it_is_of_use(make_bench: Any) -> None:
    bench = shared(make_bench(), a=1.0, b=1.0)
    a, b = bench.open(tenant="a"), bench.open(tenant="b")
    runner = bench.submit(a, seconds=100, demand={"fenced": True})
    bench.start(runner)
    bench.now_s += 5
    _, effects = bench.submit_for_effects(b)
    effects = epoch_passes(bench, effects)
    assert [ask.job for ask in asked(effects)] == [runner]
    assert not [effect for effect in effects if isinstance(effect, SetTimer)], "whoever may yield has been asked"
    bench.now_s += 1
    assert bench.step(TimerFired, key="epoch") == []


def test_the_epoch_never_goes_back(make_bench: Any) -> None:
    bench = make_bench()
    bench.open()
    assert bench.kernel.epoch() == 10_000
    bench.now_s = 10.0
    bench.open()
    assert bench.kernel.epoch() == 10_000
    bench.now_s = 10.5
    bench.open()
    assert bench.kernel.epoch() == 10_005


def test_place_in_queue_counts_the_tenants_own_jobs_only(make_bench: Any) -> None:
    places: list[list[int | None]] = []
    for others in (1, 20):
        bench = shared(make_bench(), a=1.0, b=1.0)
        a, b = bench.open(tenant="a"), bench.open(tenant="b")
        for _ in range(others):
            bench.submit(b)
        jobs = [bench.submit(a, policy=Policy(priority=n % 3)) for n in range(6)]
        places.append([bench.ask("q_status", session_id=a, job_id=job).place_in_queue for job in jobs])
    assert places == [[4, 2, 0, 5, 3, 1]] * 2


def test_figures_of_the_queue_are_the_callers_own_where_there_are_tenants(make_bench: Any) -> None:
    bench = shared(make_bench(), a=1.0, b=1.0)
    a, b = bench.open(tenant="a"), bench.open(tenant="b")
    for _ in range(3):
        bench.submit(a)

    def figures(**params: Any) -> Any:
        (effect,) = bench.call("q_query_resources", **params)
        assert isinstance(effect, QueryResources)
        return effect.queued, effect.running

    assert figures(session_id=a) == (2, 1)
    assert figures(session_id=b) == (0, 0)
    assert figures() == (None, None)


def test_after_a_restart_on_a_smaller_device_what_cannot_fit_fails_with_the_numbers(make_bench: Any) -> None:
    bench = make_bench(regions=(("all", 10),))
    session = bench.open()
    bench.submit(session, demand={"n_qubits": 2})
    large = bench.submit(session, demand={"n_qubits": 9})
    small = bench.submit(session, demand={"n_qubits": 3})
    fresh = bench.restarted()
    fresh.kernel = Kernel(KernelConfig(regions=(("all", 5),)), STANDARD)
    fresh.kernel.replay(bench.journal)
    effects = fresh.step(Recovered)
    assert [effect.job for effect in effects if isinstance(effect, Launch)] != []
    session = fresh.open()
    status = fresh.ask("q_status", session_id=session, job_id=large)
    assert (status.state, status.error["data"]["asked"], status.started) == ("FAILED", 9, None)
    assert fresh.ask("q_status", session_id=session, job_id=small).state == "QUEUED"
    again = fresh.restarted()
    assert again.kernel.snapshot() == fresh.kernel.snapshot()


def test_a_suspended_tenant_launches_nothing(make_bench: Any) -> None:
    bench = shared(make_bench(), a=1.0, b=1.0)
    a, b = bench.open(tenant="a"), bench.open(tenant="b")
    first, held, other = bench.submit(a), bench.submit(a), bench.submit(b)
    bench.operate("op_tenant_suspend", tenant="a")
    bench.finish(first)
    bench.finish(other)
    assert launched(bench) == [first, other]
    bench.operate("op_tenant_resume", tenant="a")
    assert bench.kernel.jobs.by_id[held].fence


@pytest.mark.parametrize("fits", [False, True])
def test_while_no_state_can_be_kept_no_launch_is_preempted(make_bench: Any, fits: bool) -> None:
    bench = shared(make_bench(), flood=1.0, single=1.0)
    flood, single = bench.open(tenant="flood"), bench.open(tenant="single")
    first = bench.submit(flood, seconds=3600, demand={"fenced": True})
    bench.start(first)
    bench.submit(flood, seconds=3600, demand={"fenced": True})
    bench.now_s += 30.04
    launch = {"job": first, "fence": bench.fence(first)}
    bench.step(NotSaved, **launch, message="no space left on device", stopped=False)
    if fits:
        bench.step(Saved, **launch, checkpoint="chk_1", epoch=1, blob="b1", size_bytes=9)
    _, effects = bench.submit_for_effects(single)
    assert [ask.kind for ask in asked(epoch_passes(bench, effects))] == ["yield"] * fits
