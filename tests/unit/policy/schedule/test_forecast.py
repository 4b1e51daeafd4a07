"""Place in the queue and predicted start."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.policy.schedule.forecast import place, start_ns


def start_s(desk: Any, job: str) -> float:
    return start_ns(desk.state, job) / 1e9


def test_the_place_counts_the_tenants_own_jobs(make_desk: Any) -> None:
    desk = make_desk()
    running = desk.queue("a")
    others = [desk.queue("b") for _ in range(20)]
    first, second = desk.queue("a"), desk.queue("a")
    urgent = desk.queue("a", priority=1)
    found = [place(desk.state, job) for job in (running, urgent, first, second, others[-1])]
    assert [each and each[0] for each in found] == [None, 0, 1, 2, 19]


def test_the_place_among_all_is_in_the_order_of_launch(make_desk: Any) -> None:
    """Three tenants of jobs of one length: what the forecast says is what then happens, give or take one turn each."""
    desk = make_desk()
    desk.queue("a")
    waiting = [desk.queue(name) for name in ("b", "b", "c", "a", "b", "c", "c", "a")]
    said = {job: sum(place(desk.state, job) or ()) for job in waiting}
    order: list[str] = []
    while len(order) < len(waiting):
        (out,) = desk.out
        desk.end(out)
        order += desk.out
    assert all(abs(said[job] - order.index(job)) <= 2 for job in waiting), (said, order)
    assert place(desk.state, order[-1]) is None


def test_alone_it_starts_after_what_runs_and_what_is_before_it(make_desk: Any) -> None:
    desk = make_desk(workers=2)
    desk.queue("a", 10)
    desk.queue("a", 4)
    desk.queue("a", 3)
    last = desk.queue("a", 1)
    desk.now_s = 2
    desk.tell()
    assert start_s(desk, last) == pytest.approx(2 + (8 + 2 + 3) / 2)


def test_others_are_served_by_weight_until_its_turn(make_desk: Any) -> None:
    desk = make_desk()
    desk.tenant("a", weight=1)
    desk.tenant("b", weight=2)
    runner = desk.queue("a", 1)
    for _ in range(3):
        job = desk.queue("a", 5)
    for _ in range(100):
        desk.queue("b", 5)
    desk.now_s = 1
    desk.end(runner, 1)
    waits = 5 + 10 + 2 * 11
    assert start_s(desk, job) == pytest.approx(1 + waits, abs=5)  # pyright: ignore[reportPossiblyUnboundVariable]


def test_a_tenant_with_little_to_do_costs_no_more_than_that(make_desk: Any) -> None:
    desk = make_desk()
    desk.queue("a", 1)
    for _ in range(10):
        last = desk.queue("a", 5)
    desk.queue("b", 2)
    assert start_s(desk, last) == pytest.approx(1 + 9 * 5 + 2)  # pyright: ignore[reportPossiblyUnboundVariable]


def test_the_job_that_waits_for_room_is_told_its_reservation(make_desk: Any) -> None:
    desk = make_desk(workers=8, memory_bytes=100)
    desk.queue("a", 10, memory_bytes=60)
    desk.queue("a", 20, memory_bytes=30)
    head = desk.queue("a", 1, memory_bytes=80)
    assert start_s(desk, head) == 20.0


def test_more_tenants_than_are_looked_at_one_by_one_are_taken_together(make_desk: Any) -> None:
    desk = make_desk()
    desk.queue("first", 1)
    for number in range(200):
        desk.queue(f"t{number}", 1)
    last = desk.queue("t0", 1)
    assert start_s(desk, last) == pytest.approx(201, abs=2)


@pytest.mark.parametrize("regions", [(), (("small", 4),)])
def test_what_is_expected_behind_an_overdue_job_moves_on(make_desk: Any, regions: Any) -> None:
    """Not "now" for as long as it is late: as long again as it is late already."""
    desk = make_desk(workers=2, regions=regions) if regions else make_desk()
    desk.queue("a", 10, qubits=3)
    behind = desk.queue("a", 1, qubits=3)
    for now_s, expected_s in ((4, 10), (10, 10), (11, 12), (40, 70), (250, 490)):
        desk.now_s = now_s
        desk.tell()
        assert start_s(desk, behind) == pytest.approx(expected_s)
