"""Age and drift of calibrations."""

from __future__ import annotations

import itertools
import math
import statistics

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.models.devices import NativeGate, Site, Target, target_named
from qmk.models.devices.age import STALE_S, age_note, age_s, is_stale
from qmk.models.devices.drift import Change, compare, drift, walk_at

MANILA = target_named("fake_manila")
DAY = 86400.0


def test_ages_are_counted_from_the_date_with_its_offset():
    noon = 1_717_243_200.0  # 2024-06-01T12:00:00Z
    assert age_s("2024-06-01T12:00:00Z", noon) == 0
    assert age_s("2024-06-01T12:00:00-03:00", noon) == -3 * 3600
    assert age_s("2024-06-01", noon) == 12 * 3600
    assert not is_stale("2024-05-25T12:00:00Z", noon)
    assert is_stale("2024-05-25T11:59:59Z", noon)
    assert STALE_S == 7 * DAY
    assert age_note("2024-06-01", noon) == "calibrated 12.0 hours ago (2024-06-01)"
    assert age_note("2024-05-01", noon) == "calibrated 32 days ago (2024-05-01): stale"
    assert age_note("2024-06-02", noon).endswith("in the future by this clock")
    with pytest.raises(QmkError, match="date is 'soon'"):
        age_s("soon")


def test_two_calibrations_are_compared_number_by_number():
    before = Target(
        "two",
        2,
        gates=("sx", "cz"),
        facts=(NativeGate("cz", (0, 1), 0.01), NativeGate("sx", (0,), 1e-4)),
        readings=(Site(t1_s=1e-4, readout_error=0.02), Site(t1_s=2e-4)),
        date="2025-01-01T00:00:00Z",
    )
    after = msgspec.structs.replace(
        before,
        facts=(NativeGate("cz", (0, 1), 0.03), NativeGate("sx", (1,), 1e-4)),
        readings=(Site(t1_s=4e-5, readout_error=0.02), Site(t1_s=2e-4)),
        date="2025-01-03T00:00:00Z",
    )
    found = compare(before, after)
    assert found.seconds == 2 * DAY
    assert found.medians == {
        "error of cz": (1, 0.01, 0.03),
        "T1": (2, pytest.approx(1.5e-4), pytest.approx(1.2e-4)),
        "error of readings": (1, 0.02, 0.02),
    }
    assert found.large == (Change("error of cz", (0, 1), 0.01, 0.03), Change("T1", (0,), 1e-4, 4e-5))
    assert (found.gone, found.new) == (1, 1)
    assert Change("x", (), 0.0, 1.0).factor == math.inf
    with pytest.raises(QmkError, match="'two' has 2 sites and 'fake_manila' 5"):
        compare(before, MANILA)


def test_a_walk_starts_at_the_calibration_and_grows_as_a_walk_does():
    assert drift(MANILA, 0.1, 1, 0.0) == MANILA
    assert drift(MANILA, 0.1, 1, DAY) == drift(MANILA, 0.1, 1, DAY)
    logs: dict[int, list[float]] = {1: [], 16: []}
    for days, seed in ((1, 1), (16, 1), (1, 2), (16, 2), (1, 3), (16, 3)):
        later = drift(MANILA, 0.05, seed, days * DAY)
        pairs = zip(later.facts, MANILA.facts, strict=True)
        logs[days] += [math.log(new.error / old.error) for new, old in pairs if new.error and old.error]
    spread = {days: statistics.pstdev(rows) for days, rows in logs.items()}
    assert 0.03 < spread[1] < 0.07
    assert 0.12 < spread[16] < 0.28, "0.05 times the root of 16 days"
    half, whole = (drift(MANILA, 0.1, 1, part * DAY).readings[0].t1_s for part in (0.5, 1.0))
    start = MANILA.readings[0].t1_s
    assert start is not None
    assert half == pytest.approx(math.sqrt(start * (whole or 0)))


@pytest.mark.parametrize(("per_day", "age"), [(-0.1, 1.0), (2.0, 1.0), (0.1, -1.0), (0.1, 1e12)])
def test_wrong_drifts_are_refused(per_day, age):
    with pytest.raises(QmkError, match="'fake_manila'"):
        drift(MANILA, per_day, 1, age)


def test_steps_of_a_walk_are_normal_and_independent_however_far_from_the_calibration():
    """Of 2000 steps the variance and the correlation with the next are within five standard deviations."""
    steps = [walk_at(f"name {k}", day + 1) - walk_at(f"name {k}", day) for k in range(20) for day in range(100)]
    steps += [walk_at(f"far {k}", day + 1) - walk_at(f"far {k}", day) for k in range(10) for day in (3000, 3649)]
    assert abs(statistics.fmean(step * step for step in steps) - 1) < 5 * math.sqrt(2 / len(steps))
    pairs = [a * b for a, b in itertools.pairwise(steps)]
    assert abs(statistics.fmean(pairs)) < 5 / math.sqrt(len(pairs))
    assert walk_at("x", 0) == 0
