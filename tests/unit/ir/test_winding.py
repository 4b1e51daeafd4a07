"""How far a state of atoms winds: pair by pair for few atoms, and soon known for a large array."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from qmk.ir.winding import winding


def evolution(points: list[list[float]]) -> dict[str, object]:
    drive = {"amplitude": {"times": [0, 2], "values": [3.0, -5.0]}, "pattern": [0.5, -2.0]}
    return {"positions": points, "c6": -5.42e6, "duration": 2.0, "drives": [drive]}


@pytest.mark.parametrize("count", [1, 2, 3, 300])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_it_is_the_sum_over_the_two_nearest_partners(count: int, dimensions: int) -> None:
    rng = random.Random(count)
    points = [[rng.uniform(0, 100) for _ in range(dimensions)] for _ in range(count)]
    energies: list[list[float]] = [[] for _ in points]
    for i, j in itertools.permutations(range(count), 2):
        energies[i].append(5.42e6 / math.dist(points[i], points[j]) ** 6)
    pair = max(sum(sorted(row, reverse=True)[:2]) for row in energies)
    assert winding(evolution(points)) == pytest.approx(2.0 * (pair + 2.0 * 5.0), rel=1e-9)


def test_ten_thousand_atoms() -> None:
    """Pair by pair in Python this took a minute, before every engine refused the program."""
    grid = [[6.0 * x, 6.0 * y] for x in range(100) for y in range(100)]
    assert winding(evolution(grid)) == pytest.approx(2.0 * (2 * 5.42e6 / 6.0**6 + 2.0 * 5.0), rel=1e-9)
