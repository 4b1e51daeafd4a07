"""Weighted fair share between tenants."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.kernel.scheduling import AllowanceSet, Clock, Queued, Started, Stopped
from qmk.policy.schedule.forecast import place
from qmk.simulation.machine import POLICIES, simulate
from qmk.simulation.trace import Arrival, Machine, Trace

FAIR = POLICIES["fair+backfill"]


@pytest.mark.parametrize("workers", [1, 4, 7])
@pytest.mark.parametrize("predicted", [1.0, 10.0, 0.1])
def test_shares_of_saturating_tenants_follow_their_weights(workers: int, predicted: float) -> None:
    """Weights 1:2:4; the light tenant's jobs are ten times as long as the heavy one's. Predictions are right, ten
    times too long, or ten times too short. Each tenant has more work than it can be served in the time looked at."""
    sizes = {"a": 1.0, "b": 0.3, "c": 0.1}
    weights = {"a": 1.0, "b": 2.0, "c": 4.0}
    span_s = 150.0
    arrivals = [
        Arrival(at_s=0.0, tenant=tenant, actual_s=size, predicted_s=size * predicted)
        for tenant, size in sizes.items()
        for _ in range(round(1.1 * span_s * workers * weights[tenant] / 7 / size))
    ]
    outcome = simulate(Trace(Machine(workers=workers, weights=weights), arrivals), FAIR)
    served = dict.fromkeys(sizes, 0.0)
    for run in outcome.runs:
        served[run.arrival.tenant] += max(0.0, min(run.ended_s, span_s) - min(run.started_s, span_s))
    total = sum(served.values())
    assert total == pytest.approx(span_s * workers, rel=1e-6)
    for tenant, weight in weights.items():
        assert served[tenant] / total == pytest.approx(weight / 7, rel=0.05), tenant


def test_an_idle_tenant_saves_nothing_up_and_pays_for_nothing(make_desk: Any) -> None:
    desk = make_desk()
    for _ in range(50):
        desk.end(desk.queue("a", 10), 10)
    busy = [desk.queue("a", 1) for _ in range(8)]
    fresh = [desk.queue("b", 1) for _ in range(8)]
    turns: list[str] = []
    while desk.out:
        (job,) = desk.out
        turns.append(job[0])
        desk.now_s += 1
        desk.end(job, 1)
    assert len(turns) == len(busy) + len(fresh)
    assert max(abs(turns[:k].count("a") - turns[:k].count("b")) for k in range(17)) <= 2


def test_a_launch_is_charged_what_it_was_predicted_and_then_what_it_took(make_desk: Any) -> None:
    desk = make_desk(workers=2)
    desk.tenant("a", weight=2.0)
    job = desk.queue("a", seconds=10)
    share = desk.state.shares.get("a")
    assert (share.charged, share.settled) == (5_000_000_000, 0)
    desk.end(job, 4)
    assert (share.charged, share.settled) == (0, 2_000_000_000)


def test_a_tenant_held_back_by_its_quota_saves_nothing_up(make_desk: Any) -> None:
    desk = make_desk(workers=3)
    desk.tenant("a", running_jobs=1)
    desk.tell(*(Queued(desk.task(tenant, 1)) for tenant in "ab" for _ in range(200)))

    def served(seconds: int) -> dict[str, int]:
        ended: list[str] = []
        for _ in range(seconds):
            desk.now_s += 1
            for job in list(desk.out):
                desk.end(job, 1)
                ended.append(job[0])
                assert len(desk.out) == 3
        return {name: ended.count(name) for name in "ab"}

    assert served(40) == {"a": 40, "b": 80}
    desk.tenant("a", running_jobs=1000)
    after = served(20)
    assert abs(after["a"] - after["b"]) <= 6


def test_a_quota_of_qubits_holds_its_tenant_back_and_nobody_else(make_desk: Any) -> None:
    desk = make_desk(workers=4)
    desk.tenant("a", running_qubits=10)
    first, second, other = desk.queue("a", qubits=6), desk.queue("a", qubits=6), desk.queue("b", qubits=50)
    assert desk.out == [first, other]
    desk.end(first)
    assert desk.out == [other, second]


def test_a_single_job_does_not_wait_for_a_flood(make_desk: Any) -> None:
    """Launches that cannot yield: the job starts with the first launch that ends, whatever is queued before it."""
    desk = make_desk(workers=4)
    desk.tell(*(Queued(desk.task("flood", 5)) for _ in range(10_000)))
    desk.now_s += 2
    single = desk.queue("single", 1)
    assert single not in desk.out
    desk.now_s += 3
    desk.end(desk.out[0], 5)
    assert single in desk.out


def test_a_flood_of_fenced_jobs_delays_a_single_job_by_less_than_two_epochs() -> None:
    """Precisely: its launches have fences less than an epoch apart, and none of them was preempted in the last
    QUIET_EPOCHS. Then one is asked at the next edge, within an epoch, and yields at its next fence, in less than one.
    An epoch is 0.1 s."""
    flood = [Arrival(at_s=0.0, tenant="flood", actual_s=30.0, fence_s=0.095, priority=9) for _ in range(10_000)]
    for at_s in (3.0, 3.03, 3.0999):
        trace = Trace(Machine(workers=4), [*flood, Arrival(at_s=at_s, tenant="single", actual_s=0.5)])
        single = simulate(trace, FAIR, until_s=5.0).runs[-1]
        assert 0 < single.started_s - at_s < 0.2


def test_a_clock_that_jumps_breaks_nothing(make_desk: Any) -> None:
    desk = make_desk(workers=1)
    first, second = desk.queue("a", 1), desk.queue("b", 1)
    desk.tell(Clock(10**18))
    epoch = desk.state.epoch
    desk.tell(Clock(0))
    assert desk.state.epoch == epoch
    desk.tell(Clock(500_000_000))
    assert desk.state.epoch == epoch + 5
    desk.now_s = 1.0
    desk.tell(Stopped(first, 10**18))
    assert desk.out == [first, second]
    assert desk.state.shares.get("a").settled <= 7 * 24 * 3600 * 10**9


def test_what_a_replay_knows_gives_the_same_virtual_times(make_desk: Any) -> None:
    """The journal knows no launches, only starts and ends."""
    live, other = make_desk(workers=2), make_desk(workers=2)
    jobs = [live.queue(tenant, 1) for tenant in "aabb"]
    live.now_s += 1
    for job in jobs:
        live.end(job, 1.5)
    state = other.state
    for job in jobs:
        state.apply(Queued(live.tasks[job]))
    for job in jobs[:2]:
        state.apply(Started(job))
    for number, job in enumerate(jobs):
        state.apply(Stopped(job, 1_500_000_000))
        if number < 2:
            state.apply(Started(jobs[number + 2]))
    assert state.accounts() == live.state.accounts()
    other.tape.clear()
    other.state = type(state)(other.settings)


def test_an_allowance_holds_back_its_jobs_and_nobody_elses(make_desk: Any) -> None:
    """Two sessions of one tenant; the first may have one job out at once."""
    desk = make_desk(workers=3)
    desk.tell(AllowanceSet("ses", 1))
    mine = [desk.queue("a", allowance="ses", priority=5) for _ in range(50)]
    other = [desk.queue("a") for _ in range(3)]
    assert desk.out == [mine[0], other[0], other[1]]
    assert [(place(desk.state, job) or (-1, 0))[0] for job in (mine[1], mine[49], other[2])] == [0, 48, 49]
    urgent = desk.queue("a", allowance="ses", priority=6)
    desk.end(mine[0])
    assert desk.out == [other[0], other[1], urgent]
    desk.end(other[0])
    assert desk.out == [other[1], urgent, other[2]]
    desk.tell(AllowanceSet("ses"))
    desk.end(other[1])
    desk.end(other[2])
    assert desk.out == [urgent, mine[1], mine[2]]
