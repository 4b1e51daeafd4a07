"""Room on the machine: regions, memory, reservations, backfilling."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.kernel.capacity import DECODER_PPM
from qmk.kernel.scheduling import Left, Place, Queued
from qmk.simulation.machine import POLICIES, simulate
from qmk.simulation.trace import Arrival, Machine, Trace

REGIONS = (("left", 10), ("right", 6))


def sites(desk: Any) -> list[tuple[str, int]]:
    return [(desk.places[job].region, desk.places[job].first_qubit) for job in desk.out]


def test_all_qubits_of_a_job_are_placed_together_or_it_waits(make_desk: Any) -> None:
    desk = make_desk(workers=8, regions=REGIONS)
    six, four, five = desk.queue(qubits=6), desk.queue(qubits=4), desk.queue(qubits=5)
    assert sites(desk) == [("left", 0), ("left", 6), ("right", 10)]
    wide = desk.queue(qubits=7)
    desk.end(four)
    desk.end(five)
    assert desk.out == [six], "eight qubits of the device are free, and nowhere seven together"
    desk.end(six)
    assert (desk.out, sites(desk)) == ([wide], [("left", 0)])


def test_a_gap_between_two_jobs_is_used(make_desk: Any) -> None:
    desk = make_desk(workers=8, regions=(("all", 10),))
    jobs = [desk.queue(qubits=3) for _ in range(3)]
    desk.end(jobs[1])
    assert sites(desk) == [("all", 0), ("all", 6)]
    desk.queue(qubits=2)
    assert sites(desk)[-1] == ("all", 3)


def test_worker_slots_hold_one_job_each(make_desk: Any) -> None:
    desk = make_desk(workers=2, regions=(("r0", 100), ("r1", 100)), slots=True)
    jobs = [desk.queue(qubits=1) for _ in range(3)]
    assert sites(desk) == [("r0", 0), ("r1", 100)]
    desk.end(jobs[0])
    assert sites(desk) == [("r1", 100), ("r0", 0)]


def test_a_wanted_region_is_waited_for(make_desk: Any) -> None:
    desk = make_desk(workers=4, regions=REGIONS)
    blocker = desk.queue(qubits=6, wanted_region="right")
    mover = desk.queue(qubits=2, wanted_region="right")
    assert desk.out == [blocker]
    desk.end(blocker)
    assert (desk.out, sites(desk)) == ([mover], [("right", 10)])


def test_a_wish_that_no_restart_left_standing_is_void(make_desk: Any) -> None:
    desk = make_desk(workers=4, regions=REGIONS)
    desk.queue(qubits=8, wanted_region="right")
    desk.queue(qubits=1, wanted_region="gone")
    assert sites(desk) == [("left", 0), ("left", 8)]


def test_memory_bounds_the_launches_together_and_one_alone_may_try(make_desk: Any) -> None:
    desk = make_desk(workers=4, memory_bytes=100)
    huge = desk.queue(memory_bytes=1000)
    assert desk.out == [huge]
    small = desk.queue(memory_bytes=1)
    assert desk.out == [huge]
    desk.end(huge)
    assert desk.out == [small]


def test_the_time_of_the_decoder_bounds_the_launches_together(make_desk: Any) -> None:
    desk = make_desk(workers=8)
    first = desk.queue(decoder_ppm=DECODER_PPM // 2)
    second = desk.queue(decoder_ppm=DECODER_PPM // 2)
    third = desk.queue(decoder_ppm=1)
    fourth = desk.queue()
    assert desk.out == [first, second, fourth], "one that has nothing to decode waits for no decoder"
    desk.end(first)
    assert desk.out == [second, fourth, third]


def test_a_job_that_takes_all_of_the_decoder_is_waited_for(make_desk: Any) -> None:
    desk = make_desk(workers=8)
    runner = desk.queue(seconds=10, decoder_ppm=1)
    head = desk.queue(seconds=10, decoder_ppm=DECODER_PPM)
    assert desk.queue(seconds=11, decoder_ppm=1) not in desk.out, "it would hold the head back"
    short = desk.queue(seconds=9, decoder_ppm=1)
    none = desk.queue(seconds=1000)
    assert desk.out == [runner, short, none]
    desk.now_s = 9
    desk.end(short, 9)
    desk.now_s = 10
    desk.end(runner, 10)
    assert desk.out == [none, head]


class Backfilling:
    """One job of 10 s runs in 60 of 100; the head needs 70 and is promised a start at 10 s."""

    def __init__(self, make_desk: Any, **settings: Any) -> None:
        self.desk = make_desk(workers=8, memory_bytes=100, **settings)
        self.runner = self.desk.queue(seconds=10, memory_bytes=60)
        self.head = self.desk.queue(seconds=10, memory_bytes=70)
        assert self.desk.out == [self.runner]


def test_what_ends_before_the_reservation_may_pass(make_desk: Any) -> None:
    case = Backfilling(make_desk)
    short = case.desk.queue("b", seconds=9, memory_bytes=40)
    assert case.desk.out == [case.runner, short]


def test_what_leaves_the_reservation_its_room_may_pass(make_desk: Any) -> None:
    case = Backfilling(make_desk)
    long = case.desk.queue(seconds=1000, memory_bytes=30)
    assert case.desk.out == [case.runner, long]
    assert case.desk.queue(seconds=1000, memory_bytes=10) not in case.desk.out, "the room beside the head is used"
    case.desk.now_s = 10
    case.desk.end(case.runner, 10)
    assert case.head in case.desk.out


def test_what_would_delay_the_reservation_may_not_pass(make_desk: Any) -> None:
    case = Backfilling(make_desk)
    case.desk.queue(seconds=11, memory_bytes=31)
    assert case.desk.out == [case.runner]


def test_without_backfilling_nothing_passes(make_desk: Any) -> None:
    case = Backfilling(make_desk, backfill=False)
    case.desk.queue(seconds=1, memory_bytes=1)
    assert case.desk.out == [case.runner]


def test_qubits_are_reserved_like_memory(make_desk: Any) -> None:
    desk = make_desk(workers=8, regions=(("all", 10),))
    runner = desk.queue(seconds=10, qubits=6)
    head = desk.queue(seconds=10, qubits=8)
    assert desk.queue(seconds=11, qubits=3) not in desk.out
    short = desk.queue(seconds=9, qubits=3)
    assert short in desk.out
    desk.now_s = 9
    desk.end(short, 9)
    desk.now_s = 10
    desk.end(runner, 10)
    assert head in desk.out


def test_the_head_starts_when_promised_however_much_passes_it(make_desk: Any) -> None:
    """A stream of short jobs, each of which fits beside what runs, for as long as the head waits."""
    case = Backfilling(make_desk)
    desk = case.desk
    passed = 0
    for tick in range(1, 11):
        desk.queue("b", seconds=0.9, memory_bytes=40)
        desk.now_s = float(tick)
        for job in [job for job in desk.out if job.startswith("b")]:
            desk.end(job, 0.9)
            passed += 1
    assert passed >= 9
    desk.end(case.runner, 10)
    assert case.head in desk.out


@pytest.mark.parametrize("factor", [2.0, 10.0])
def test_estimates_too_low_by_a_factor_delay_the_head_by_no_more(factor: float) -> None:
    """Promised at 10 s; every prediction is too low by ``factor``. Small jobs never cease to come."""
    arrivals = [
        Arrival(at_s=0.0, tenant="a", actual_s=10 * factor, predicted_s=10.0, memory_bytes=60),
        Arrival(at_s=0.0, tenant="a", actual_s=1.0, memory_bytes=90),
        *(
            Arrival(at_s=tick / 2, tenant="a", actual_s=3 * factor, predicted_s=3.0, memory_bytes=20)
            for tick in range(round(60 * factor))
        ),
    ]
    outcome = simulate(Trace(Machine(workers=8, memory_bytes=100), arrivals), POLICIES["fair+backfill"])
    head = outcome.runs[1]
    assert sum(run.started_s < head.started_s for run in outcome.runs) >= 3, "some passed it"
    assert 10 * factor <= head.started_s <= 10 * factor + 0.001


def test_after_a_broken_promise_only_what_leaves_the_head_its_room_passes(make_desk: Any) -> None:
    case = Backfilling(make_desk)
    desk = case.desk
    desk.now_s = 11
    assert desk.queue(seconds=0.1, memory_bytes=40) not in desk.out
    beside = desk.queue(seconds=1000, memory_bytes=30)
    assert beside in desk.out
    desk.now_s = 100
    desk.end(case.runner, 100)
    assert case.head in desk.out


def test_another_tenants_turn_is_its_turn(make_desk: Any) -> None:
    """The reservation is against those behind the head; a tenant that has had less goes before it."""
    case = Backfilling(make_desk)
    turn = case.desk.queue("b", seconds=100, memory_bytes=40)
    assert case.desk.out == [case.runner, turn]
    assert case.desk.queue("b", seconds=100, memory_bytes=0) in case.desk.out, "needs nothing of the head's"
    case.desk.now_s = 10
    case.desk.end(case.runner, 10)
    assert case.head not in case.desk.out


def test_a_waiting_job_can_leave(make_desk: Any) -> None:
    case = Backfilling(make_desk)
    other = case.desk.queue(seconds=100, memory_bytes=40)
    assert case.desk.out == [case.runner]
    case.desk.tell(Left(case.head))
    assert case.desk.out == [case.runner, other]


def test_a_deep_queue_is_searched_no_further_than_the_bound(make_desk: Any) -> None:
    """Ten thousand jobs that may not pass, of ever other sizes, and one behind them that may: each step looks at no
    more than so many nodes, so it may be overlooked; the step stays short."""
    case = Backfilling(make_desk)
    desk = case.desk
    desk.tell(*(Queued(desk.task("b", 1000 + n, memory_bytes=41 + n % 20)) for n in range(10_000)))
    before = sum(share.queue.visits for share in desk.state.shares)
    desk.queue("b", seconds=1, memory_bytes=1)
    assert sum(share.queue.visits for share in desk.state.shares) - before < 150


def test_who_passes_its_own_head_up_to_its_limit_gives_the_turn_away(make_desk: Any) -> None:
    """Its head waits for the limit from then on, and reserves nothing: what it held back starts in the same step."""
    desk = make_desk(workers=3, memory_bytes=100)
    desk.tenant("a", weight=0.5, running_jobs=1)
    desk.queue("b", memory_bytes=19)
    desk.queue("a", memory_bytes=82)
    held_back = desk.queue("b", 2.0, memory_bytes=19)
    assert held_back not in desk.out
    small = desk.task("a", 0.1, memory_bytes=0)
    actions = desk.tell(Queued(small))
    assert [action.job for action in actions if isinstance(action, Place)] == [small.job, held_back]


def test_who_is_charged_for_passing_its_own_head_gives_the_turn_away(make_desk: Any) -> None:
    """The tenant behind it is before it then, and starts in the same step, not at the next event."""
    desk = make_desk(workers=3, memory_bytes=100)
    desk.queue("b", 1.0, memory_bytes=60)
    desk.queue("a", 5.0, memory_bytes=80)
    held_back = desk.queue("b", 9.0, memory_bytes=30)
    assert held_back not in desk.out
    small = desk.task("a", 1.0, memory_bytes=5)
    actions = desk.tell(Queued(small))
    assert [action.job for action in actions if isinstance(action, Place)] == [small.job, held_back]
