"""A wall clock that was set is noticed by a second clock that nobody sets."""

from __future__ import annotations

from qmk.base.units import SECOND_NS
from qmk.host.clock import ClockWatch, steady_ns


def test_a_step_is_told_once_and_a_drift_when_it_has_gathered() -> None:
    steady = 5 * SECOND_NS
    wall = 1_000 * SECOND_NS
    watch = ClockWatch(wall, lambda: steady)
    assert watch.step_ns(wall) == 0
    steady += 86_400 * SECOND_NS
    assert watch.step_ns(wall + 86_400 * SECOND_NS) == 0, "time went by on both"
    for by_s in (40 * 86_400, -86_400, 61):
        wall += by_s * SECOND_NS
        assert watch.step_ns(wall + 86_400 * SECOND_NS) == by_s * SECOND_NS
        assert watch.step_ns(wall + 86_400 * SECOND_NS) == 0
    told = [watch.step_ns(wall + 86_400 * SECOND_NS + drift_s * SECOND_NS) for drift_s in (20, 40, 59, 60, 61)]
    assert told == [0, 0, 0, 60 * SECOND_NS, 0]


def test_the_steady_clock_goes_on() -> None:
    first = steady_ns()
    assert steady_ns() >= first > 0
