"""The order inside a tenant: priority with ageing, deadline, arrival."""

from __future__ import annotations

from typing import Any

from qmk.policy.schedule.order import NO_DEADLINE, POINT_EPOCHS, overtaking_epochs

EPOCH_S = 0.1


def order(desk: Any, running: str, jobs: list[str]) -> list[str]:
    """In which the jobs are launched, one after the other, by one worker that has ``running``."""
    for _ in jobs:
        desk.end(running)
        (running,) = desk.out
    return [action.job for _, actions in desk.tape for action in actions if hasattr(action, "region")][1:]


def test_of_one_epoch_priority_then_deadline_then_arrival(make_desk: Any) -> None:
    desk = make_desk()
    first = desk.queue()
    plain = desk.queue()
    far = desk.queue(deadline_epochs=10 * NO_DEADLINE)
    late = desk.queue(deadline_epochs=9)
    soon = desk.queue(deadline_epochs=2)
    urgent = desk.queue(priority=5)
    second = desk.queue()
    low = desk.queue(priority=-1, deadline_epochs=1)
    jobs = [urgent, soon, late, far, plain, second, low]
    assert order(desk, first, jobs) == jobs


def test_deadlines_count_from_acceptance(make_desk: Any) -> None:
    desk = make_desk()
    first = desk.queue()
    early = desk.queue(deadline_epochs=30)
    desk.now_s += 2.0
    later = desk.queue(deadline_epochs=5)
    desk.now_s += 0.5
    latest = desk.queue(deadline_epochs=10)
    assert order(desk, first, [early, later, latest]) == [later, early, latest]


def test_waiting_for_point_epochs_is_worth_one_point(make_desk: Any) -> None:
    desk = make_desk()
    first = desk.queue()
    old = desk.queue()
    desk.now_s += (POINT_EPOCHS - 1) * EPOCH_S
    before = desk.queue(priority=1)
    desk.now_s += 2 * EPOCH_S
    after = desk.queue(priority=1)
    assert order(desk, first, [old, before, after]) == [before, old, after]


def test_nothing_starves_behind_an_endless_stream_of_higher_priority(make_desk: Any) -> None:
    """One worker, jobs of 20 s; a job of five points more arrives whenever one starts. The bound is stated for
    acceptance: what was accepted later than it allows stays behind."""
    desk = make_desk()
    running = desk.queue(seconds=20)
    patient = desk.queue(seconds=20)
    bound_s = overtaking_epochs(5) * EPOCH_S
    passed: list[float] = []
    while patient not in desk.out:
        accepted_s = desk.now_s
        desk.queue(priority=5, seconds=20, deadline_epochs=1)
        desk.now_s += 20
        desk.end(running, 20)
        (running,) = desk.out
        if running != patient:
            passed.append(accepted_s)
    assert len(passed) > 10
    assert max(passed) <= bound_s
    assert desk.now_s <= bound_s + 2 * 20
