"""A tenant cannot tell by time whether another has run a program. The long form, with the sizes of differences and
their intervals, is ``python -m benchmarks.isolation --timing 600``."""

from __future__ import annotations

import pytest

from benchmarks.isolation_timing import ALPHA, OTHER, SELF, compare, detectable, run

ROUNDS = 40
"""A probability of being faster that differs by ``detectable(ROUNDS)``, 0.33, from 1/2 is found nine times of ten."""


@pytest.mark.slow
@pytest.mark.parametrize("level", ["process", "jail"])
def test_times_tell_of_what_a_tenant_has_run_itself_alone(level: str) -> None:
    shifts = run(level, ROUNDS, "small", "process").shifts()
    assert shifts[SELF]["cpu"].chance < ALPHA, shifts
    assert shifts[SELF]["cpu"].ms < 0
    told = {name: shift.text() for name, shift in shifts[OTHER].items() if shift.chance < ALPHA}
    assert not told


def test_the_rank_test_finds_what_its_power_says() -> None:
    """Normal times that are apart as far as can be found, and half as far; how often each is told, of 200 times."""
    import random
    from statistics import NormalDist

    dice = random.Random(1)
    apart = NormalDist().inv_cdf(0.5 + detectable(ROUNDS)) * 2**0.5

    def told(shift: float) -> float:
        rows = range(ROUNDS)
        found = [compare([dice.gauss(shift) for _ in rows], [dice.gauss() for _ in rows]).chance for _ in range(200)]
        return sum(chance < ALPHA for chance in found) / 200

    assert told(apart) > 0.8
    assert told(0.0) < 0.02
