"""Preemption at fences."""

from __future__ import annotations

import itertools
from typing import Any

from qmk.kernel.scheduling import WakeAt, Woken
from qmk.policy.schedule.preempt import QUIET_EPOCHS
from qmk.simulation.machine import POLICIES, replay, settings_of, simulate
from qmk.simulation.trace import Arrival, Machine, Trace


def wake(desk: Any) -> None:
    """To the next edge of an epoch, at which the timer was set."""
    assert desk.wake_s is not None
    desk.now_s, desk.wake_s = desk.wake_s, None
    desk.tell()


def test_the_one_over_its_share_yields_at_the_next_edge_only(make_desk: Any) -> None:
    desk = make_desk()
    runner = desk.queue("a", 100, fenced=True)
    desk.now_s = 5.03
    single = desk.queue("b", 1)
    assert (desk.asked, desk.wake_s) == ([], 5.1)
    desk.now_s = 5.09
    desk.tell()
    assert desk.asked == []
    wake(desk)
    assert desk.asked == [runner]
    desk.now_s = 5.15
    desk.give_way(runner, 5.15)
    assert desk.out == [single]
    desk.end(single, 1)
    assert desk.out == [runner]


def test_a_clock_that_is_set_back_does_not_put_off_the_edge(make_desk: Any) -> None:
    """What is left until the edge is counted from the clock's new time, for which the timer is set anew."""
    desk = make_desk()
    desk.now_s = 3605.0
    runner = desk.queue("a", 100, fenced=True)
    desk.now_s = 3605.03
    desk.queue("b", 1)
    assert desk.wake_s == 3605.1
    desk.now_s = 5.0
    desk.tell()
    assert desk.wake_s == 5.07
    assert [action for action in desk.tell() if isinstance(action, WakeAt)] == [], "it is asked once"
    wake(desk)
    assert desk.asked == [runner]


def test_a_timer_that_comes_too_early_is_set_again(make_desk: Any) -> None:
    desk = make_desk()
    runner = desk.queue("a", 100, fenced=True)
    desk.now_s = 5.05
    desk.queue("b", 1)
    desk.now_s, desk.wake_s = 5.08, None
    desk.tell(Woken())
    assert (desk.asked, desk.wake_s) == ([], 5.1)
    wake(desk)
    assert desk.asked == [runner]


def test_a_timer_is_set_only_while_something_waits_and_something_may_yield(make_desk: Any) -> None:
    desk = make_desk()
    fenced = desk.queue("a", 100, fenced=True)
    assert desk.wake_s is None
    desk.queue("a", 1)
    assert desk.wake_s is None, "nobody yields to a job of equal priority of its own tenant"
    desk.end(fenced, 1)
    desk.queue("b", 1)
    assert desk.wake_s is None, "what runs cannot yield"


def test_a_launch_without_fences_runs_on(make_desk: Any) -> None:
    desk = make_desk()
    desk.queue("a", 100)
    desk.now_s = 5
    desk.queue("b", 1)
    desk.now_s = 50
    assert [action for action in desk.tell() if not isinstance(action, WakeAt)] == []
    assert desk.asked == []


def test_a_tenant_within_its_share_keeps_its_place(make_desk: Any) -> None:
    desk = make_desk(workers=2)
    desk.queue("a", 100, fenced=True)
    desk.queue("b", 100, fenced=True)
    desk.now_s = 5
    desk.queue("c", 1)
    desk.queue("a", 1)
    wake(desk)
    assert len(desk.asked) <= 1, "three tenants share two workers: one place is enough for c"
    desk.asked.clear()
    for _ in range(5):
        if desk.wake_s is not None:
            wake(desk)
    assert desk.asked == []


def test_higher_priority_of_the_same_tenant_takes_the_place_of_lower(make_desk: Any) -> None:
    desk = make_desk()
    low = desk.queue("a", 100, fenced=True, priority=-1)
    desk.now_s = 1
    equal = desk.queue("a", 1, priority=-1)
    high = desk.queue("a", 1, priority=3)
    wake(desk)
    assert desk.asked == [low]
    desk.give_way(low, 1.1)
    assert desk.out == [high]
    desk.end(high, 1)
    assert desk.out == [low], "it keeps its place in the queue"
    assert equal not in desk.out


def test_priority_buys_nothing_against_another_tenant(make_desk: Any) -> None:
    desk = make_desk(workers=2)
    for tenant in "ab":
        desk.queue(tenant, 100, fenced=True)
    desk.now_s = 5
    desk.queue("a", 1, priority=1000)
    if desk.wake_s is not None:
        wake(desk)
    assert all(job.startswith("a") for job in desk.asked)


def test_one_job_is_preempted_at_most_once_in_quiet_epochs(make_desk: Any) -> None:
    desk = make_desk()
    runner = desk.queue("a", 1000, fenced=True)
    asked_at: list[float] = []
    desk.now_s = 1
    while desk.now_s < 40:
        desk.queue("b", 0.05)
        if desk.wake_s is not None:
            wake(desk)
        else:
            desk.now_s += 0.1
            desk.tell()
        if desk.asked:
            asked_at.append(desk.now_s)
            desk.give_way(runner, 0.1)
        for job in [job for job in desk.out if job != runner]:
            desk.end(job, 0.05)
    gaps = [later - sooner for sooner, later in itertools.pairwise(asked_at)]
    assert asked_at
    assert min(gaps, default=1e9) >= QUIET_EPOCHS * 0.1 - 1e-6


def test_as_many_yield_as_the_waiting_job_needs_and_not_more(make_desk: Any) -> None:
    desk = make_desk(workers=4, memory_bytes=100)
    runners = [desk.queue("a", 100, fenced=True, memory_bytes=25) for _ in range(4)]
    desk.now_s = 5
    desk.queue("b", 1, memory_bytes=50)
    wake(desk)
    assert len(desk.asked) == 2
    assert set(desk.asked) <= set(runners)
    asked = list(desk.asked)
    wake(desk)
    assert desk.asked == asked, "those that were asked are counted on"


def test_one_that_declines_is_not_asked_again(make_desk: Any) -> None:
    desk = make_desk()
    runner = desk.queue("a", 100, fenced=True)
    desk.now_s = 5
    desk.queue("b", 1)
    wake(desk)
    assert desk.asked == [runner]
    desk.wake_s = None
    desk.decline(runner)
    assert desk.wake_s is None
    desk.now_s = 50
    desk.tell()
    assert desk.asked == [runner]


def test_what_was_done_before_a_fence_is_not_predicted_again(make_desk: Any) -> None:
    desk = make_desk()
    runner = desk.queue("a", 10, fenced=True)
    desk.now_s = 5
    single = desk.queue("b", 1)
    wake(desk)
    desk.give_way(runner, 7)
    desk.end(single, 1)
    assert desk.state.entries[runner].left_ns == 3_000_000_000


def test_two_tenants_with_endless_fenced_jobs_take_turns() -> None:
    arrivals = [Arrival(at_s=0.0, tenant=tenant, actual_s=300.0, fence_s=0.05) for tenant in "ab"]
    trace = Trace(Machine(workers=1, weights={"b": 2.0}), arrivals)
    outcome = simulate(trace, POLICIES["fair"])
    assert sum(run.preemptions for run in outcome.runs) > 10
    served = {"a": 0.0, "b": 0.0}
    for stretch in outcome.stretches:
        if stretch.end_s <= 400:
            for tenant in stretch.running:
                served[tenant] += stretch.end_s - stretch.begin_s
    assert 1.8 < served["b"] / served["a"] < 2.2
    state, actions = replay(outcome, settings_of(trace.machine, POLICIES["fair"]))
    assert actions == [made for _, made in outcome.tape]
    assert state.snapshot() == outcome.state.snapshot()
