"""Independent sets of unit-disk graphs, and sweeps that find them."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.models.atoms import independent, to_graph
from qmk.qvm.graph import digest


def test_largest_sets_are_those_of_all_subsets() -> None:
    dice = random.Random(5)
    for _ in range(30):
        places = [(dice.uniform(0, 20), dice.uniform(0, 20)) for _ in range(dice.randint(1, 10))]
        edges = independent.unit_disk(places, dice.uniform(1, 15))
        free = [
            bits for bits in itertools.product((0, 1), repeat=len(places)) if not independent.violations(bits, edges)
        ]
        most = max(map(sum, free))
        assert independent.largest_sets(len(places), edges) == tuple(sorted(b for b in free if sum(b) == most))
    with pytest.raises(QmkError, match="41 vertices"):
        independent.largest_sets(41, ())


def test_the_disk_holds_its_rim_and_the_radius_its_formula() -> None:
    assert independent.unit_disk([(0, 0), (3, 4), (6, 8)], 5.0) == ((0, 1), (1, 2))
    radius = independent.blockade_radius(15.0, c6=5_420_000.0)
    assert 5_420_000.0 / radius**6 == pytest.approx(15.0)
    with pytest.raises(QmkError, match="not above 0"):
        independent.blockade_radius(0.0)


def test_a_slow_sweep_finds_the_largest_set_and_a_fast_one_does_not() -> None:
    path = [(5.5 * k, 0.0) for k in range(5)]
    edges = independent.unit_disk(path, independent.blockade_radius(15.0))
    (exact,) = independent.largest_sets(5, edges)
    assert exact == (1, 0, 1, 0, 1)
    shares = []
    for duration in (0.65, 4.0):
        program = to_graph(independent.sweep(path, duration=duration, detuning=(-30, 30)), "mis", "levels")
        counts = qmk.run(program, shots=500, seed=1).counts
        shares.append(counts.get("10101", 0) / 500)
    assert shares[1] > 0.9 > shares[0] + 0.3


def test_a_sweep_that_is_stopped_is_the_beginning_of_it() -> None:
    whole = independent.sweep([(0.0, 0.0)], detuning=(-30.0, 30.0), duration=4.0, ramp=0.5)
    part = independent.stop_at(whole, 2.0)
    (light,) = part.drives
    assert light.amplitude is not None
    assert light.detuning is not None
    assert part.duration == light.detuning.times[-1] == 2.0
    assert light.detuning.values[-1] == pytest.approx(0.0)
    assert light.amplitude.values == (0.0, 15.0, 15.0)
    assert independent.stop_at(whole, 4.0) == whole
    z = [float(qmk.expectation(to_graph(program, "x", "levels"), "Z0")) for program in (part, whole)]
    assert abs(z[0]) < 0.3
    assert z[1] < -0.99
    with pytest.raises(QmkError, match="5 us of 4 us"):
        independent.stop_at(whole, 5.0)
    with pytest.raises(QmkError, match="two ramps"):
        independent.sweep([(0.0, 0.0)], duration=1.0, ramp=0.6)
    assert math.isclose(whole.c6, 5_420_000.0)


def test_a_sweep_stops_at_a_time_of_numpy() -> None:
    whole = independent.sweep([(0.0, 0.0), (6.0, 0.0)], duration=1.0)
    stopped = independent.stop_at(whole, np.float64(0.7))
    plain = independent.stop_at(whole, 0.7)
    assert digest(to_graph(stopped, "chain")) == digest(to_graph(plain, "chain"))
